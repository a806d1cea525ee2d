import type { Schema } from '../../scenario/index.ts';
import { REPORT_FORMAT } from '../json.ts';
import { REPORTING_COMMANDS, VERDICTS } from '../report-event.ts';
import { COUNTS, LINES, PROBLEM, SCENARIO, STRING, array, document, object } from './parts.ts';

const SEVERITY: Schema = { enum: ['error', 'warning'] };
const COMMAND: Schema = { enum: [...REPORTING_COMMANDS] };
const VERDICT: Schema = {
  enum: [...VERDICTS],
  description:
    'The exit codes 0, 1 and 2: every rule holds, there is a counterexample, barproof could not judge.',
};

const PLAN = object({
  subject: STRING,
  target: STRING,
  'seed?': STRING,
  'cases?': { type: 'integer', description: 'Left out where a time ends the search.' },
  rules: array(object({ id: STRING, clause: STRING, severity: SEVERITY, 'site?': STRING })),
  again: { ...STRING, description: 'The command line that repeats the run.' },
  notes: LINES,
});

const SUMMARY = object({
  cases: { type: 'integer' },
  exercised: { ...COUNTS, description: 'For each rule, the number of cases in which it checked something.' },
  outcomes: COUNTS,
  notRun: COUNTS,
  known: array(
    object({ rule: STRING, cause: STRING, file: STRING, cases: { type: 'integer' }, 'explanation?': STRING }),
  ),
  headline: LINES,
  'cost?': LINES,
});

const FINDING = object({
  number: { type: 'integer', minimum: 1 },
  rule: STRING,
  cause: { ...STRING, description: 'With the rule, the fingerprint of the finding: it stays the same.' },
  severity: SEVERITY,
  'effect?': { enum: ['breaks', 'mends', 'uncovers'] },
  message: STRING,
  expected: STRING,
  observed: STRING,
  'site?': STRING,
  revision: STRING,
  'realism?': STRING,
  'howOften?': STRING,
  'known?': STRING,
  'file?': STRING,
  'line?': { type: 'integer', minimum: 1 },
  'again?': STRING,
  'scenario?': {
    anyOf: [SCENARIO, { type: 'object', required: ['calls'], properties: { calls: { type: 'array' } } }],
  },
  description: LINES,
  steps: array(object({ operation: STRING, actions: LINES, isHere: { type: 'boolean' } })),
  memoryMaps: array(object({ caption: STRING, lines: LINES })),
});

const INPUT = object({
  name: STRING,
  result: { enum: ['holds', 'counterexample', 'could-not-run'] },
  text: STRING,
});

/** `--report json=FILE`, and `check --json` and `replay --json`. */
export const REPORT_SCHEMA = document(
  'report',
  object({
    format: { const: REPORT_FORMAT },
    barproof: { ...STRING, description: 'Version of barproof.' },
    command: COMMAND,
    verdict: VERDICT,
    interrupted: { type: 'boolean' },
    'plan?': PLAN,
    'summary?': SUMMARY,
    inputs: array(INPUT),
    findings: array(FINDING),
    problems: array(PROBLEM),
  }),
);

const event = (type: string, fields: Readonly<Record<string, Schema>>): Schema =>
  object({ time: { ...STRING, format: 'date-time' }, type: { const: type }, ...fields });

/** One line of `--report ndjson=FILE`. */
export const EVENT_SCHEMA = document('event', {
  oneOf: [
    event('opened', { command: COMMAND, version: STRING }),
    event('started', { plan: PLAN }),
    event('progress', {
      cases: { type: 'integer' },
      'of?': { type: 'integer' },
      findings: { type: 'integer' },
    }),
    event('input', { input: INPUT }),
    event('finding', { finding: FINDING }),
    event('problem', { problem: PROBLEM }),
    event('interrupted', {}),
    event('summary', { summary: SUMMARY }),
    event('finished', { verdict: VERDICT }),
  ],
});
