import { printable, shellQuoted } from '../input/index.ts';

/** A command line for a POSIX shell: words with special characters are quoted. */
export const commandText = (words: readonly string[]): string => words.map(quote).join(' ');

function quote(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  const runs: string[] = [];
  for (const character of word) {
    const before = runs.at(-1);
    if (before !== undefined && commandsTerminal(before) === commandsTerminal(character))
      runs[runs.length - 1] += character;
    else runs.push(character);
  }
  return runs.length === 0
    ? `''`
    : runs.map((run) => (commandsTerminal(run) ? made(run) : shellQuoted(run))).join('');
}

/** Whether the terminal that shows the text would obey it. A line break or a tab only moves what follows. */
const commandsTerminal = (text: string): boolean => {
  const rest = text.replaceAll(/[\n\t]/g, '');
  return printable(rest) !== rest;
};

/** Makes the shell print characters that stand in no line themselves. */
const made = (text: string): string => {
  const bytes = [...Buffer.from(text)].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`);
  return `"$(printf '${bytes.join('')}')"`;
};
