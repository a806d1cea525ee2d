import type { WriteStream } from 'node:tty';

const ERASE_LINE = '\r\u001B[2K';

/**
 * A line that is written over and over on a terminal; an empty one clears it. Nothing where nobody
 * watches, as in a pipe.
 */
export function terminalProgress(stream: WriteStream): ((line: string) => void) | undefined {
  if (!stream.isTTY) return undefined;
  return (line) => {
    // A terminal that does not know its width says 0.
    const width = stream.columns > 1 ? stream.columns - 1 : line.length;
    stream.write(`${ERASE_LINE}${line.slice(0, width)}`);
  };
}
