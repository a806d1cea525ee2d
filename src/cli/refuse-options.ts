import { InvalidInput } from '../input/index.ts';

/**
 * Refuses options that a command would not obey: the user believes that they were obeyed.
 *
 * @param names as commander has them: `noSave` would be `save`.
 * @throws InvalidInput with each of them that the user gave.
 */
export function refuseOptions(options: object, names: readonly string[], message: string): void {
  const given = names.filter((name) => (options as Record<string, unknown>)[name] !== undefined);
  if (given.length > 0) throw new InvalidInput(given.map((name) => ({ path: `--${name}`, message })));
}
