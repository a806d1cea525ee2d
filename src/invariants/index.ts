import type { Trace } from '../trace/index.ts';
import { accessDispatched } from './access-dispatched.ts';
import { barAsHardware } from './bar-as-hardware.ts';
import { flatMinimal } from './flat-minimal.ts';
import { flatPartition } from './flat-partition.ts';
import { guestPageReachable } from './guest-page-reachable.ts';
import { incrementalEqualsScratch } from './incremental-equals-scratch.ts';
import type { InvariantId } from './invariant-ids.ts';
import type { Invariant, Violation } from './invariant.ts';
import { mapAligned } from './map-aligned.ts';
import { mapMatchesView } from './map-matches-view.ts';
import { mapUnmapSymmetric } from './map-unmap-symmetric.ts';
import { memslotAlignedDisjoint } from './memslot-aligned-disjoint.ts';
import { memslotComplete } from './memslot-complete.ts';
import { mmapInsideBar } from './mmap-inside-bar.ts';
import { mmioMapNotFatal } from './mmio-map-not-fatal.ts';
import { modelAgrees } from './model-agrees.ts';
import { msixCapabilityConsistent } from './msix-capability-consistent.ts';
import { msixDirectOnOptOut } from './msix-direct-on-opt-out.ts';
import { msixTrapped } from './msix-trapped.ts';
import { findOwnInvariant, ownInvariants } from './own-invariants.ts';
import { noAbort } from './no-abort.ts';
import { noNeedlessChange } from './no-needless-change.ts';
import { ramReachable } from './ram-reachable.ts';
import { resourcesBounded } from './resources-bounded.ts';
import { examineAll } from './walk.ts';
import { siteOf as findSite, type Site } from './site.ts';
import { windowLimit } from './window-limit.ts';
import type { Fingerprint } from './fingerprint.ts';

export { brokenBy } from './broken-by.ts';
export { CONDITIONS, holdsFor, type ConditionName } from './conditions.ts';
export {
  FingerprintMap,
  FingerprintSet,
  fingerprintText,
  sameFingerprint,
  type Fingerprint,
} from './fingerprint.ts';
export { namingOrder } from './naming-order.ts';
export {
  INVARIANT_ID_FORM,
  INVARIANT_IDS,
  type InvariantId,
  type KnownInvariantId,
} from './invariant-ids.ts';
export { Examination, type Invariant, type Judge, type Position, type Violation } from './invariant.ts';
export { addOwnInvariant, forgetOwnInvariants, ownInvariants } from './own-invariants.ts';
export { metricsOf, type Metrics } from './metrics.ts';
export { examine, examineAll } from './walk.ts';
export { PLACES, placeOf, type Place } from './place.ts';
export type { Site, VmmName } from './site.ts';

/** All invariants, in the order in which reports list them. */
export const INVARIANTS: readonly Invariant[] = [
  mapAligned,
  msixTrapped,
  msixDirectOnOptOut,
  flatPartition,
  flatMinimal,
  ramReachable,
  mapMatchesView,
  mapUnmapSymmetric,
  incrementalEqualsScratch,
  mmioMapNotFatal,
  noAbort,
  memslotAlignedDisjoint,
  memslotComplete,
  mmapInsideBar,
  barAsHardware,
  noNeedlessChange,
  msixCapabilityConsistent,
  accessDispatched,
  windowLimit,
  resourcesBounded,
  guestPageReachable,
  modelAgrees,
];

/** The invariants that judge any run: all but `model-agrees`, which compares a real VMM with the model. */
export const COMMON_INVARIANTS: readonly Invariant[] = INVARIANTS.filter(
  ({ ofRealVmm }) => ofRealVmm !== true,
);

const BY_ID = new Map<string, Invariant>(INVARIANTS.map((invariant) => [invariant.id, invariant]));

/** Whether there is an invariant with the id: one of barproof's, or one of the user. */
export const isInvariantId = (id: string): boolean => BY_ID.has(id) || findOwnInvariant(id) !== undefined;

/** The invariant with the id. */
export const findInvariant = (id: InvariantId): Invariant =>
  BY_ID.get(id) ?? findOwnInvariant(id) ?? unheardOf(id);

/** A stored case may name an invariant of a plugin that is not loaded. */
const unheardOf = (id: string): Invariant => ({
  id,
  clause: `the rule of the invariant ${id}, whose plugin is not loaded`,
  severity: 'error',
  site: 'not known',
  start: () => undefined,
});

/**
 * The file and function from which a violation comes, in the VMM and version that ran.
 *
 * @param trace the run that shows the violation, or its revision.
 */
export const siteOf = (
  violation: Fingerprint,
  trace: Pick<Trace, 'revision'> & Partial<Pick<Trace, 'outcome' | 'error'>>,
): Site =>
  findSite(violation, { outcome: 'ok', error: undefined, ...trace }, findInvariant(violation.invariant).site);

/** Whether a violation makes a check fail: its invariant is not a warning. */
export const isError = ({ invariant }: Pick<Fingerprint, 'invariant'>): boolean =>
  findInvariant(invariant).severity === 'error';

/** The violations of all `invariants` in a trace, in the order of the invariants. */
export function violationsOf(
  trace: Trace,
  invariants: readonly Invariant[] = [...INVARIANTS, ...ownInvariants()],
): Violation[] {
  return examineAll(trace, invariants).flatMap(({ violations }) => violations);
}
