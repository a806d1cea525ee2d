import type { Range } from '../address/index.ts';
import type { Trace } from '../trace/index.ts';
import type { Fingerprint } from './fingerprint.ts';
import type { InvariantId } from './invariant-ids.ts';

/** One break of an invariant in a trace. */
export interface Violation extends Fingerprint {
  /** One sentence for users, with the addresses and names concerned. */
  readonly message: string;
  /** Index of the step in the trace; the number of steps stands for the teardown. */
  readonly step: number;
  /** The addresses concerned; left out where the break has none. */
  readonly at?: Range;
}

/** A rule that every trace has to obey. */
export interface Invariant {
  readonly id: InvariantId;
  /** The rule as users read it, in one sentence. */
  readonly clause: string;
  /** A warning is reported, but does not make a check fail. */
  readonly severity: 'error' | 'warning';
  /** The files and functions of QEMU that have to obey the rule. */
  readonly site: string;
  /** Set where only the run of a real VMM can break the rule. */
  readonly ofRealVmm?: true;
  /** Checks the whole trace and reports to `examination`. */
  check(trace: Trace, examination: Examination): void;
}

/** The result of one invariant on one trace. */
export class Examination {
  /** How many things the invariant has checked: 0 where the trace has nothing that it applies to. */
  exercised = 0;
  readonly violations: Violation[] = [];
  readonly #invariant: InvariantId;

  constructor(invariant: InvariantId) {
    this.#invariant = invariant;
  }

  /**
   * Reports a break. Of several breaks with the same cause the first is kept.
   *
   * @param step index of the step; the number of steps stands for the teardown.
   * @param message is put into words only when it is needed: most cases break nothing.
   * @param at the addresses concerned.
   */
  violate(cause: string, step: number, message: () => string, at?: Range): void {
    if (this.violations.some((violation) => violation.cause === cause)) return;
    this.violations.push({ invariant: this.#invariant, cause, message: message(), step, ...(at && { at }) });
  }
}
