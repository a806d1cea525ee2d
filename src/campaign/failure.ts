import { InvalidInput, type Problem } from '../input/index.ts';
import { Interrupted } from './interruptible.ts';

/** Keeps the first exception of the target, so that the check can report the findings so far before it throws the exception. */
export class Failure {
  first: { readonly error: unknown } | undefined;
  /** Whether the target can run no further scenario. */
  stopped = false;
  /** Why the cases of findings could not be stored. */
  readonly unsaved: Problem[] = [];

  /** Notes what `run` threw. The interrupt of the user is no failure. */
  note(error: unknown): void {
    if (error instanceof Interrupted) return;
    this.first ??= { error };
    this.stopped = true;
  }

  /** Notes why a finding could not be stored. The check goes on: a finding is one without its file, too. */
  noteUnsaved(error: unknown): void {
    if (error instanceof InvalidInput) this.unsaved.push(...error.problems);
    else this.first ??= { error };
  }
}
