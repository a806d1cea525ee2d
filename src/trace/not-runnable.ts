/** The target cannot run the scenario, for example a machine type that its program lacks. */
export class NotRunnable extends Error {
  override readonly name = 'NotRunnable';
  /** The reason in a few words, by which the scenarios that were not run are counted. */
  readonly reason: string;

  constructor(reason: string) {
    super(`a real QEMU cannot run the scenario: ${reason}`);
    this.reason = reason;
  }
}
