/** The text has a line that no release of QEMU prints at this place. */
export class MtreeSyntaxError extends Error {
  override readonly name = 'MtreeSyntaxError';
  /** The first line of the text is 1. */
  readonly lineNumber: number;
  /** The line, without its line end. */
  readonly line: string;
  /** The forms that QEMU could have printed at this place. */
  readonly expected: string;

  constructor(lineNumber: number, line: string, expected: string) {
    super(`line ${lineNumber}: ${JSON.stringify(line)}: expected ${expected}`);
    this.lineNumber = lineNumber;
    this.line = line;
    this.expected = expected;
  }
}
