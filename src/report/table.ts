import { mapWidth, wrap } from './wrap.ts';

/** The spaces between two columns. */
const GAP = '  ';
/** A column of fewer characters would break a sentence at each word. */
const NARROW = 12;
/** What stands below the first cell of its row is indented by so many spaces. */
const INDENT = 2;

/**
 * The lines of a table with aligned columns. Where a terminal is narrower than the table, the longest cells are broken
 * between words; where that is not enough, the other cells of a row stand below its first.
 *
 * @param rightAligned indexes of the columns, from 0, that are aligned to the right; their cells are never broken.
 */
export const table = (rows: readonly (readonly string[])[], rightAligned: readonly number[] = []): string[] =>
  fittedRows(rows, rightAligned, mapWidth()).flat();

/** The lines of each row: whole, or with its longest cells broken, or with its other cells below its first. */
function fittedRows(
  rows: readonly (readonly string[])[],
  rightAligned: readonly number[],
  width: number,
): string[][] {
  const lines = alignedLines(rows, rightAligned);
  if (lines.every((line) => line.length <= width)) return lines.map((line) => [line]);
  const widths = narrowed(rows, rightAligned, width);
  if (widths !== undefined) {
    const broken = rows.map((row) => brokenRow(row, widths));
    const all = alignedLines(broken.flat(), rightAligned);
    return broken.map((own) => all.splice(0, own.length));
  }
  if (rows.every((row) => row.length <= 1)) return rows.map(([cell = '']) => wrap(cell, width, INDENT));
  return stackedRows(rows, rightAligned, width);
}

/** The lines of each row, whose other cells stand below its first; a pair of cells is one line where it fits. */
function stackedRows(
  rows: readonly (readonly string[])[],
  rightAligned: readonly number[],
  width: number,
): string[][] {
  const others = fittedRows(
    rows.map((row) => row.slice(1)),
    rightAligned.map((column) => column - 1),
    width - INDENT,
  );
  return rows.map(([first = '', ...rest], index) => {
    const below = others[index]!.filter((line) => line !== '');
    const isPair = below.length === 1 && rest.slice(1).every((cell) => cell === '');
    const pair = `${first}${GAP}${below[0]?.trim()}`;
    if (first !== '' && isPair && pair.length <= width) return [pair];
    return [
      ...(first === '' ? [] : wrap(first, width, INDENT)),
      ...below.map((line) => ' '.repeat(INDENT) + line),
    ];
  });
}

/**
 * The lines of a table with aligned columns, one for each row, however wide they are.
 *
 * @param rightAligned indexes of the columns, from 0, that are aligned to the right.
 */
export function alignedLines(
  rows: readonly (readonly string[])[],
  rightAligned: readonly number[] = [],
): string[] {
  const widths = columnWidths(rows, (cell) => cell.length);
  return rows.map((row) =>
    row
      .map((cell, column) =>
        rightAligned.includes(column) ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!),
      )
      .join(GAP)
      .trimEnd(),
  );
}

/** Of each column, the largest measure of its cells. */
function columnWidths(rows: readonly (readonly string[])[], measure: (cell: string) => number): number[] {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  return Array.from({ length: columns }, (_, column) =>
    Math.max(...rows.map((row) => measure(row[column] ?? ''))),
  );
}

const longestWord = (cell: string): number => Math.max(...cell.split(' ').map((word) => word.length));

/**
 * Widths with which the table fits, of which only the widest are less than their longest cell.
 *
 * @returns `undefined` where a table of narrow columns, or of the longest word of each, is too wide already.
 */
function narrowed(
  rows: readonly (readonly string[])[],
  rightAligned: readonly number[],
  width: number,
): readonly number[] | undefined {
  const wanted = columnWidths(rows, (cell) => cell.length);
  const words = columnWidths(rows, longestWord);
  const least = wanted.map((most, column) =>
    rightAligned.includes(column) ? most : Math.max(words[column]!, Math.min(most, NARROW)),
  );
  const room = width - GAP.length * (wanted.length - 1);
  const atMost = (cap: number): number[] =>
    wanted.map((most, column) => Math.max(least[column]!, Math.min(most, cap)));
  const sum = (widths: readonly number[]): number => widths.reduce((total, one) => total + one, 0);
  for (let cap = room; cap > 0; cap--) if (sum(atMost(cap)) <= room) return atMost(cap);
  return undefined;
}

/** A row in as many rows as its longest cell has lines. */
function brokenRow(row: readonly string[], widths: readonly number[]): string[][] {
  const cells = row.map((cell, column) => (cell === '' ? [''] : wrap(cell, widths[column]!)));
  const height = Math.max(1, ...cells.map((lines) => lines.length));
  return Array.from({ length: height }, (_, line) => cells.map((lines) => lines[line] ?? ''));
}
