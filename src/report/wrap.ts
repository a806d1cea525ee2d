/**
 * Text broken into lines between words.
 *
 * @param width the longest line, in characters; a longer word gets a line of its own.
 * @param hang the number of spaces in front of every line but the first.
 */
export function wrap(text: string, width: number, hang = 0): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line !== '' && longer.length > width) {
      lines.push(line);
      line = ' '.repeat(hang) + word;
    } else {
      line = longer;
    }
  }
  return [...lines, line];
}

/** The longest line of a sentence where no terminal says otherwise, in characters. */
const USUAL_WIDTH = 100;
const [LEAST_WIDTH, MOST_WIDTH] = [60, 200];

/** The width of the terminal that shows the texts of this process; `undefined` where there is none. */
let terminalWidth: number | undefined;

/** @param columns the width of the terminal, in characters; a width below 60 or above 200 counts as 60 or 200. */
export function setTerminalWidth(columns: number | undefined): void {
  terminalWidth = columns === undefined ? undefined : Math.min(MOST_WIDTH, Math.max(LEAST_WIDTH, columns));
}

/** By how many spaces the blocks of reports are indented. */
const INDENT = 3;

/** The longest line of a sentence, in characters, without the indentation of its block; tables may be wider. */
export const lineWidth = (): number => (terminalWidth === undefined ? USUAL_WIDTH : terminalWidth - INDENT);

/** The longest line of a memory map: no limit where no terminal shows the map. */
export const mapWidth = (): number => (terminalWidth === undefined ? Infinity : lineWidth());

/**
 * A line in lines that fit, if a terminal shows it. In a pipe it stays whole, so that a program finds it.
 *
 * @param column where the last column begins: the text before it is not broken, and the further lines begin below it.
 *   Without columns, where the line itself begins.
 */
export function fitted(line: string, column = line.search(/\S|$/)): string[] {
  if (line.length <= mapWidth()) return [line];
  const [first, ...rest] = wrap(line.slice(column), mapWidth() - column, 2);
  return [line.slice(0, column) + first!, ...rest.map((more) => ' '.repeat(column) + more)];
}

/** Lines in a text that fits, each with a newline at its end. @param indent what stands in front of each. */
export const fittedText = (lines: readonly string[], indent = ''): string =>
  lines
    .flatMap((line) => fitted(line))
    .map((line) => `${indent}${line}\n`)
    .join('');

const LABEL_WIDTH = 10;

/** A label, padded to the width of the label column. */
export const label = (text: string): string => text.padEnd(LABEL_WIDTH);

/** A sentence after its label, in lines that leave the label column free. */
export const labelled = (name: string, text: string): string[] =>
  wrap(text, lineWidth() - LABEL_WIDTH).map((line, index) => label(index === 0 ? name : '') + line);
