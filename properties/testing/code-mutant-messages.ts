import { BroadcastChannel } from 'node:worker_threads';

/** The channel between Stryker's test runner and the thread that runs the tests, which are one process. */
export class CodeMutantChannel {
  readonly #channel = new BroadcastChannel('barproof-mutants');

  send(message: unknown): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
    this.#channel.postMessage(message);
  }

  onMessage(listener: (message: unknown) => void): void {
    // oxlint-disable-next-line unicorn/prefer-add-event-listener -- the types of Node 20 have no other one
    this.#channel.onmessage = ({ data }: { data: unknown }) => listener(data);
  }

  /** The next message. */
  next(): Promise<unknown> {
    return new Promise((resolve) => this.onMessage(resolve));
  }

  close(): void {
    this.#channel.close();
  }
}

/** A code mutant that is active during a run of tests. */
export interface ActiveCodeMutant {
  readonly id: string;
  /** The file that it changes. */
  readonly file: string;
  /** Whether the code mutant must be active while the modules load: its code runs at no other time. */
  readonly fromLoading: boolean;
  /** So often may its code be reached, or the run counts as an endless loop. */
  readonly hitLimit: number | undefined;
  /** So many milliseconds of CPU time may its tests take, or the run counts as an endless loop. */
  readonly longest: number;
}

/** What Stryker asks for. Without `tests` all tests of the files run; without a code mutant, coverage is measured. */
export interface CodeMutantRequest {
  readonly tests: readonly string[] | undefined;
  readonly mutant: ActiveCodeMutant | undefined;
}

/** What became of one test. */
export interface TestRun {
  readonly id: string;
  readonly name: string;
  /** CPU time. */
  readonly milliseconds: number;
  readonly failure: string | undefined;
}

export interface CodeMutantAnswer {
  readonly runs: readonly TestRun[];
  /** Whether the code mutant made an endless loop. */
  readonly isEndless: boolean;
  /** Stryker's coverage: which test reaches which code mutant, and how often. */
  readonly coverage: unknown;
}
