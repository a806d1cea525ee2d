/** One problem of an input. */
export interface Problem {
  /** The place in the input: `machine.hostPageSize`, `devices[0].bars[1].size`; empty for the whole input. */
  readonly path: string;
  /** What is wrong and what is allowed. */
  readonly message: string;
  /** Further lines for people: what another program says about it. */
  readonly details?: readonly string[];
}

/** An input that cannot be used, with all of its problems. Shown to the user without a stack trace. */
export class InvalidInput extends Error {
  override readonly name = 'InvalidInput';
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('\n'));
    this.problems = problems;
  }

  /** The same problems with `place` before each path: a file, or a line of a file. */
  within(place: string): InvalidInput {
    return new InvalidInput(
      this.problems.map(({ path, ...problem }) => ({
        path: path === '' ? place : `${place}: ${path}`,
        ...problem,
      })),
    );
  }
}

/** Calls `act`, and puts `place`, such as a file, in front of the path of each problem that `act` throws. */
export function prefixProblems<T>(place: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw error instanceof InvalidInput ? error.within(place) : error;
  }
}
