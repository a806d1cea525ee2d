import { INVARIANT_IDS, type InvariantId } from '../invariants/index.ts';
import {
  encodeScenario,
  readScenario,
  toJsonText,
  type JsonValue,
  type Scenario,
  ScenarioDecoder,
} from '../scenario/index.ts';
import { InvalidInput } from '../input/index.ts';

/** What becomes of a stored case. */
export const REGRESSION_STATUSES = [
  /** It breaks an invariant, and nobody has looked at it yet. */
  'open',
  /** A deviation of the newest revision that is the real VMM's own. */
  'known',
  /** It is there to show what the named revision does. */
  'expected',
  /** It used to break an invariant. */
  'fixed',
] as const;
export type RegressionStatus = (typeof REGRESSION_STATUSES)[number];

const OUTCOMES = ['ok', 'rejected', 'aborted'] as const;

/** Where a stored case comes from. */
export interface Provenance {
  /** What made it: a campaign seed, or a place in the seed thread. */
  readonly source: string;
  /** What fast-check finds it by, as long as the generators do not change. */
  readonly seed?: number;
  readonly path?: string;
  /** Version of barproof. */
  readonly version?: string;
  /** Day on which it was found, as YYYY-MM-DD. */
  readonly date?: string;
}

/** A stored case: a scenario by value, and what is expected and was seen of it. */
export interface Regression {
  readonly schema: 1;
  /** The invariant that it is about. */
  readonly invariant?: InvariantId;
  /** How the invariant breaks. */
  readonly cause?: string;
  /** One sentence for people. */
  readonly title: string;
  readonly status: RegressionStatus;
  /** What should be. */
  readonly expected: string;
  /** What is seen on the scenario's own revision. */
  readonly observed: {
    readonly outcome: (typeof OUTCOMES)[number];
    /** Fingerprints of all violations, in order. */
    readonly violations: readonly string[];
    /** What it was seen on, where that was not the model. */
    readonly target?: string;
    /** How often it showed when it was run again, as in "stable 10/10". */
    readonly stability?: string;
    /** The last thing that the VMM said. */
    readonly error?: string;
    /** The lines of the DMA requests, where a case is about them. */
    readonly dma?: readonly string[];
  };
  /** Revisions, of the VMM that the scenario is for, on which the invariant breaks in this way. */
  readonly failsOn: readonly string[];
  /** Why it is so, for known findings: what in the VMM leads to it. */
  readonly explanation?: string;
  readonly provenance: Provenance;
  readonly scenario: Scenario;
}

/**
 * Reads a regression out of parsed JSON.
 *
 * @throws InvalidInput with every problem and its path.
 */
export function decodeRegression(value: unknown): Regression {
  const decoder = new ScenarioDecoder();
  const root = decoder.object(value, '', [
    'schema',
    'invariant',
    'cause',
    'title',
    'status',
    'expected',
    'observed',
    'failsOn',
    'explanation',
    'provenance',
    'scenario',
  ]);
  const observed = decoder.object(root['observed'], 'observed', [
    'outcome',
    'violations',
    'target',
    'stability',
    'error',
    'dma',
  ]);
  const texts = (list: unknown, path: string) =>
    decoder.array(list, path, (element, where) => decoder.text(element, where));
  const regression: Regression = {
    schema: decoder.integer(root['schema'], 'schema', 1, 1) as 1,
    ...(root['invariant'] !== undefined && {
      invariant: decoder.oneOf(root['invariant'], 'invariant', INVARIANT_IDS),
    }),
    ...(root['cause'] !== undefined && { cause: decoder.string(root['cause'], 'cause') }),
    title: decoder.text(root['title'], 'title'),
    status: decoder.oneOf(root['status'], 'status', REGRESSION_STATUSES),
    expected: decoder.text(root['expected'], 'expected'),
    observed: {
      outcome: decoder.oneOf(observed['outcome'], 'observed.outcome', OUTCOMES),
      violations: texts(observed['violations'], 'observed.violations'),
      ...(observed['target'] !== undefined && {
        target: decoder.string(observed['target'], 'observed.target'),
      }),
      ...(observed['stability'] !== undefined && {
        stability: decoder.string(observed['stability'], 'observed.stability'),
      }),
      ...(observed['error'] !== undefined && { error: decoder.text(observed['error'], 'observed.error') }),
      ...(observed['dma'] !== undefined && { dma: texts(observed['dma'], 'observed.dma') }),
    },
    failsOn: texts(root['failsOn'], 'failsOn'),
    ...(root['explanation'] !== undefined && {
      explanation: decoder.text(root['explanation'], 'explanation'),
    }),
    provenance: readProvenance(decoder, root['provenance']),
    scenario: readScenario(decoder, root['scenario'], 'scenario'),
  };
  if (decoder.problems.length > 0) throw new InvalidInput(decoder.problems);
  return regression;
}

function readProvenance(decoder: ScenarioDecoder, value: unknown): Provenance {
  const provenance = decoder.object(value, 'provenance', ['source', 'seed', 'path', 'version', 'date']);
  const { seed, path, version, date } = provenance;
  return {
    source: decoder.text(provenance['source'], 'provenance.source'),
    ...(seed !== undefined && { seed: decoder.integer(seed, 'provenance.seed', -(2 ** 31), 2 ** 31 - 1) }),
    ...(path !== undefined && { path: decoder.text(path, 'provenance.path') }),
    ...(version !== undefined && { version: decoder.string(version, 'provenance.version') }),
    ...(date !== undefined && { date: decoder.string(date, 'provenance.date') }),
  };
}

/** The text of a regression file. */
export const formatRegression = (regression: Regression): string =>
  toJsonText({ ...regression, scenario: encodeScenario(regression.scenario) } as unknown as JsonValue);

/** Whether parsed JSON is a regression rather than a bare scenario. */
export const looksLikeRegression = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'scenario' in value;
