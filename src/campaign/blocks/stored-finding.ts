import { findInvariant, type Place } from '../../invariants/index.ts';
import { encodeScenario, isRealistic, toJsonLine } from '../../scenario/index.ts';
import { stabilityText } from '../finding.ts';
import type { Regression } from '../regression.ts';
import type { Discovery } from './discovery.ts';

/** A finding of a campaign: a stored case, and the place at which its invariant breaks. */
export interface StoredFinding {
  readonly place: Place;
  readonly regression: Regression;
}

/** The discovery that a stored finding holds. */
export const discoveryIn = ({ place, regression }: StoredFinding, origin: FindingOrigin): Discovery => {
  const { invariant, cause, title, scenario, observed } = regression;
  const { outcome, violations, error } = observed;
  const { block, case: number, isNearMiss } = origin;
  const shown = { outcome, message: title, violations, ...(error !== undefined && { error }) };
  return { invariant: invariant!, cause: cause!, place, block, case: number, isNearMiss, scenario, shown };
};

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
  /** The real VMM that was searched; the model when left out. */
  readonly target?: string | undefined;
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

/** The stored form of a discovery. */
export function storedFinding(
  discovery: Discovery,
  { steps, isSmallest }: Pick<FindingOrigin, 'steps' | 'isSmallest'>,
  { revision, target, seed, command, version, date }: FindingFile,
): StoredFinding {
  const { invariant, cause, place, scenario } = discovery;
  const { outcome, message, violations, error, stability } = discovery.shown;
  const ofRealVmm = target !== undefined && {
    target,
    ...(stability && { stability: stabilityText(stability) }),
    ...(error !== undefined && { error }),
  };
  return {
    place,
    regression: {
      schema: 1,
      invariant,
      cause,
      title: message,
      status: 'open',
      expected: findInvariant(invariant).clause,
      observed: { outcome, violations, ...ofRealVmm },
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
