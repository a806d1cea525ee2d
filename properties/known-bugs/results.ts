import { existsSync, readFileSync } from 'node:fs';
import { INVARIANT_IDS, fingerprintText, type Fingerprint } from '../../src/invariants/index.ts';
import { BUGS } from './bugs.ts';

/** The measurement of one bug. */
export interface BugResult {
  readonly id: string;
  /** Id of the revision without the bug. */
  readonly base: string;
  /** The number of searches that found the bug. */
  readonly found: number;
  /** The number of searches, one a seed. */
  readonly seeds: number;
  /** Cases after which a search gave up. */
  readonly most: number;
  /** For each search that found the bug, the number of cases up to the finding; rising. */
  readonly cases: readonly number[];
  /** The invariant and cause that most searches found first. */
  readonly fingerprint: Fingerprint | undefined;
  /** The size of the first seed's finding after shrinking. */
  readonly shrunk: { readonly devices: number; readonly bars: number; readonly operations: number };
  /** The fingerprints that this many cases show with the bug and not without it. */
  readonly flagged: { readonly cases: number; readonly fingerprints: readonly Fingerprint[] };
}

/** A line of the file, which has fingerprints as texts. */
interface StoredResult extends Omit<BugResult, 'fingerprint' | 'flagged'> {
  readonly fingerprint: string;
  readonly flagged: { readonly cases: number; readonly fingerprints: readonly string[] };
}

/** A known bug without a patch, and the reason. */
export interface LeftOut {
  readonly id: string;
  readonly title: string;
  /** The mark of the bug in the list of known bugs: a model can show it, needs an extension, or cannot. */
  readonly reach: 'direct' | 'extension' | 'outside';
  readonly why: string;
}

export const RESULTS = `${BUGS}results.ndjson`;
export const README = `${BUGS}README.md`;
const LEFT_OUT = `${BUGS}left-out.ndjson`;

const readLines = <Row>(path: string): readonly Row[] =>
  existsSync(path)
    ? readFileSync(path, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Row)
    : [];

/** The stored results, by id. */
export const readResults = (): readonly BugResult[] =>
  readLines<StoredResult>(RESULTS).map(({ fingerprint, flagged, ...rest }) => ({
    ...rest,
    fingerprint: fingerprint === '' ? undefined : storedFingerprint(fingerprint),
    flagged: { ...flagged, fingerprints: flagged.fingerprints.map(storedFingerprint) },
  }));

/** A result as the file holds it. */
export const storedResult = ({
  id,
  base,
  fingerprint,
  shrunk,
  flagged,
  ...rest
}: BugResult): StoredResult => ({
  id,
  base,
  ...rest,
  fingerprint: fingerprint === undefined ? '' : fingerprintText(fingerprint),
  shrunk,
  flagged: { ...flagged, fingerprints: flagged.fingerprints.map(fingerprintText).toSorted() },
});

/** The fingerprint that a line of the file names: the only place where a text becomes one again. */
function storedFingerprint(text: string): Fingerprint {
  const invariant = INVARIANT_IDS.find((id) => text.startsWith(`${id}/`))!;
  return { invariant, cause: text.slice(invariant.length + 1) };
}

/** The bugs that have no patch, by id. */
export const readLeftOut = (): readonly LeftOut[] => readLines<LeftOut>(LEFT_OUT);

/** The median of sorted numbers, rounded up; `undefined` for none. */
export const median = (sorted: readonly number[]): number | undefined =>
  sorted.length === 0
    ? undefined
    : Math.ceil((sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2);
