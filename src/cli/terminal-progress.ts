import type { WriteStream } from 'node:tty';

const ERASE_LINE = '\r\u001B[2K';

/**
 * A line that is written over and over on a terminal; an empty one clears it. Nothing where nobody
 * watches, as in a pipe.
 */
export function terminalProgress(stream: WriteStream): ((line: string) => void) | undefined {
  if (!stream.isTTY) return undefined;
  return (line) => {
    stream.write(`${ERASE_LINE}${line.slice(0, stream.columns - 1)}`);
  };
}
