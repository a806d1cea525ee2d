import { fileURLToPath } from 'node:url';
import { RegressionStore } from '../../src/campaign/index.ts';
import { fingerprint, INVARIANT_IDS } from '../../src/invariants/index.ts';

/** What revision `revision` is known for: the fingerprints of `regressions/known`. */
export function knownFindings(revision: string): ReadonlySet<string> {
  const store = new RegressionStore(fileURLToPath(new URL('../../regressions/known', import.meta.url)));
  const names = store.load().flatMap(({ regression }) => {
    const { failsOn, cause } = regression;
    const invariant = INVARIANT_IDS.find((id) => id === regression.invariant);
    if (invariant === undefined || cause === undefined || !failsOn.includes(revision)) return [];
    return [fingerprint({ invariant, cause })];
  });
  return new Set(names);
}
