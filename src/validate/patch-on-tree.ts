/** A function that a patch changes in a program, and in how many runs of QEMU it ran. */
export interface ChangedFunctionRuns {
  /** Path in the source tree. */
  readonly file: string;
  readonly name: string;
  /** `not compiled` where the program that ran does not hold the function. */
  readonly runs: number | 'not compiled';
  /** The targets that would compile the file; absent for a file that was compiled, or that no target compiles. */
  readonly compiledFor?: readonly string[];
}

/** Cases that were drawn beyond those asked for, because changed functions ran seldom. */
export interface FurtherDraw {
  readonly cases: number;
  /** The names of the functions. */
  readonly functions: readonly string[];
}

/** The patch behind a pair of programs that were built for a verdict. */
export interface PatchOnTree {
  /** Of the mail or the cover letter; the file's name where no mail has a subject. */
  readonly subject: string;
  readonly files: readonly string[];
  /** The commit that the patch was put on. */
  readonly base: string;
  /** Which devices the programs were built with. */
  readonly configuration: string;
  /** How many objects were compiled again for the patch. */
  readonly objects: number;
  readonly functions: readonly ChangedFunctionRuns[];
  /** How often the patched QEMU ran a case: also to shrink a finding, or to repeat it. */
  readonly runs: number;
  /** Files of C in which lines outside of every function are changed: whether a case comes to them is not known. */
  readonly outside: readonly string[];
  /** Absent where every function ran often enough. */
  readonly further?: FurtherDraw;
}

/** Whether no case ran what the patch changes: then a verdict that nothing changes says nothing. */
export const isTreeUnreached = ({ functions, outside, objects }: PatchOnTree): boolean =>
  objects === 0 ||
  (functions.every(({ runs }) => runs === 'not compiled' || runs === 0) &&
    // A changed table may be what every case uses.
    (functions.length > 0 || outside.length === 0));
