/** A scenario that a target cannot be asked to run. */
export class NotRunnable extends Error {
  override readonly name = 'NotRunnable';
  /** Why not, in a few words by which scenarios can be counted. */
  readonly reason: string;

  constructor(reason: string) {
    super(`a real QEMU cannot run the scenario: ${reason}`);
    this.reason = reason;
  }
}
