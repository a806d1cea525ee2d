import type { Invariant } from './invariant.ts';

/**
 * The invariants that the user has added to barproof's own, by id. One list for the process: a violation names its
 * invariant by the id alone, and every report looks the id up.
 */
const OWN = new Map<string, Invariant>();

/** Adds an invariant of the user. One of the same id is replaced: a file may be loaded twice. */
export const addOwnInvariant = (invariant: Invariant): void => void OWN.set(invariant.id, invariant);

/** The invariants that the user has added, in the order in which they were added. */
export const ownInvariants = (): readonly Invariant[] => [...OWN.values()];

/** The invariant of the user with the id, if there is one. */
export const findOwnInvariant = (id: string): Invariant | undefined => OWN.get(id);

/** Forgets the invariants of the user. */
export const forgetOwnInvariants = (): void => OWN.clear();
