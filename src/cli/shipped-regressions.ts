import { existsSync, realpathSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { RegressionStore, type StoredRegression } from '../campaign/index.ts';
import { PACKAGE_FOLDER } from './package.ts';

/** The folders of stored cases that come with barproof, and that a check replays. */
const REPLAYED = ['seed', 'known', 'revisions', 'cloud-hypervisor', 'patches'] as const;

/** The folder of stored cases that a command uses if the user names none. */
const DEFAULT_FOLDER = 'regressions';

/** The cases that come with barproof, from one folder of its `regressions`, such as `known`. */
export const shippedRegressions = (folder: string): readonly StoredRegression[] =>
  new RegressionStore(join(PACKAGE_FOLDER, 'regressions', folder)).load();

/**
 * The cases that a check replays: those of the user's folder, and if the user names no folder those that come with
 * barproof, whose files have absolute paths.
 *
 * @param passOver told of each JSON file of the user's folder that is no case.
 * @throws InvalidInput with every problem of every file that is not a valid case.
 */
export function storedCases(
  store: RegressionStore,
  passOver: (path: string) => void,
): readonly StoredRegression[] {
  const own = store.load(passOver);
  if (store.directory !== DEFAULT_FOLDER) return own;
  const shipped = join(PACKAGE_FOLDER, 'regressions');
  // In a checkout of barproof the two are one.
  if (existsSync(store.directory) && realpathSync(store.directory) === realpathSync(shipped)) return own;
  const packaged = REPLAYED.flatMap((folder) =>
    shippedRegressions(folder).map(({ file, regression }) => ({
      file: join(shipped, folder, file),
      regression,
    })),
  );
  return [...own, ...packaged];
}

/**
 * The file that the user names: a path, or the name of a case that comes with barproof, such as
 * `regressions/seed/cx4-64k.json`.
 */
export function caseFile(path: string): string {
  if (isAbsolute(path) || !path.startsWith('regressions/') || existsSync(path)) return path;
  const shipped = join(PACKAGE_FOLDER, path);
  return existsSync(shipped) ? shipped : path;
}
