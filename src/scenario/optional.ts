/** Reads a value with `read`; gives `undefined` where the key is left out. */
export const optional = <T>(value: unknown, read: (value: unknown) => T): T | undefined =>
  value === undefined ? undefined : read(value);
