import { decodeRegression, looksLikeRegression, readTextFile } from '../campaign/index.ts';
import { InvalidInput, decodeScenario, parseJson, type Scenario } from '../scenario/index.ts';
import { UnknownRevision } from '../target/model/unknown-revision.ts';
import { findRevision, type Revision } from '../vfio/index.ts';

/**
 * The scenario in a file: a bare one, or that of a regression.
 *
 * @throws InvalidInput whose paths begin with the file.
 */
export function loadScenario(file: string): Scenario {
  const text = readTextFile(file);
  try {
    return scenarioOf(parseJson(text));
  } catch (error) {
    if (!(error instanceof InvalidInput)) throw error;
    throw new InvalidInput(
      error.problems.map(({ path, message }) => ({ path: path === '' ? file : `${file}: ${path}`, message })),
    );
  }
}

/** The scenario in parsed JSON, bare or in a regression. */
export const scenarioOf = (value: unknown): Scenario =>
  looksLikeRegression(value) ? decodeRegression(value).scenario : decodeScenario(value);

/**
 * The revision with this id.
 *
 * @throws UnknownRevision
 */
export function revisionOf(id: string): Revision {
  const revision = findRevision(id);
  if (revision === undefined) throw new UnknownRevision(id);
  return revision;
}
