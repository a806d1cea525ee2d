import { ERROR_TEXTS, errnoName } from '../../host/index.ts';

/**
 * The number of an error that a message names.
 *
 * @param text `-22`, `22`, `Invalid argument` or `EINVAL`.
 * @returns `undefined` for a text that names no known error.
 */
export function errorNumber(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const digits = /^-?(\d{1,3})$/.exec(text.trim());
  if (digits !== null) return Number(digits[1]);
  const known = [...ERROR_TEXTS].find(([, words]) => text.includes(words));
  if (known !== undefined) return known[0];
  const name = /\bE[A-Z]{3,}\b/.exec(text)?.[0];
  return name === undefined
    ? undefined
    : [...ERROR_TEXTS.keys()].find((number) => errnoName(number) === name);
}

/** `-22 (EINVAL)`. */
export const errorText = (errno: number): string => {
  const name = errnoName(errno);
  return name === String(errno) ? `-${errno}` : `-${errno} (${name})`;
};
