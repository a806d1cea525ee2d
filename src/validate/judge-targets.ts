import type * as fc from 'fast-check';
import { interruptible } from '../campaign/index.ts';
import type { Scenario } from '../scenario/index.ts';
import type { SearchTarget } from '../trace/index.ts';
import { NEWEST } from '../vfio/index.ts';
import type { Sides } from './difference.ts';
import type { JudgeOptions } from './judge-patch.ts';
import { storedScenarios } from './stored-scenarios.ts';
import { validate, type Verdict } from './verdict.ts';

/** Two builds of QEMU, and how far to compare them. */
export interface JudgeTargetsOptions extends JudgeOptions {
  /** Each side with the name that the user gave it. The caller opens and closes the targets. */
  readonly sides: Sides<{ readonly id: string; readonly target: SearchTarget }>;
  readonly scenarios: fc.Arbitrary<Scenario>;
}

/** Runs the same scenarios on two builds of QEMU, both served over vfio-user. */
export async function judgeTargets({ sides, shipped, ...options }: JudgeTargetsOptions): Promise<Verdict> {
  const { base, patched } = sides;
  const stored: Scenario[] = [];
  for (const scenario of storedScenarios(shipped, NEWEST)) {
    if ((await base.target.canRun(scenario)) && (await patched.target.canRun(scenario)))
      stored.push(scenario);
  }
  return validate({
    ...options,
    sides: { base: sideOf(base, options.signal), patched: sideOf(patched, options.signal) },
    stored,
    iommus: ['vfio-user'],
    mustStart: true,
  });
}

const sideOf = ({ id, target }: JudgeTargetsOptions['sides']['base'], signal: AbortSignal | undefined) => ({
  id,
  title: target.name,
  run: interruptible((scenario) => target.run(scenario), signal),
});
