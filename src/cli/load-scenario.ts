import { decodeRegression, looksLikeRegression, type Regression } from '../campaign/index.ts';
import { readTextFile, InvalidInput, parseJson } from '../input/index.ts';
import { decodeScenario, type Scenario } from '../scenario/index.ts';

/** A scenario that somebody gave, and the regression around it if it came in one. */
export interface Given {
  readonly scenario: Scenario;
  readonly regression: Regression | undefined;
}

/**
 * The scenario in a file: a bare one, or that of a regression.
 *
 * @throws InvalidInput with every problem.
 */
export const loadScenario = (file: string): Given => scenarioIn(parseJson(readTextFile(file)));

/** The scenario in parsed JSON, bare or in a regression. */
export function scenarioIn(value: unknown): Given {
  if (!looksLikeRegression(value)) return { scenario: decodeScenario(value), regression: undefined };
  const regression = decodeRegression(value);
  return { scenario: regression.scenario, regression };
}

/** Does something with a file; problems in it get its name. */
export function naming<T>(file: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw error instanceof InvalidInput ? error.within(file) : error;
  }
}
