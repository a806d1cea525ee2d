import { parseJson, readTextFile, standardInputLines } from '../input/index.ts';
import { decodeScenario, type Scenario } from '../scenario/index.ts';
import { decodeRegression, looksLikeRegression, type Regression } from './regression.ts';

/** A scenario that the user gives, and the regression that holds it if there is one. */
export interface LoadedCase {
  readonly scenario: Scenario;
  /** Left out for a bare scenario. */
  readonly regression?: Regression;
}

/**
 * The scenario in a file: a bare one, or that of a regression.
 *
 * @throws InvalidInput with every problem.
 */
export const loadCase = (file: string): LoadedCase => parseCase(readTextFile(file));

/**
 * The scenario in JSON text: a bare one, or that of a regression.
 *
 * @throws InvalidInput with every problem.
 */
export function parseCase(text: string): LoadedCase {
  const value = parseJson(text);
  if (!looksLikeRegression(value)) return { scenario: decodeScenario(value) };
  const regression = decodeRegression(value);
  return { scenario: regression.scenario, regression };
}

/** A case that the user names on the command line. */
export interface CaseInput {
  /** The file, or `line 3` of standard input. */
  readonly name: string;
  readonly isLine: boolean;
  /** @throws InvalidInput with every problem. */
  load(): LoadedCase;
}

const STANDARD_INPUT = '-';

/**
 * The cases in files, in order. `-` stands for standard input, one case a line; empty lines are skipped.
 *
 * @throws InvalidInput when standard input cannot be read.
 */
export async function* caseInputs(files: readonly string[]): AsyncGenerator<CaseInput> {
  for (const file of files) {
    if (file !== STANDARD_INPUT) {
      yield { name: file, isLine: false, load: () => loadCase(file) };
      continue;
    }
    let number = 0;
    for await (const line of standardInputLines()) {
      number++;
      if (line.trim() !== '') yield { name: `line ${number}`, isLine: true, load: () => parseCase(line) };
    }
  }
}
