import { SCENARIO_SCHEMA, schemaFields, type Schema } from '../../scenario/index.ts';

export const { object } = schemaFields;

export const STRING: Schema = { type: 'string' };
export const INTEGER: Schema = { type: 'integer' };
export const BOOLEAN: Schema = { type: 'boolean' };
export const NULL: Schema = { type: 'null' };

/** An address or a size, as barproof prints it. */
export const HEX: Schema = { type: 'string', pattern: '^-?0x[0-9a-f]+$' };

export const array = (items: Schema): Schema => ({ type: 'array', items });
export const LINES = array(STRING);

/** A number of cases for each name. */
export const COUNTS: Schema = { type: 'object', additionalProperties: { type: 'integer', minimum: 0 } };

/** What is wrong with an input, and where. */
export const PROBLEM = object({ path: STRING, message: STRING, 'details?': LINES });

/** A scenario: its own schema, which the package ships beside this one. */
export const SCENARIO: Schema = { $ref: 'barproof:scenario' };

/** A schema with its name. */
export const document = (name: string, schema: Schema): Schema => ({
  $schema: SCENARIO_SCHEMA['$schema'],
  $id: `barproof:${name}`,
  title: `barproof ${name}`,
  ...schema,
});
