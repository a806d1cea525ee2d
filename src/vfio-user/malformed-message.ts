import { errorName } from './error-number.ts';

/** A message that the server refuses for its form: what it says, what would be allowed, and what is answered. */
export class MalformedMessage extends Error {
  override readonly name = 'MalformedMessage';
  /** What the error reply carries. */
  readonly errno: number;
  /** Whether nothing that follows on this connection can be trusted any more, so that it is closed. */
  readonly fatal: boolean;

  constructor(problem: string, errno: number, fatal = false) {
    super(`${problem} (${errorName(errno)})`);
    this.errno = errno;
    this.fatal = fatal;
  }
}
