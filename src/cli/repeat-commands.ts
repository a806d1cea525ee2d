import { join } from 'node:path';
import type { Finding } from '../campaign/index.ts';
import type { CheckCommandOptions } from './check-command-options.ts';
import { commandText } from './shell.ts';

/** The command line that repeats the check. */
export const checkAgain = (
  { seed, runs, invariant, realistic, strict, target, interface: chosen }: CheckCommandOptions,
  revision: string,
): string =>
  commandText([
    'barproof',
    'check',
    ...(target === 'model' ? ['--revision', revision] : ['--target', target]),
    ...(target === 'model' || chosen === undefined ? [] : ['--interface', chosen]),
    ...['--seed', seed],
    ...['--runs', String(runs)],
    ...(invariant === undefined ? [] : ['--invariant', invariant]),
    ...(realistic ? ['--realistic'] : []),
    ...(strict ? ['--strict'] : []),
  ]);

/** The command line that shows a finding again on `revision`, if a file holds its case. */
export function replayFinding(
  { regressions, target }: CheckCommandOptions,
  { file, origin }: Finding,
  revision: string,
): string | undefined {
  if (file === undefined) return undefined;
  const isStoredForAnother = origin.kind === 'regression' && origin.stored !== revision;
  return commandText([
    'barproof',
    'replay',
    join(regressions, file),
    ...(target !== 'model' ? ['--target', target] : isStoredForAnother ? ['--revision', revision] : []),
  ]);
}
