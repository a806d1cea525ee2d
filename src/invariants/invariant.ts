import type { Range } from '../address/index.ts';
import type { StateChange, State, Trace } from '../trace/index.ts';
import type { VmmEvent } from '../vfio/index.ts';
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
  /**
   * Begins to judge a trace.
   *
   * @param examination what the judge reports to.
   * @returns `undefined` where the rule says nothing about this trace.
   */
  start(trace: Trace, examination: Examination): Judge | undefined;
}

/**
 * Judges one trace by one invariant. One walk over the trace calls the judges of all invariants: for each step first
 * `event` for each of its events and then `step`, and at last `end`. A judge has the methods that its rule needs.
 */
export interface Judge {
  /** Called for each event of each step, and then for each event of the teardown. */
  event?(event: VmmEvent): void;
  /**
   * Called for the first state and for each state that differs from the state before it. A judge looks at what has
   * changed and at its neighbours: the rest was judged before. In the first state everything has changed.
   */
  step?(change: StateChange, state: State): void;
  /** Called once, after the last step and the teardown. */
  end?(): void;
  /**
   * Whether `step` is also called for the state in which the VMM died in the middle of an update. A rule about
   * completed updates leaves this out.
   */
  readonly judgesUnsettled?: boolean;
}

/** Where in a trace the walk is. */
export interface Position {
  /** Index of the step; the number of steps stands for the teardown. In `end` it is the last step. */
  readonly step: number;
}

/** The list of all examinations without a violation, which most are. */
const NO_VIOLATIONS: readonly Violation[] = [];

/** The result of one invariant on one trace. */
export class Examination {
  /** How many things the invariant has checked: 0 where the trace has nothing that it applies to. */
  exercised = 0;
  violations: readonly Violation[] = NO_VIOLATIONS;
  readonly #invariant: InvariantId;
  readonly #position: Position;

  constructor(invariant: InvariantId, position: Position) {
    this.#invariant = invariant;
    this.#position = position;
  }

  /** Index of the step that is judged now; the number of steps stands for the teardown. In `end` it is the last step. */
  get step(): number {
    return this.#position.step;
  }

  /**
   * Reports a break. Of several breaks with the same cause the first is kept.
   *
   * @param cause which kind of break it is: a stable id, unique within the invariant.
   * @param message is put into words only when it is needed: most cases break nothing.
   * @param at the addresses concerned.
   * @param step index of the step, where the break is not in the step that is judged now.
   */
  violate(cause: string, message: () => string, at?: Range, step: number = this.step): void {
    if (this.violations.some((violation) => violation.cause === cause)) return;
    const violation = { invariant: this.#invariant, cause, message: message(), step, ...(at && { at }) };
    this.violations = [...this.violations, violation];
  }
}
