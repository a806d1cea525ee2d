import type { Schema } from '../../scenario/index.ts';
import {
  BOOLEAN,
  COUNTS,
  HEX,
  INTEGER,
  LINES,
  NULL,
  PROBLEM,
  STRING,
  array,
  document,
  object,
} from './parts.ts';

/** `list invariants --json`, `list revisions --json`, `list devices --json`, `list rules --json`. */
export const LIST_SCHEMA = document('list', {
  oneOf: [
    object({
      invariants: array(
        object({
          id: STRING,
          clause: STRING,
          severity: { enum: ['error', 'warning'] },
          site: STRING,
          needsRealVmm: BOOLEAN,
        }),
      ),
    }),
    object({ revisions: array(object({ id: STRING, title: STRING, source: STRING, breaks: LINES })) }),
    object({
      rules: array(
        object({
          name: STRING,
          room: STRING,
          file: STRING,
          about: STRING,
          answer: STRING,
          kind: { enum: ['function', 'value'] },
        }),
      ),
    }),
    object({
      devices: array({
        type: 'object',
        required: ['id', 'bars'],
        properties: { id: STRING, bars: { type: 'array' } },
      }),
    }),
  ],
});

const CHECK = object({
  name: STRING,
  state: { enum: ['present', 'missing', 'optional'] },
  detail: STRING,
  'remedy?': STRING,
});

/** `doctor --json`. */
export const DOCTOR_SCHEMA = document(
  'doctor',
  object({
    checks: array(CHECK),
    machines: LINES,
    obstacle: { anyOf: [STRING, NULL] },
    kernels: array(CHECK),
  }),
);

const AGREEMENT = { agree: INTEGER, differ: INTEGER, unanswered: INTEGER };

const SESSION: Schema = {
  type: 'object',
  required: ['id', 'kernel', 'arch', 'pageSize', 'iommu', 'container', 'info', 'calls'],
  properties: {
    id: { anyOf: [STRING, INTEGER] },
    kernel: STRING,
    arch: STRING,
    pageSize: HEX,
    iommu: STRING,
    container: STRING,
    info: { type: 'object' },
    calls: array({ type: 'object', required: ['call'], properties: { call: STRING } }),
  },
};

const COMPARISON = {
  sessions: INTEGER,
  agreements: array(object({ container: STRING, call: STRING, ...AGREEMENT })),
  hosts: array(object({ kernel: STRING, iommu: STRING, ...AGREEMENT })),
  classes: array(
    object({
      name: STRING,
      kernels: LINES,
      count: INTEGER,
      example: object({
        session: { anyOf: [STRING, INTEGER] },
        call: INTEGER,
        passed: STRING,
        recorded: STRING,
        answered: STRING,
      }),
    }),
  ),
  unanswered: COUNTS,
};

/** One line of `host --json`: a session with its answers, a comparison, or what is wrong with a line of the input. */
export const HOST_SCHEMA = document('host', {
  anyOf: [
    SESSION,
    object({ ...COMPARISON, 'model?': object(COMPARISON) }),
    object({ problems: array(PROBLEM) }),
  ],
});

/** `explain --json`. Each kind of answer has fields of its own. */
export const EXPLANATION_SCHEMA = document(
  'explanation',
  object({
    answers: array({
      type: 'object',
      required: ['kind'],
      properties: { kind: { enum: ['device', 'dump', 'log', 'case'] } },
    }),
  }),
);
