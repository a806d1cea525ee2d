import { mtreeTypes, type MtreeType } from './region-type.ts';

/** What the lines of `info mtree` and `info mtree -f` have in common. */
export interface RegionLine {
  readonly start: bigint;
  readonly end: bigint;
  readonly priority: number;
  readonly nonvolatile: boolean;
  readonly type: MtreeType;
  /** Everything behind the colon. */
  readonly rest: string;
}

/** What `-o` says of the objects that a region belongs to. */
export interface RegionOwners {
  readonly owner?: string;
  readonly parent?: string;
}

/** Names the parts of a region's line, for error messages. */
export const REGION_LINE = `"START-END (prio N, TYPE): NAME" with TYPE one of ${mtreeTypes.join(', ')}`;

const LINE = new RegExp(
  `^([0-9a-f]{16})-([0-9a-f]{16}) \\(prio (-?\\d+), (nv-)?(${mtreeTypes.join('|')})\\): (.*)$`,
  's',
);
/** `-o`: ` owner:{…}`, ` parent:{…}` where it is another object, ` orphan` without either (mtree_print_mr_owner). */
const OWNER = / (?:orphan|owner:\{([^{}]*)\}(?: parent:\{([^{}]*)\})?|parent:\{([^{}]*)\})$/;

/** The number that sixteen digits stand for. */
export const fromHex16 = (digits: string): bigint => BigInt(`0x${digits}`);

/**
 * Reads a region's line from its first digit on.
 *
 * @returns nothing when the line has another form.
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

/** Takes what `-o` appended off the end of a line. */
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
