import { existsSync, readFileSync } from 'node:fs';
import { INVARIANT_IDS, fingerprintText, type Fingerprint } from '../../src/invariants/index.ts';
import { BUGS } from './bugs.ts';

/** What was measured of one bug. */
export interface BugResult {
  readonly id: string;
  readonly base: string;
  /** In how many searches, one a seed, it was found. */
  readonly found: number;
  readonly seeds: number;
  /** Cases after which a search was given up. */
  readonly most: number;
  /** Cases to the first finding, rising; those that found nothing are left out. */
  readonly cases: readonly number[];
  /** What was found first most often: invariant and cause. */
  readonly fingerprint: Fingerprint | undefined;
  /** The smallest case that the first seed's finding shrinks to. */
  readonly shrunk: { readonly devices: number; readonly bars: number; readonly operations: number };
  /** Everything that the bug shows and its base does not, in this many cases. */
  readonly flagged: { readonly cases: number; readonly fingerprints: readonly Fingerprint[] };
}

/** The same as a line of the file, which has fingerprints as texts. */
interface StoredResult extends Omit<BugResult, 'fingerprint' | 'flagged'> {
  readonly fingerprint: string;
  readonly flagged: { readonly cases: number; readonly fingerprints: readonly string[] };
}

/** A known bug without a patch, and why. */
export interface LeftOut {
  readonly id: string;
  readonly title: string;
  /** What the list of known bugs says about its reach. */
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

export const median = (sorted: readonly number[]): number | undefined =>
  sorted.length === 0
    ? undefined
    : Math.ceil((sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2);
