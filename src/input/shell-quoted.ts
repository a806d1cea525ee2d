/** A text as one word for a POSIX shell, whatever characters it has. */
export const shellQuoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;
