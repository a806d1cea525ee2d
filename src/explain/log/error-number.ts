import { errnoName } from '../../host/index.ts';

/** The texts of error numbers, as the C library prints them in English. */
const TEXTS: Readonly<Record<string, number>> = {
  'Operation not permitted': 1,
  'No such file or directory': 2,
  'Input/output error': 5,
  'No such device or address': 6,
  'Argument list too long': 7,
  'Cannot allocate memory': 12,
  'Permission denied': 13,
  'Bad address': 14,
  'Device or resource busy': 16,
  'File exists': 17,
  'No such device': 19,
  'Invalid argument': 22,
  'Inappropriate ioctl for device': 25,
  'No space left on device': 28,
  'Value too large for defined data type': 75,
  'Message too long': 90,
  'Operation not supported': 95,
  'Address already in use': 98,
};

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
  const known = Object.entries(TEXTS).find(([words]) => text.includes(words));
  if (known !== undefined) return known[1];
  const name = /\bE[A-Z]{3,}\b/.exec(text)?.[0];
  return name === undefined ? undefined : Object.values(TEXTS).find((number) => errnoName(number) === name);
}

/** `-22 (EINVAL)`. */
export const errorText = (errno: number): string => {
  const name = errnoName(errno);
  return name === String(errno) ? `-${errno}` : `-${errno} (${name})`;
};
