import type { Scenario } from '../scenario/index.ts';
import { InvalidInput } from '../input/index.ts';
import { runOnModel, type AnyRevision } from '../model/index.ts';
import type { Trace } from '../trace/index.ts';
import { DeadlinePassed, stopAfter, stopAfterTries } from './stop-after.ts';
import { PatchFault, RuleWatch, whatWasThrown, type RuleUse } from './guard.ts';
import type { Patch } from './patch.ts';

/** A stretch of runs takes about 0.2 s, unless one of the runs never ends. */
const SECONDS_A_STRETCH = 5;

/** The runs of a patched revision on the model. */
export interface PatchedRun {
  readonly revision: AnyRevision;
  /** @throws FaultyRun when a rule throws, returns a value that is not allowed, or makes the model fail. */
  readonly run: (scenario: Scenario) => Trace;
  /** Stops a stretch of runs in which a rule never returns; see `RunSides.guard`. @throws FaultyRun then. */
  readonly guard: <T>(stretch: () => T) => T;
  /** How the runs so far have used the rules of the patch. */
  readonly uses: () => readonly RuleUse[];
}

/** A run that a patch made impossible: not the modelled VMM failed, but the model itself. */
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

/** Whether a run was stopped because the patch took too long: such a run is not repeated. */
export const tookTooLong = ({ fault }: FaultyRun): boolean => fault.cause instanceof DeadlinePassed;

/**
 * Puts a patch on a revision, to run scenarios on the result.
 *
 * @param seconds how long a stretch of runs may take.
 * @throws InvalidInput when the patch changes rules that the base does not have, or applying it takes too long.
 */
export function runPatched(patch: Patch, base: AnyRevision, seconds = SECONDS_A_STRETCH): PatchedRun {
  const watch = new RuleWatch();
  const revision = applyInTime(patch, base, watch, seconds);
  let current: Scenario | undefined;
  const run = (scenario: Scenario): Trace => {
    current = scenario;
    watch.start();
    try {
      return runOnModel(scenario, revision);
    } catch (error) {
      throw new FaultyRun(faultOf(error, watch.lastCalled), scenario);
    }
  };
  /** Runs the slow scenario again: if it is fast now, the computer was busy or asleep, and the patch is not at fault. */
  const confirm = (scenario: Scenario): void => {
    try {
      stopAfter(() => run(scenario), seconds);
    } catch (error) {
      if (error instanceof DeadlinePassed) return;
      throw error;
    }
    const message = `a run took more than ${seconds} s, but less when it was repeated: this computer is too busy to judge a patch`;
    throw new InvalidInput([{ path: '', message }]);
  };
  const guard = <T>(stretch: () => T): T => {
    try {
      return stopAfter(stretch, seconds);
    } catch (error) {
      if (!(error instanceof DeadlinePassed) || current === undefined) throw error;
      confirm(current);
      throw new FaultyRun(
        new PatchFault(watch.lastCalled, `does not return within ${seconds} s`, error),
        current,
      );
    }
  };
  return { revision, run, guard, uses: () => watch.uses };
}

function applyInTime(patch: Patch, base: AnyRevision, watch: RuleWatch, seconds: number): AnyRevision {
  try {
    return stopAfterTries(() => patch.applyTo(base, watch), seconds);
  } catch (error) {
    if (!(error instanceof DeadlinePassed)) throw error;
    throw new InvalidInput([{ path: '', message: `applying it does not finish within ${seconds} s` }]);
  }
}

/** @param lastCalled the rule that the model asked last: most likely its answer made the model fail. */
function faultOf(error: unknown, lastCalled: string): PatchFault {
  if (error instanceof PatchFault) return error;
  // The base alone runs every scenario: only the patch's answers can make the model throw.
  const what = `the patch makes the model fail: ${whatWasThrown(error)}`;
  return lastCalled === ''
    ? new PatchFault('', what, error)
    : new PatchFault(lastCalled, `is the rule that was asked last when ${what}`, error);
}
