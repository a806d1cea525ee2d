import type { Schema } from '../../scenario/index.ts';
import { BOOLEAN, HEX, INTEGER, NULL, PROBLEM, STRING, array, document, object } from './parts.ts';

const OUTCOME: Schema = { enum: ['ok', 'rejected', 'aborted'] };

const RUN = object({
  outcome: OUTCOME,
  error: { anyOf: [STRING, NULL] },
  revision: STRING,
  flatView: array(
    object({
      start: HEX,
      end: { ...HEX, description: 'The last address.' },
      kind: STRING,
      name: STRING,
      offset: HEX,
      priority: INTEGER,
      'device?': STRING,
    }),
  ),
  dmaMappings: array(
    object({ iova: HEX, size: HEX, readonly: BOOLEAN, region: STRING, offset: HEX, 'container?': STRING }),
  ),
  memslots: array(object({ gpa: HEX, size: HEX, readonly: BOOLEAN })),
  events: array({ type: 'object', required: ['step', 'type'], properties: { step: INTEGER, type: STRING } }),
  violations: array(object({ invariant: STRING, message: STRING, cause: STRING, step: INTEGER })),
  metrics: { type: 'object', additionalProperties: { anyOf: [HEX, INTEGER] } },
  'unseenBars?': array(
    object({ device: STRING, bar: INTEGER, start: HEX, end: HEX, isOutsideWindows: BOOLEAN }),
  ),
  'notCompared?': STRING,
});

/** One line of `run --json`: a run, or what is wrong with a line of standard input. */
export const RUN_SCHEMA = document('run', { oneOf: [RUN, object({ problems: array(PROBLEM) })] });
