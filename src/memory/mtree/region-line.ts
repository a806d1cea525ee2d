import { mtreeTypes, type MtreeType } from './region-type.ts';

/** The part that lines of `info mtree` and of `info mtree -f` have in common. */
export interface RegionLine {
  readonly start: bigint;
  /** The last address. */
  readonly end: bigint;
  readonly priority: number;
  readonly nonvolatile: boolean;
  readonly type: MtreeType;
  /** The text behind `): `. */
  readonly rest: string;
}

/** The objects that a region belongs to, as `-o` prints them. */
export interface RegionOwners {
  readonly owner?: string;
  readonly parent?: string;
}

/** The form of a region's line, for error messages. */
export const REGION_LINE = `"START-END (prio N, TYPE): NAME" with TYPE one of ${mtreeTypes.join(', ')}`;

const LINE = new RegExp(
  `^([0-9a-f]{16})-([0-9a-f]{16}) \\(prio (-?\\d+), (nv-)?(${mtreeTypes.join('|')})\\): (.*)$`,
  's',
);
/** `-o` appends ` owner:{…}`, ` parent:{…}` if that is another object, or ` orphan` (mtree_print_mr_owner). */
const OWNER = / (?:orphan|owner:\{([^{}]*)\}(?: parent:\{([^{}]*)\})?|parent:\{([^{}]*)\})$/;

/** The value of sixteen hexadecimal digits. */
export const fromHex16 = (digits: string): bigint => BigInt(`0x${digits}`);

/**
 * Parses a region's line from its first digit on.
 *
 * @returns `undefined` if the line has another form.
 */
export function readRegionLine(text: string): RegionLine | undefined {
  const match = LINE.exec(text);
  if (match === null) return undefined;
  const [, start, end, priority, nonvolatile, type, rest] = match;
  return {
    start: fromHex16(start!),
    end: fromHex16(end!),
    priority: Number(priority),
    nonvolatile: nonvolatile !== undefined,
    type: type as MtreeType,
    rest: rest!,
  };
}

/** Splits the owners that `-o` appended from the end of a line. */
export function takeOwners(text: string): { rest: string; owners: RegionOwners } {
  const match = OWNER.exec(text);
  if (match === null) return { rest: text, owners: {} };
  const owner = match[1];
  const parent = match[2] ?? match[3];
  return {
    rest: text.slice(0, match.index),
    owners: { ...(owner === undefined ? {} : { owner }), ...(parent === undefined ? {} : { parent }) },
  };
}
