import { SCENARIO_SCHEMA } from '../../scenario/index.ts';
import { CASE_SCHEMA } from './case-schema.ts';
import { DOCTOR_SCHEMA, EXPLANATION_SCHEMA, HOST_SCHEMA, LIST_SCHEMA } from './other-schemas.ts';
import type { Schema } from '../../scenario/index.ts';
import { EVENT_SCHEMA, REPORT_SCHEMA } from './report-schema.ts';
import { RUN_SCHEMA } from './run-schema.ts';
import { VERDICT_SCHEMA } from './verdict-schema.ts';

/** The JSON Schemas that the package ships as `barproof/schemas/NAME.schema.json`. */
export const SCHEMAS: Readonly<Record<string, Schema>> = {
  scenario: SCENARIO_SCHEMA,
  case: CASE_SCHEMA,
  report: REPORT_SCHEMA,
  event: EVENT_SCHEMA,
  verdict: VERDICT_SCHEMA,
  run: RUN_SCHEMA,
  list: LIST_SCHEMA,
  doctor: DOCTOR_SCHEMA,
  host: HOST_SCHEMA,
  explanation: EXPLANATION_SCHEMA,
};
