import { writeAtomically } from '../../src/input/index.ts';
import {
  FingerprintMap,
  FingerprintSet,
  fingerprintText,
  type Fingerprint,
} from '../../src/invariants/index.ts';
import type { AnyRevision } from '../../src/model/index.ts';
import type { KnownBug } from './bugs.ts';
import { Cases, flagged, hunt, shrink, type BugSighting } from './hunt.ts';
import { RESULTS, storedResult, type BugResult } from './results.ts';

/** The extent of a measurement. */
export interface Measure {
  /** The number of searches for each bug, one a seed. */
  readonly seeds: number;
  /** Cases after which a search gives up. */
  readonly most: number;
  /** Cases in which all fingerprints of a bug are noted. */
  readonly cases: number;
}

/** Searches for every bug with every seed. `report` gets a line for each search. */
export function measure(
  bugs: readonly KnownBug[],
  { seeds, most, cases: flaggedCases }: Measure,
  report: (line: string) => void,
): readonly BugResult[] {
  const known = new Map<string, FingerprintSet>();
  const sightings = new Map<string, BugSighting[]>(bugs.map(({ id }) => [id, []]));
  const everything = new Map<string, FingerprintSet>();
  for (let seed = 1; seed <= seeds; seed++) {
    const cases = new Cases(String(seed));
    for (const bug of bugs) {
      if (!known.has(bug.base.id)) known.set(bug.base.id, knownOf(bug.base, cases, flaggedCases));
      const knownOfBase = known.get(bug.base.id)!;
      if (seed === 1) everything.set(bug.id, flagged(bug, cases, flaggedCases, knownOfBase));
      const sighting = hunt(bug, cases, most, knownOfBase);
      if (sighting !== undefined) sightings.get(bug.id)!.push(sighting);
      const found = sighting && `${sighting.cases} ${fingerprintText(sighting.fingerprint)}`;
      report(`seed ${seed} ${bug.id} ${found ?? 'not found'}`);
    }
  }
  return bugs.map((bug) => {
    const found = sightings.get(bug.id)!;
    const [first] = found;
    const smallest = first && shrink(bug, first);
    return {
      id: bug.id,
      base: bug.base.id,
      found: found.length,
      seeds,
      most,
      cases: found.map(({ cases }) => cases).toSorted((a, b) => a - b),
      fingerprint: mostFrequent(found.map(({ fingerprint }) => fingerprint)),
      shrunk: {
        devices: smallest?.devices.length ?? 0,
        bars: smallest?.devices.reduce((sum, { bars }) => sum + bars.length, 0) ?? 0,
        operations: smallest?.operations.length ?? 0,
      },
      flagged: { cases: flaggedCases, fingerprints: [...everything.get(bug.id)!] },
    };
  });
}

/** The fingerprints that the cases show of a revision without a bug. */
function knownOf(base: AnyRevision, cases: Cases, count: number): FingerprintSet {
  const shown = new FingerprintSet();
  let index = 0;
  for (const scenario of cases.take(count, base)) {
    for (const fingerprint of cases.shownBy(index++, scenario, base)) shown.add(fingerprint);
  }
  return shown;
}

function mostFrequent(fingerprints: readonly Fingerprint[]): Fingerprint | undefined {
  const counts = new FingerprintMap<number>();
  for (const fingerprint of fingerprints) counts.set(fingerprint, (counts.get(fingerprint) ?? 0) + 1);
  return [...counts].toSorted(([, a], [, b]) => b - a)[0]?.[0];
}

/** Stores the measurements: one line a bug. */
export const writeResults = (results: readonly BugResult[]): void =>
  writeAtomically(RESULTS, results.map((result) => `${JSON.stringify(storedResult(result))}\n`).join(''));
