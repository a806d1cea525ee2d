/** A line that no release of QEMU prints at its place. */
export class MtreeSyntaxError extends Error {
  override readonly name = 'MtreeSyntaxError';
  /** Counted from 1. */
  readonly lineNumber: number;
  /** The line, without its end. */
  readonly line: string;
  /** What could have stood there. */
  readonly expected: string;

  constructor(lineNumber: number, line: string, expected: string) {
    super(`line ${lineNumber}: ${JSON.stringify(line)}: expected ${expected}`);
    this.lineNumber = lineNumber;
    this.line = line;
    this.expected = expected;
  }
}
