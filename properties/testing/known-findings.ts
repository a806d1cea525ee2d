import { fileURLToPath } from 'node:url';
import { RegressionStore } from '../../src/campaign/index.ts';
import { FingerprintSet } from '../../src/invariants/index.ts';

/** The fingerprints of the cases in `regressions/known` that fail on `revision`. */
export function knownFindings(revision: string): FingerprintSet {
  const store = new RegressionStore(fileURLToPath(new URL('../../regressions/known', import.meta.url)));
  const known = new FingerprintSet();
  for (const { regression } of store.load()) {
    const { failsOn, invariant, cause } = regression;
    if (invariant === undefined || cause === undefined || !failsOn.includes(revision)) continue;
    known.add({ invariant, cause });
  }
  return known;
}
