import type { WriteStream } from 'node:tty';

const ERASE_LINE = '\r\u001B[2K';

/**
 * Writes progress as one line of a terminal, each line over the one before; an empty line clears it.
 *
 * @returns undefined when the stream is not a terminal.
 */
export function terminalProgress(stream: WriteStream): ((line: string) => void) | undefined {
  if (!stream.isTTY) return undefined;
  return (line) => {
    // A terminal of unknown width has 0 columns.
    const width = stream.columns > 1 ? stream.columns - 1 : line.length;
    stream.write(`${ERASE_LINE}${line.slice(0, width)}`);
  };
}
