import {
  CONDITIONS,
  INVARIANT_IDS,
  INVARIANT_ID_FORM,
  isInvariantId,
  PLACES,
  type ConditionName,
  type InvariantId,
  type Place,
} from '../invariants/index.ts';
import {
  encodeScenario,
  readScenarioPart,
  toJsonText,
  type JsonValue,
  type Scenario,
  ScenarioDecoder,
} from '../scenario/index.ts';
import { InvalidInput, spellingHint } from '../input/index.ts';

/** Why a case is stored. */
export const REGRESSION_STATUSES = [
  /** The case breaks an invariant, and no developer has looked at it yet. */
  'open',
  /** The case breaks an invariant on the newest revision, and the real VMM does the same. */
  'known',
  /** The case documents what its revision does. */
  'expected',
  /** The case used to break an invariant. */
  'fixed',
] as const;
export type RegressionStatus = (typeof REGRESSION_STATUSES)[number];

const OUTCOMES = ['ok', 'rejected', 'aborted'] as const;

/** Where a stored case comes from. */
export interface Provenance {
  /** The command line that found the case, or a place in the seed thread. */
  readonly source: string;
  /** The integer seed by which fast-check finds the case again, as long as the generators do not change. */
  readonly seed?: number;
  /** The path by which fast-check finds the case again under that seed. */
  readonly path?: string;
  /** Version of barproof that found the case. */
  readonly version?: string;
  /** Day on which the case was found, as YYYY-MM-DD. */
  readonly date?: string;
}

/** Violations that a known finding explains: those at one of the places, under all conditions. */
export interface Forgiven {
  readonly places: readonly Place[];
  readonly conditions: readonly ConditionName[];
}

/** A stored case: a scenario, what is expected of its run and what was observed. */
export interface Regression {
  readonly schema: 1;
  /** The invariant that the case is about. */
  readonly invariant?: InvariantId;
  /** The cause for which the invariant breaks. */
  readonly cause?: string;
  /** One sentence for the reader. */
  readonly title: string;
  readonly status: RegressionStatus;
  /** What should happen. */
  readonly expected: string;
  /** What happens on the scenario's own revision. */
  readonly observed: {
    readonly outcome: (typeof OUTCOMES)[number];
    /** Fingerprints of all violations, in order. */
    readonly violations: readonly string[];
    /** The target that was observed; the model when left out. */
    readonly target?: string;
    /** In how many repetitions the finding showed, as in "stable 10/10". */
    readonly stability?: string;
    /** The last error message of the VMM. */
    readonly error?: string;
    /** The DMA requests in order, one line each, for a case about DMA requests. */
    readonly dma?: readonly string[];
  };
  /** Ids of the revisions on which the invariant breaks for this cause. */
  readonly failsOn: readonly string[];
  /** Whether a real machine can show the scenario as firmware sets it up (`isRealistic`). */
  readonly realistic?: boolean;
  /** For known findings: what in the VMM leads to the violation. */
  readonly explanation?: string;
  /**
   * For known findings: which violations of the cause the finding explains; all where left out. A violation that none
   * of the entries covers is another fault.
   */
  readonly forgives?: readonly Forgiven[];
  readonly provenance: Provenance;
  readonly scenario: Scenario;
}

/**
 * Decodes a regression from parsed JSON.
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
    'realistic',
    'explanation',
    'forgives',
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
      invariant: readInvariantId(decoder, root['invariant']),
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
    ...(root['realistic'] !== undefined && { realistic: decoder.boolean(root['realistic'], 'realistic') }),
    ...(root['explanation'] !== undefined && {
      explanation: decoder.text(root['explanation'], 'explanation'),
    }),
    ...(root['forgives'] !== undefined && {
      forgives: decoder.array(root['forgives'], 'forgives', (entry, path) =>
        readForgiven(decoder, entry, path),
      ),
    }),
    provenance: readProvenance(decoder, root['provenance']),
    scenario: readScenarioPart(decoder, root['scenario'], 'scenario'),
  };
  if (decoder.problems.length > 0) throw new InvalidInput(decoder.problems);
  return regression;
}

/** An id of barproof, or one that an invariant of the user may have: not one that looks like a slip of the pen. */
function readInvariantId(decoder: ScenarioDecoder, value: unknown): InvariantId {
  const id = decoder.string(value, 'invariant');
  if (id === '' || isInvariantId(id)) return id;
  const hint = spellingHint(id, INVARIANT_IDS, '');
  if (hint !== '' || !INVARIANT_ID_FORM.test(id))
    decoder.report('invariant', `expected an id of lower-case letters, digits and -${hint && `; ${hint}`}`);
  return id;
}

function readForgiven(decoder: ScenarioDecoder, value: unknown, path: string): Forgiven {
  const { places, conditions } = decoder.object(value, path, ['places', 'conditions']);
  return {
    places: decoder.array(places, `${path}.places`, (place, at) => decoder.oneOf(place, at, PLACES)),
    conditions: decoder.array(conditions, `${path}.conditions`, (name, at) =>
      decoder.oneOf(name, at, CONDITIONS),
    ),
  };
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
