import { findingOf, type Finding } from '../campaign/index.ts';
import { sameFingerprint, violationsOf, type Fingerprint } from '../invariants/index.ts';
import type { Trace } from '../trace/index.ts';

/** The finding of a fingerprint that a run shows today; `undefined` where the VMM or barproof has changed. */
export function findingShown(trace: Trace, fingerprint: Fingerprint): Finding | undefined {
  const violation = violationsOf(trace).find((one) => sameFingerprint(one, fingerprint));
  return violation && findingOf(trace, violation);
}
