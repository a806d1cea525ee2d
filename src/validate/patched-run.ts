import type { Scenario } from '../scenario/index.ts';
import { InvalidInput } from '../input/index.ts';
import { runOnModel } from '../model/index.ts';
import type { Trace } from '../trace/index.ts';
import { DeadlinePassed, stopAfter } from './stop-after.ts';
import { PatchFault, RuleWatch, whatWasThrown } from './guard.ts';
import type { Patch } from './patch.ts';
import type { Revision } from '../vfio/index.ts';

/** A stretch of runs takes a fifth of a second, unless one of them does not end. */
const SECONDS_A_STRETCH = 5;

/** The runs of a patched revision on the model. */
export interface PatchedRun {
  readonly revision: Revision;
  /** @throws FaultyRun when the patch does what no patch may do. */
  readonly run: (scenario: Scenario) => Trace;
  /** Stops a run that does not come back, as `RunSides` has it. @throws FaultyRun then. */
  readonly guard: <T>(stretch: () => T) => T;
}

/** A run that a patch brought down: not the VMM in it, but the engine that plays the VMM. */
export class FaultyRun extends Error {
  override readonly name = 'FaultyRun';
  readonly fault: PatchFault;
  readonly scenario: Scenario;

  constructor(fault: PatchFault, scenario: Scenario) {
    super(fault.message, { cause: fault });
    this.fault = fault;
    this.scenario = scenario;
  }
}

/** Whether a run ended because the patch took too long over it: it is not asked to do that again. */
export const tookTooLong = ({ fault }: FaultyRun): boolean => fault.cause instanceof DeadlinePassed;

/**
 * Puts a patch on a revision and runs scenarios on it.
 *
 * @param seconds how long a stretch of runs may take.
 * @throws InvalidInput when the patch changes rules that the base does not have.
 */
export function runPatched(patch: Patch, base: Revision, seconds = SECONDS_A_STRETCH): PatchedRun {
  const watch = new RuleWatch();
  const revision = applyInTime(patch, base, watch, seconds);
  let current: Scenario | undefined;
  const run = (scenario: Scenario): Trace => {
    current = scenario;
    watch.start();
    try {
      return runOnModel(scenario, revision);
    } catch (error) {
      throw new FaultyRun(faultOf(error), scenario);
    }
  };
  /** A computer that was asleep is no fault of the patch: the run has to be as slow once more. */
  const confirm = (scenario: Scenario): void => {
    try {
      stopAfter(() => run(scenario), seconds);
    } catch (error) {
      if (error instanceof DeadlinePassed) return;
      throw error;
    }
    const message = `a run took more than ${seconds} s, but not when it was tried again: this computer is too busy`;
    throw new InvalidInput([{ path: '', message }]);
  };
  const guard = <T>(stretch: () => T): T => {
    try {
      return stopAfter(stretch, seconds);
    } catch (error) {
      if (!(error instanceof DeadlinePassed) || current === undefined) throw error;
      confirm(current);
      throw new FaultyRun(
        new PatchFault(watch.lastAsked, `does not come back: it ${error.message}`, error),
        current,
      );
    }
  };
  return { revision, run, guard };
}

function applyInTime(patch: Patch, base: Revision, watch: RuleWatch, seconds: number): Revision {
  try {
    return stopAfter(() => patch.applyTo(base, watch), seconds);
  } catch (error) {
    if (!(error instanceof DeadlinePassed)) throw error;
    throw new InvalidInput([{ path: '', message: `does not come to an end: applying it ${error.message}` }]);
  }
}

function faultOf(error: unknown): PatchFault {
  if (error instanceof PatchFault) return error;
  // What the base runs through without trouble, the patch's answers have made impossible.
  return new PatchFault('', `the patch makes the model fail: ${whatWasThrown(error)}`, error);
}
