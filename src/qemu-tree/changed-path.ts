import { InvalidInput, printable } from '../input/index.ts';

/** Bytes of a path of a file in a tree; Linux allows 4,096, and no tree comes near. */
const MAX_PATH = 500;

/**
 * A path that a patch names, without the first folder where the diff puts `a/` and `b/` in front.
 *
 * @throws InvalidInput for a path that leaves the tree, that names the data of git, or that no shell shows as it is.
 */
export function checkPath(path: string): string {
  const refuse = (why: string): never => {
    throw new InvalidInput([{ path: printable(path.slice(0, MAX_PATH)), message: why }]);
  };
  if (path.length > MAX_PATH) refuse(`the path has more than ${MAX_PATH} characters`);
  if (path.startsWith('/')) refuse('the path is absolute; a patch may change files of the tree alone');
  const parts = path.split('/');
  if (parts.includes('..')) refuse('the path leaves the tree; a patch may change files of the tree alone');
  if (parts.some((part) => part === '' || part === '.')) refuse('this is no path of a file in a tree');
  // Some file systems take .GIT for .git.
  if (parts.some((part) => /^\.git(?:modules|attributes)?$/i.test(part)))
    refuse('a patch may not change the data of git');
  if (/["\\]/.test(path) || printable(path) !== path)
    refuse('the path holds characters that QEMU has in no path');
  return path;
}
