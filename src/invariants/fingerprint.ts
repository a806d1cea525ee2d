import type { InvariantId } from './invariant-ids.ts';

/** The identity of a finding: the invariant, and the cause for which it breaks. */
export interface Fingerprint {
  readonly invariant: InvariantId;
  /** Which kind of break it is; a stable id, unique within the invariant. */
  readonly cause: string;
}

export const sameFingerprint = (a: Fingerprint, b: Fingerprint): boolean =>
  a.invariant === b.invariant && a.cause === b.cause;

/** The fingerprint as users read it and as files store it: `map-aligned/bar-fragment-unaligned`. */
export const fingerprintText = ({ invariant, cause }: Fingerprint): string => `${invariant}/${cause}`;

/** A map whose keys are fingerprints, compared by value. Its entries are in the order in which they were added. */
export class FingerprintMap<T> implements Iterable<readonly [Fingerprint, T]> {
  readonly #entries = new Map<string, readonly [Fingerprint, T]>();

  get size(): number {
    return this.#entries.size;
  }

  has(fingerprint: Fingerprint): boolean {
    return this.#entries.has(fingerprintText(fingerprint));
  }

  get(fingerprint: Fingerprint): T | undefined {
    return this.#entries.get(fingerprintText(fingerprint))?.[1];
  }

  set({ invariant, cause }: Fingerprint, value: T): void {
    this.#entries.set(fingerprintText({ invariant, cause }), [{ invariant, cause }, value]);
  }

  keys(): Fingerprint[] {
    return [...this.#entries.values()].map(([fingerprint]) => fingerprint);
  }

  values(): T[] {
    return [...this.#entries.values()].map(([, value]) => value);
  }

  [Symbol.iterator](): Iterator<readonly [Fingerprint, T]> {
    return this.#entries.values();
  }
}

/** A set of fingerprints, compared by value, in the order in which they were added. */
export class FingerprintSet implements Iterable<Fingerprint> {
  readonly #members = new FingerprintMap<true>();

  constructor(members: Iterable<Fingerprint> = []) {
    for (const member of members) this.add(member);
  }

  get size(): number {
    return this.#members.size;
  }

  has(fingerprint: Fingerprint): boolean {
    return this.#members.has(fingerprint);
  }

  add(fingerprint: Fingerprint): void {
    this.#members.set(fingerprint, true);
  }

  [Symbol.iterator](): Iterator<Fingerprint> {
    return this.#members.keys()[Symbol.iterator]();
  }
}
