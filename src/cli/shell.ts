/** A command as it can be pasted into a POSIX shell: words are quoted where they have to be. */
export const commandText = (words: readonly string[]): string => words.map(quote).join(' ');

const quote = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
