import type { Schema } from '../../scenario/index.ts';
import { BOOLEAN, HEX, INTEGER, LINES, NULL, SCENARIO, STRING, array, document, object } from './parts.ts';

const OUTCOME: Schema = { enum: ['ok', 'rejected', 'aborted'] };
const SIDE = object({ id: STRING, title: STRING, 'version?': STRING });
const STABILITY = object({ shown: INTEGER, of: INTEGER });
const SEVERITY: Schema = { enum: ['error', 'warning'] };

const RAN = object({
  outcome: OUTCOME,
  error: { anyOf: [STRING, NULL] },
  violation: { anyOf: [object({ message: STRING, step: INTEGER }), NULL] },
  memoryMap: LINES,
});

const CAUSE = object({
  cause: STRING,
  status: STRING,
  site: STRING,
  cases: object({
    both: INTEGER,
    fixed: INTEGER,
    hidden: INTEGER,
    broken: INTEGER,
    swapped: INTEGER,
    uncovered: INTEGER,
  }),
  'flaky?': STABILITY,
  'counterexample?': object({
    difference: STRING,
    shrinks: INTEGER,
    'stability?': STABILITY,
    base: RAN,
    patched: RAN,
    scenario: SCENARIO,
  }),
});

const FIGURES = {
  directMappedBytes: HEX,
  trappedBytes: HEX,
  p2pMappedBytes: HEX,
  memslots: INTEGER,
  maps: INTEGER,
};

const change = (value: Schema): Schema =>
  object({ base: value, patched: value, more: INTEGER, less: INTEGER });

const VERDICT = object({
  base: SIDE,
  patched: SIDE,
  seed: STRING,
  runs: INTEGER,
  cases: INTEGER,
  interrupted: BOOLEAN,
  breaks: BOOLEAN,
  summary: LINES,
  'tree?': object({
    subject: STRING,
    files: LINES,
    base: STRING,
    configuration: STRING,
    objects: INTEGER,
    functions: array(object({ file: STRING, name: STRING, compiled: BOOLEAN, runs: INTEGER })),
    runs: INTEGER,
    outside: LINES,
  }),
  findings: array(
    object({
      invariant: STRING,
      cause: STRING,
      effect: { enum: ['breaks', 'mends', 'uncovers'] },
      severity: SEVERITY,
      also: array(object({ invariant: STRING, cause: STRING })),
      'file?': STRING,
    }),
  ),
  neverAskedForWithThePatch: LINES,
  invariants: array(
    object({
      invariant: STRING,
      severity: SEVERITY,
      status: { enum: ['held', 'fixed', 'broken', 'still broken', 'not comparable'] },
      clause: STRING,
      site: STRING,
      exercised: object({ base: INTEGER, patched: INTEGER }),
      causes: array(CAUSE),
    }),
  ),
  outcomes: array(object({ base: OUTCOME, patched: OUTCOME, cases: INTEGER })),
  cost: object({
    cases: INTEGER,
    figures: object(
      Object.fromEntries(Object.entries(FIGURES).map(([name, value]) => [name, change(value)])),
    ),
  }),
  devices: array(
    object({
      device: STRING,
      host: STRING,
      base: object({ outcome: OUTCOME, ...FIGURES }),
      patched: object({ outcome: OUTCOME, ...FIGURES }),
    }),
  ),
});

/** `validate --json`: the verdict, or why a rule of the patch cannot be judged. */
export const VERDICT_SCHEMA = document('verdict', {
  oneOf: [VERDICT, object({ fault: object({ rule: STRING, what: STRING, scenario: SCENARIO }) })],
});
