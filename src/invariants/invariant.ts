import type { Range } from '../address/index.ts';
import type { Trace } from '../trace/index.ts';
import type { Fingerprint } from './fingerprint.ts';
import type { InvariantId } from './invariant-ids.ts';

/** An invariant that a trace breaks. */
export interface Violation extends Fingerprint {
  /** One sentence with the addresses and names concerned. */
  readonly message: string;
  /** Index of the step in the trace; its length stands for the teardown. */
  readonly step: number;
  /** The addresses concerned, where there are any. */
  readonly at?: Range;
}

/** A clause that has to hold of every trace. */
export interface Invariant {
  readonly id: InvariantId;
  /** The clause, in one sentence. */
  readonly clause: string;
  /** A warning is reported and never makes a check fail. */
  readonly severity: 'error' | 'warning';
  /** The place in QEMU that the clause speaks of. */
  readonly site: string;
  /** Whether it speaks of real VMMs alone: of a run of the model it has nothing to say. */
  readonly ofRealVmm?: true;
  /** Looks at the whole trace and reports what it finds. */
  check(trace: Trace, examination: Examination): void;
}

/** What an invariant finds in one trace. */
export class Examination {
  /** How many things the clause spoke of: 0 means that the trace says nothing about it. */
  exercised = 0;
  readonly violations: Violation[] = [];
  readonly #invariant: InvariantId;

  constructor(invariant: InvariantId) {
    this.#invariant = invariant;
  }

  /**
   * Reports a break; of several with the same cause the first is kept.
   *
   * @param message is put into words only when it is needed: most cases break nothing.
   */
  violate(cause: string, step: number, message: () => string, at?: Range): void {
    if (this.violations.some((violation) => violation.cause === cause)) return;
    this.violations.push({ invariant: this.#invariant, cause, message: message(), step, ...(at && { at }) });
  }
}
