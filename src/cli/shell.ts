import { printable } from '../input/index.ts';

/** A command line for a POSIX shell: words with special characters are quoted. */
export const commandText = (words: readonly string[]): string => words.map(quote).join(' ');

function quote(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  if (printable(word) === word) return `'${word.replaceAll("'", String.raw`'\''`)}'`;
  // Control characters would command the terminal that shows the line. Shells read this form since POSIX.1-2024.
  return `$'${printable(word.replaceAll(/[\\']/g, String.raw`\$&`))}'`;
}
