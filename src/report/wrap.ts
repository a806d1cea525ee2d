/**
 * Text broken into lines between words.
 *
 * @param width the most characters a line has; a longer word has a line of its own.
 * @param hang how many spaces every line but the first begins with.
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

/** How wide sentences are; tables are as wide as they have to be. */
export const LINE_WIDTH = 100;
const LABEL_WIDTH = 10;

/** What stands before a labelled sentence. */
export const label = (text: string): string => text.padEnd(LABEL_WIDTH);

/** A sentence behind its label, in lines that leave the label's column free. */
export const labelled = (name: string, text: string): string[] =>
  wrap(text, LINE_WIDTH - LABEL_WIDTH).map((line, index) => label(index === 0 ? name : '') + line);
