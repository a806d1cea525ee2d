import { hex, type Range } from '../address/index.ts';
import type { TraceRange, TraceRegion } from '../trace/index.ts';

/** `[0x1000, 0x2fff]`: both ends inclusive, as in `info mtree`. */
export const span = ({ start, end }: Range): string => `[${hex(start)}, ${hex(end - 1n)}]`;

/** The addresses from `start` on. */
export const rangeFrom = (start: bigint, size: bigint): Range => ({ start, end: start + size });

/** The same for a start and a size. */
export const spanOf = (start: bigint, size: bigint): string => span({ start, end: start + size });

/** A region in a sentence: its name, and its owner where the name does not tell. */
export const regionName = ({ name, owner }: TraceRegion): string =>
  owner === undefined || name.startsWith(owner) ? `"${name}"` : `"${name}" of ${owner}`;

/** A flat range in a sentence. */
export const rangeText = (range: TraceRange): string => `${span(range)} ${regionName(range.region)}`;
