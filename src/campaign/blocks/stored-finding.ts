import {
  findInvariant,
  fingerprintText,
  sameFingerprint,
  violationsOf,
  type Place,
} from '../../invariants/index.ts';
import { encodeScenario, isRealistic, toJsonLine } from '../../scenario/index.ts';
import type { Trace } from '../../trace/index.ts';
import type { Regression } from '../regression.ts';
import type { Discovery } from './discovery.ts';

/** A finding of a campaign: a stored case, and the place at which its invariant breaks. */
export interface StoredFinding {
  readonly place: Place;
  readonly regression: Regression;
}

/** Where the case of a finding stands in its campaign, and how far it is shrunk. */
export interface FindingOrigin {
  readonly isNearMiss: boolean;
  readonly block: number;
  readonly case: number;
  /** How many times a simpler case took the place of another. */
  readonly steps: number;
  /** Whether no simpler case shows the finding. */
  readonly isSmallest: boolean;
}

/** What is stored beside a finding. */
export interface FindingFile {
  readonly revision: string;
  /** The integer seed of the block. */
  readonly seed: number;
  /** The command line that repeats the campaign. */
  readonly command: string;
  readonly version: string;
  /** Today as YYYY-MM-DD. */
  readonly date: string;
}

const ORIGIN = /^(near miss of )?block (\d+) case (\d+), (shrunk|shrinking) after (\d+) steps$/;

const originText = ({ isNearMiss, block, case: number, isSmallest, steps }: FindingOrigin): string =>
  `${isNearMiss ? 'near miss of ' : ''}block ${block} case ${number}, ${isSmallest ? 'shrunk' : 'shrinking'} after ${steps} steps`;

/** The origin that a stored finding names; `undefined` for a case that no campaign stored. */
export function originOf({ provenance }: Regression): FindingOrigin | undefined {
  const [text, miss, block, number, shrunk, steps] = ORIGIN.exec(provenance.path ?? '') ?? [];
  if (text === undefined) return undefined;
  return {
    isNearMiss: miss !== undefined,
    block: Number(block),
    case: Number(number),
    steps: Number(steps),
    isSmallest: shrunk === 'shrunk',
  };
}

/**
 * The stored form of a discovery.
 *
 * @param trace a run of the discovery's scenario.
 */
export function storedFinding(
  discovery: Discovery,
  { steps, isSmallest }: Pick<FindingOrigin, 'steps' | 'isSmallest'>,
  trace: Trace,
  { revision, seed, command, version, date }: FindingFile,
): StoredFinding {
  const { invariant, cause, place, scenario } = discovery;
  const violations = violationsOf(trace);
  const violation = violations.find((one) => sameFingerprint(one, discovery));
  return {
    place,
    regression: {
      schema: 1,
      invariant,
      cause,
      title: violation?.message ?? fingerprintText(discovery),
      status: 'open',
      expected: findInvariant(invariant).clause,
      observed: { outcome: trace.outcome, violations: violations.map(fingerprintText) },
      failsOn: [revision],
      realistic: isRealistic(scenario),
      provenance: {
        source: command,
        seed,
        path: originText({ ...discovery, steps, isSmallest }),
        version,
        date,
      },
      scenario: { ...scenario, revision },
    },
  };
}

/**
 * Sorts the stored forms of one finding, the one to keep first: the earliest case of the campaign, and of that case the
 * smallest form. The order is total, so that folders can be merged in any order with the same result.
 */
export function byPreference({ regression: a }: StoredFinding, { regression: b }: StoredFinding): number {
  const [first, second] = [originOf(a), originOf(b)];
  if (first === undefined || second === undefined) {
    return Number(first === undefined) - Number(second === undefined) || byText(a, b);
  }
  return (
    Number(first.isNearMiss) - Number(second.isNearMiss) ||
    first.block - second.block ||
    first.case - second.case ||
    (a.provenance.seed ?? 0) - (b.provenance.seed ?? 0) ||
    Number(second.isSmallest) - Number(first.isSmallest) ||
    second.steps - first.steps ||
    byText(a, b)
  );
}

function byText(a: Regression, b: Regression): number {
  const [first, second] = [textOf(a), textOf(b)];
  return first < second ? -1 : Number(first > second);
}

const textOf = (regression: Regression): string =>
  toJsonLine({ ...regression, scenario: encodeScenario(regression.scenario) });
