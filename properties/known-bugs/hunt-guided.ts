import { scenarios, GuidedCases } from '../../generators/index.ts';
import { behavioursOf, deriveSeed } from '../../src/campaign/index.ts';
import { FingerprintSet, violationsOf } from '../../src/invariants/index.ts';
import { runOnModel, scopeOf, unsuitable } from '../../src/model/index.ts';
import { unexplained, type KnownBug } from './bugs.ts';
import { fingerprintsOf } from './hunt.ts';

/**
 * Searches for a case that shows a bug, guided by what the revision with the bug shows. The draws are those of `hunt`
 * for the same seed, with mutated cases between them.
 *
 * @param most cases after which the search gives up.
 * @returns the number of the first case that shows the bug, from 1; `undefined` if there is none.
 */
export function huntGuided({ base, patched }: KnownBug, seed: string, most: number): number | undefined {
  const { revision: _, ...scope } = scopeOf(base);
  const cases = new GuidedCases(scenarios(scope), { seed: deriveSeed(seed, 'known bugs'), size: most });
  const seen = new FingerprintSet();
  const shown = new Set<string>();
  for (let number = 1; number <= most; number++) {
    const scenario = cases.next()!;
    if (unsuitable(scenario, base).length > 0) continue;
    for (const fingerprint of fingerprintsOf(scenario, base)) seen.add(fingerprint);
    const trace = runOnModel(scenario, patched);
    const violations = violationsOf(trace);
    if ([...unexplained(trace, base)].some((fingerprint) => !seen.has(fingerprint))) return number;
    const before = shown.size;
    for (const behaviour of behavioursOf(trace, violations)) shown.add(behaviour);
    cases.learn(scenario, shown.size > before);
  }
  return undefined;
}
