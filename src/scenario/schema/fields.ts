import { POWER_OF_TWO_LIMIT, hexRange, powersOfTwo } from './number-patterns.ts';

/** A JSON Schema, or a part of one. */
export interface Schema {
  readonly [key: string]: unknown;
}

const MOST_ELEMENTS = 10_000;
/** Characters of a string of 20 hold 2^64 with its prefix and one leading zero. */
const LONGEST_NUMBER = 20;
const LARGEST_SAFE = BigInt(Number.MAX_SAFE_INTEGER);

/** The characters that `printable` spells out. */
const UNSAFE = '\\u0000-\\u001f\\u007f-\\u009f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069\\ufeff';

/** A string of 1 to 200 printable characters. */
export const NAME: Schema = { type: 'string', minLength: 1, maxLength: 200, pattern: `^[^${UNSAFE}]*$` };

export const BOOLEAN: Schema = { type: 'boolean' };

/** Text of at most 10,000 characters. */
export const TEXT: Schema = { type: 'string', maxLength: 10_000 };

/** A number from `least` to `most`: a hex string or an integer that JavaScript holds exactly. */
export const number = (least: bigint, most: bigint, more: Schema = {}): Schema => ({
  ...more,
  anyOf: [
    {
      type: 'integer',
      minimum: Number(least),
      maximum: Number(most < LARGEST_SAFE ? most : LARGEST_SAFE),
    },
    { type: 'string', maxLength: LONGEST_NUMBER, pattern: hexRange(least, most) },
  ],
});

/** A power of two from `least` to `most`. */
export const powerOfTwo = (least: bigint, most: bigint, more: Schema = {}): Schema => {
  const powers = powersOfTwo(least, most);
  return {
    ...more,
    anyOf: [
      { enum: powers.filter((power) => power <= POWER_OF_TWO_LIMIT).map(Number) },
      {
        type: 'string',
        maxLength: LONGEST_NUMBER,
        pattern: `^0x0*(?:${powers.map((power) => power.toString(16)).join('|')})$`,
      },
    ],
  };
};

/** A multiple of 8 below 2^32, as the registers of MSI-X hold it. */
export const MSIX_OFFSET: Schema = {
  anyOf: [
    { type: 'integer', minimum: 0, maximum: 0xffff_ffff, multipleOf: 8 },
    { type: 'string', maxLength: LONGEST_NUMBER, pattern: '^0x0*[0-9a-fA-F]{0,7}[08]$' },
  ],
};

export const integer = (minimum: number, maximum: number, more: Schema = {}): Schema => ({
  type: 'integer',
  minimum,
  maximum,
  ...more,
});

/** One of the values. */
export const oneOf = (values: readonly (string | number)[], more: Schema = {}): Schema => ({
  enum: [...values],
  ...more,
});

/** What may also be null, and then has its default. */
export const orNull = (schema: Schema): Schema => ({ anyOf: [schema, { type: 'null' }] });

export const array = (items: Schema, more: Schema = {}): Schema => ({
  type: 'array',
  maxItems: MOST_ELEMENTS,
  items,
  ...more,
});

/** An object that has no keys but these. Keys whose name ends with `?` may be missing. */
export const object = (fields: Readonly<Record<string, Schema>>, more: Schema = {}): Schema => {
  const keys = Object.entries(fields);
  const required = keys.map(([key]) => key).filter((key) => !key.endsWith('?'));
  return {
    ...more,
    type: 'object',
    properties: Object.fromEntries(keys.map(([key, schema]) => [key.replace(/\?$/, ''), schema])),
    ...(required.length > 0 && { required }),
    additionalProperties: false,
  };
};
