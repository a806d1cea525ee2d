import { errorName } from './error-number.ts';

/** A message that the server refuses. The text says what the message holds and what is allowed. */
export class MalformedMessage extends Error {
  override readonly name = 'MalformedMessage';
  /** The positive error number of the reply. */
  readonly errno: number;
  /** Whether the server closes the connection, because it cannot make sense of the messages that follow. */
  readonly fatal: boolean;

  constructor(problem: string, errno: number, fatal = false) {
    super(`${problem} (${errorName(errno)})`);
    this.errno = errno;
    this.fatal = fatal;
  }
}
