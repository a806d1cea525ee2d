import { prefixProblems, requireWritableFolder } from '../input/index.ts';

/** The folder of findings that commands use where the user names none. */
export const DEFAULT_REGRESSIONS = 'regressions';

/**
 * Tries before a search whether findings can be stored in the folder that the user named. Where only the present folder
 * admits no files, the search goes on without storing: its findings are printed.
 *
 * @throws InvalidInput
 */
export function requireStore({
  save,
  regressions,
}: {
  readonly save: boolean;
  readonly regressions: string;
}): void {
  if (save && regressions !== DEFAULT_REGRESSIONS)
    prefixProblems('--regressions', () => requireWritableFolder(regressions));
}
