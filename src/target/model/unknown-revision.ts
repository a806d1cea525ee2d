/** A scenario names a revision that does not exist here. */
export class UnknownRevision extends Error {
  override readonly name = 'UnknownRevision';
  readonly revision: string;

  constructor(revision: string) {
    super(`there is no revision ${JSON.stringify(revision)}`);
    this.revision = revision;
  }
}
