import { spellingHint } from './nearest-to.ts';
import { printable } from './printable.ts';
import { InvalidInput } from './problem.ts';

/** A name that the user gave, and the names that exist. */
export interface UnknownName {
  /** The place of the name in the input: `--revision`. */
  readonly path: string;
  /** What the name should name: `revision`. */
  readonly kind: string;
  readonly name: string;
  readonly known: readonly string[];
  /** What the message says if no name is near: `barproof list revisions shows them`. */
  readonly otherwise: string;
}

/** The error for a name that does not exist. Its message shows at most 200 characters of the name. */
export const unknownName = ({ path, kind, name, known, otherwise }: UnknownName): InvalidInput =>
  new InvalidInput([
    {
      path,
      message: `there is no ${kind} ${printable(name.slice(0, 200))}; ${spellingHint(name, known, otherwise)}`,
    },
  ]);
