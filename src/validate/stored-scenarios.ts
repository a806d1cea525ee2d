import type { StoredRegression } from '../campaign/index.ts';
import type { Scenario } from '../scenario/index.ts';
import { unsuitable, type AnyRevision } from '../model/index.ts';

/** The scenarios of stored cases that a revision can run: those without a part that its VMM lacks. */
export const storedScenarios = (
  stored: readonly StoredRegression[],
  base: AnyRevision,
): readonly Scenario[] =>
  stored
    .map(({ regression: { scenario } }) => ({ ...scenario, revision: base.id }))
    .filter((scenario) => unsuitable(scenario, base).length === 0);
