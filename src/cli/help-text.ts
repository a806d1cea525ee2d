import { terminalColumns } from './terminal-columns.ts';

/**
 * The first lines of `--help`: commands to copy, with what each command does. Where a line is wider than the terminal,
 * the purpose stands below the command.
 */
export const examples =
  (rows: readonly (readonly [command: string, purpose: string])[]): (() => string) =>
  () => {
    const width = Math.max(...rows.map(([command]) => command.length));
    const most = terminalColumns() ?? Infinity;
    const lines = rows.map(([command, purpose]) => `  ${command.padEnd(width)}   ${purpose}`);
    if (lines.every((line) => line.length <= most)) return `Examples:\n${lines.join('\n')}\n`;
    const below = rows.flatMap(([command, purpose]) => [`  ${command}`, ...fitted(purpose, most)]);
    return `Examples:\n${below.join('\n')}\n`;
  };

/** The last sentences of `--help`, in lines that fit into the terminal. */
export const closing =
  (text: string): (() => string) =>
  () => {
    const columns = terminalColumns();
    return `\n${columns === undefined ? text : fitted(text.replaceAll('\n', ' '), columns, '').join('\n')}`;
  };

const INDENT = '      ';

/** Sentences in lines of at most `width` characters, indented. */
function fitted(text: string, width: number, indent = INDENT): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(indent + word);
  }
  return lines;
}
