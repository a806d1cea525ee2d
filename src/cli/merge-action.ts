import { existsSync } from 'node:fs';
import { CampaignFolder, sumOf } from '../campaign/index.ts';
import { InvalidInput } from '../input/index.ts';
import { mergeText, statisticsText } from '../report/index.ts';
import type { RaiseExitCode } from './exit-code.ts';
import { ExitCode } from './exit-code.ts';

/** The options of `barproof merge` as commander reads them. */
export interface MergeCommandOptions {
  readonly into: string;
  readonly stats?: true;
}

/** Joins folders of campaigns into one, and says what it holds. */
export function merge(
  folders: readonly string[],
  { into, stats }: MergeCommandOptions,
  raiseExitCode: RaiseExitCode,
): void {
  const missing = folders.filter((folder) => !existsSync(folder));
  if (missing.length > 0) {
    throw new InvalidInput(missing.map((path) => ({ path, message: 'there is no such folder' })));
  }
  const all = new CampaignFolder(into);
  for (const folder of folders) all.add(new CampaignFolder(folder));
  const findings = all.findings();
  const states = all.states();
  process.stdout.write(mergeText(findings, states));
  if (stats) process.stdout.write(statisticsText(sumOf(states.map(({ tally }) => tally)), {}));
  if (findings.length > 0) raiseExitCode(ExitCode.COUNTEREXAMPLE);
}
