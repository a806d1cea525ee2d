import type { Schema } from '../../scenario/index.ts';
import { REGRESSION_STATUSES } from '../../campaign/index.ts';
import { CONDITIONS, INVARIANT_ID_FORM, INVARIANT_IDS, PLACES } from '../../invariants/index.ts';
import { schemaFields } from '../../scenario/index.ts';
import { BOOLEAN, SCENARIO, document, object } from './parts.ts';

const { NAME, TEXT, array, integer } = schemaFields;

const SCHEMA_VERSION: Schema = { const: 1 };

/** A stored case. */
export const CASE_SCHEMA = document(
  'case',
  object({
    schema: SCHEMA_VERSION,
    'invariant?': { ...NAME, pattern: INVARIANT_ID_FORM.source, examples: [...INVARIANT_IDS] },
    'cause?': NAME,
    title: TEXT,
    status: { enum: [...REGRESSION_STATUSES] },
    expected: TEXT,
    observed: object({
      outcome: { enum: ['ok', 'rejected', 'aborted'] },
      violations: array(TEXT),
      'target?': NAME,
      'stability?': NAME,
      'error?': TEXT,
      'dma?': array(TEXT),
    }),
    failsOn: array(TEXT),
    'realistic?': BOOLEAN,
    'explanation?': TEXT,
    'forgives?': array(
      object({ places: array({ enum: [...PLACES] }), conditions: array({ enum: [...CONDITIONS] }) }),
    ),
    provenance: object({
      source: TEXT,
      'seed?': integer(-(2 ** 31), 2 ** 31 - 1),
      'path?': TEXT,
      'version?': NAME,
      'date?': NAME,
    }),
    scenario: SCENARIO,
  }),
);
