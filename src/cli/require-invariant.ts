import { unknownName } from '../input/index.ts';
import { INVARIANT_IDS, isInvariantId, ownInvariants } from '../invariants/index.ts';

/** @throws InvalidInput when there is no such invariant, in barproof or in a plugin. */
export function requireInvariant(id: string): void {
  if (isInvariantId(id)) return;
  const known = [...INVARIANT_IDS, ...ownInvariants().map((invariant) => invariant.id)];
  const otherwise = 'barproof list invariants shows all ids';
  throw unknownName({ path: '--invariant', kind: 'invariant', name: id, known, otherwise });
}
