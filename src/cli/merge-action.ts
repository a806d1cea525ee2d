import { existsSync } from 'node:fs';
import { CampaignFolder, sumOf } from '../campaign/index.ts';
import {
  FOLDER_IS_GONE,
  InvalidInput,
  isBelowDeletedFolder,
  prefixProblems,
  requireWritableFolder,
} from '../input/index.ts';
import { mergeText, statisticsText } from '../report/index.ts';
import type { RaiseExitCode } from './exit-code.ts';
import { ExitCode } from './exit-code.ts';

/** The options of `barproof merge` as commander reads them. */
export interface MergeCommandOptions {
  readonly into: string;
  readonly stats?: true;
}

const NO_CAMPAIGN =
  'this is no folder of a campaign: barproof fuzz and barproof prove write findings, states or scenarios into it';

/** Joins folders of campaigns into one, and says what it holds. */
export function merge(
  folders: readonly string[],
  { into, stats }: MergeCommandOptions,
  raiseExitCode: RaiseExitCode,
): void {
  const missing = folders.filter((folder) => !existsSync(folder));
  if (missing.length > 0) {
    throw new InvalidInput(
      missing.map((path) => ({
        path,
        message: isBelowDeletedFolder(path) ? FOLDER_IS_GONE : 'there is no such folder',
      })),
    );
  }
  const others = folders.filter((folder) => !new CampaignFolder(folder).isCampaign);
  if (others.length > 0) throw new InvalidInput(others.map((path) => ({ path, message: NO_CAMPAIGN })));
  prefixProblems('--into', () => requireWritableFolder(into));
  const all = new CampaignFolder(into);
  for (const folder of folders) all.add(new CampaignFolder(folder));
  const findings = all.findings();
  const states = all.states();
  process.stdout.write(mergeText(findings, states));
  if (stats) process.stdout.write(statisticsText(sumOf(states.map(({ tally }) => tally)), {}));
  if (findings.length > 0) raiseExitCode(ExitCode.COUNTEREXAMPLE);
}
