/** A character of a word, or an escape of two; a quoted one keeps the quotes around its neighbours. */
interface Atom {
  readonly text: string;
  readonly isQuoted: boolean;
}

/** A word of a command: quoted parts, escapes, and plain characters (as `commandText` writes them). */
const WORD = /(?:\\.|'[^']*'|[^\s'\\])+/g;
const HANG = '    ';
/** What joins a line to the next: outside of quotes, the shell removes both characters. */
const JOINT = '\\';

/**
 * A command for a POSIX shell in lines of at most `width` characters, each but the last ended by a backslash. A word that
 * is longer than a line is broken, too, and goes on at the beginning of the next line: a blank would end the word.
 *
 * @param width at least 20.
 */
export function shellLines(command: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of command.match(WORD) ?? []) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (longer.length <= width - 2) {
      line = longer;
      continue;
    }
    if (line.trim() !== '') lines.push(`${line} ${JOINT}`);
    const parts = broken(HANG + word, width - 2);
    lines.push(...parts.slice(0, -1).map((part) => part + JOINT));
    line = parts.at(-1)!;
  }
  return [...lines, line];
}

/** A word in parts of at most `width` characters, which the shell joins again. */
function broken(word: string, width: number): readonly string[] {
  if (word.length <= width) return [word];
  const parts: string[] = [];
  let part = '';
  let isOpen = false;
  for (const { text, isQuoted } of atomsOf(word)) {
    // Two characters of room: a quote may have to be opened, and one closed.
    if (part.length + text.length + 2 > width) {
      parts.push(isOpen ? `${part}'` : part);
      part = '';
      isOpen = false;
    }
    if (isQuoted !== isOpen) part += "'";
    isOpen = isQuoted;
    part += text;
  }
  return [...parts, isOpen ? `${part}'` : part];
}

function atomsOf(word: string): readonly Atom[] {
  const atoms: Atom[] = [];
  let isQuoted = false;
  for (const [text] of word.matchAll(/\\.|./gs)) {
    if (!isQuoted && text.length === 2) atoms.push({ text, isQuoted });
    else
      for (const character of text)
        if (character === "'") isQuoted = !isQuoted;
        else atoms.push({ text: character, isQuoted });
  }
  return atoms;
}
