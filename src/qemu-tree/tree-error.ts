import { InvalidInput } from '../input/index.ts';

/** What went wrong with a tree or a patch. */
export type TreeFailureKind =
  /** There is no QEMU source, or no such commit. */
  | 'tree'
  /** The patch does not apply to its base. */
  | 'apply'
  | 'configure'
  | 'compile'
  | 'link'
  /** The time, the log or the disk reached its limit. */
  | 'limit';

/** A patch that could not be made into a program. Shown to the user without a stack trace; exit code 2. */
export class TreeFailure extends InvalidInput {
  readonly kind: TreeFailureKind;

  /** @param details further lines: the compiler's words, the hunk. */
  constructor(kind: TreeFailureKind, message: string, details: readonly string[] = []) {
    super([{ path: '', message, ...(details.length > 0 && { details }) }]);
    this.kind = kind;
  }
}
