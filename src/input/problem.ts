/** One thing that is wrong with an input. */
export interface Problem {
  /** Where: `machine.hostPageSize`, `devices[0].bars[1].size`; empty for the input as a whole. */
  readonly path: string;
  /** What is wrong and what is allowed. */
  readonly message: string;
}

/** An input that somebody wrote is not usable; all its problems at once. Never shown with a stack. */
export class InvalidInput extends Error {
  override readonly name = 'InvalidInput';
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('\n'));
    this.problems = problems;
  }

  /** The same problems, as those of a part that lies at `place`: a file, a line. */
  within(place: string): InvalidInput {
    return new InvalidInput(
      this.problems.map(({ path, message }) => ({
        path: path === '' ? place : `${place}: ${path}`,
        message,
      })),
    );
  }
}

/** Does something with an input; problems in the input get `place`, such as its file, in front of their paths. */
export function prefixProblems<T>(place: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw error instanceof InvalidInput ? error.within(place) : error;
  }
}
