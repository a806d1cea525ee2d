import { hex, type Range } from '../address/index.ts';
import type { TraceRange, TraceRegion } from '../trace/index.ts';

/** A range as text, with inclusive ends as in `info mtree`: `[0x1000, 0x2fff]`. */
export const span = ({ start, end }: Range): string => `[${hex(start)}, ${hex(end - 1n)}]`;

/** The range of `size` bytes from `start` on. */
export const rangeFrom = (start: bigint, size: bigint): Range => ({ start, end: start + size });

/** The text of the range of `size` bytes from `start` on. */
export const spanOf = (start: bigint, size: bigint): string => span({ start, end: start + size });

/** A region as text: its name, and its owner where the name does not begin with it. */
export const regionName = ({ name, owner }: TraceRegion): string =>
  owner === undefined || name.startsWith(owner) ? `"${name}"` : `"${name}" of ${owner}`;

/** A flat range as text: its addresses and its region. */
export const rangeText = (range: TraceRange): string => `${span(range)} ${regionName(range.region)}`;
