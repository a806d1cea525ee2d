import { basename, delimiter, dirname } from 'node:path';

/**
 * The words by which the user has started barproof, so that a printed command works where the user types it: through
 * npx, by its name, or as a file for node.
 *
 * @param file the file that Node was started with.
 * @param environment the variables of the process.
 */
export function programWords(
  file: string | undefined = process.argv[1],
  environment: Readonly<Record<string, string | undefined>> = process.env,
): readonly string[] {
  const name = file === undefined ? '' : basename(file);
  // Any other file is a program that has loaded barproof, such as a test.
  if (file === undefined || (name !== 'barproof' && name !== 'main.js')) return ['barproof'];
  if (environment['npm_command'] === 'exec') return ['npx', 'barproof'];
  if (name === 'main.js') return ['node', file];
  const folders = (environment['PATH'] ?? '').split(delimiter);
  return [folders.includes(dirname(file)) ? 'barproof' : file];
}
