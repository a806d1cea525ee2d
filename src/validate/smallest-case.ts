import type { Stability } from '../campaign/index.ts';
import type { Scenario } from '../scenario/index.ts';
import {
  repeatDifference,
  shrinkDifference,
  Unrepeatable,
  type Counterexample,
  type Kept,
  type ShrinkDifferenceOptions,
} from './shrink-difference.ts';
import type { TryBudget } from './try-budget.ts';

/** How the smallest case of a difference is looked for. */
export interface RepeatOptions extends Pick<ShrinkDifferenceOptions, 'run' | 'scenarios' | 'signal'> {
  /**
   * How often a case is run until it shows its difference again, and how often the smallest one is run afterwards. Left
   * out where no run depends on timing.
   */
  readonly repetitions?: number | undefined;
  /** How many smaller cases may be tried for all differences together. */
  readonly budget: TryBudget;
}

/** The smallest case of a difference, or that the difference depends on timing. */
export type SmallestCase =
  | { readonly repeats: true; readonly counterexample: Counterexample }
  | { readonly repeats: false; readonly stability: Stability };

/**
 * Shrinks the first of the cases that shows its difference again. With repetitions, the difference must show in more than
 * half of them: a real VMM may end in another way now and then, on either side.
 *
 * @param cases one or more that have shown the difference, tried in this order.
 * @returns nothing when the signal came before.
 * @throws Unrepeatable when the first case does not show the difference again, and runs are not repeated.
 */
export async function smallestCase(
  cases: readonly Scenario[],
  kept: Kept,
  { budget, repetitions, ...options }: RepeatOptions,
): Promise<SmallestCase | undefined> {
  let best: Stability = { shown: 0, of: repetitions ?? 1 };
  const mayTry = budget.share();
  for (const scenario of cases) {
    const shrunk = await shrinkDifference(scenario, kept, {
      ...options,
      mayTry,
      attempts: repetitions,
    }).catch((error: unknown) => {
      if (error instanceof Unrepeatable && repetitions !== undefined) return error;
      throw error;
    });
    if (shrunk === undefined) return undefined;
    if (shrunk instanceof Unrepeatable) continue;
    if (repetitions === undefined) return { repeats: true, counterexample: shrunk };
    const stability = await repeatDifference(shrunk.scenario, kept, { ...options, repetitions });
    if (stability.of === 0 || 2 * stability.shown > stability.of)
      return { repeats: true, counterexample: { ...shrunk, ...(stability.of > 0 && { stability }) } };
    if (stability.shown > best.shown) best = stability;
  }
  return { repeats: false, stability: best };
}
