import { hex } from '../../src/address/index.ts';
import type { FlatRange, MemoryRegion } from '../../src/memory/index.ts';
import { expect } from 'vitest';

export type Ranges = readonly FlatRange[];
/** The flat ranges of an address space, and the region from which they were rendered. */
export interface View {
  readonly root: MemoryRegion | undefined;
  readonly ranges: Ranges;
}

/** Whether a listener must take two flat ranges for the same: written from memory fact 2.7, not from the code. */
export const same = (a: FlatRange, b: FlatRange): boolean =>
  a.region === b.region &&
  a.start === b.start &&
  a.end === b.end &&
  a.offset === b.offset &&
  a.romdMode === b.romdMode &&
  a.readonly === b.readonly &&
  a.nonvolatile === b.nonvolatile &&
  a.unmergeable === b.unmergeable;

export const text = ({
  start,
  end,
  region,
  offset: at,
  readonly,
  nonvolatile,
  unmergeable,
  romdMode,
}: FlatRange): string =>
  `${hex(start)}-${hex(end)} ${region.name}+${hex(at)} ${[readonly, nonvolatile, unmergeable, romdMode].map(Number).join('')}`;
/** The text with the attributes that `info mtree` prints, but that no listener is notified of. */
export const fullText = (range: FlatRange): string => `${text(range)} ${range.priority} ${range.contained}`;

export function expectRanges(actual: Ranges, expected: Ranges, what: string): void {
  if (actual.length === expected.length && actual.every((range, index) => same(range, expected[index]!)))
    return;
  expect(actual.map(text), what).toEqual(expected.map(text));
  throw new Error(`${what}: not the same`);
}

/** The region from which a space with this root is rendered: written from memory fact 2.8, not from the code. */
export function effectiveRoot(root: MemoryRegion): MemoryRegion | undefined {
  if (!root.enabled) return undefined;
  if (root.alias !== undefined) {
    const { region: target, offset: from } = root.alias;
    return from === 0n && root.size >= target.size ? effectiveRoot(target) : root;
  }
  if (root.kind !== 'container') return root;
  const [child, another] = root.subregions.filter(({ enabled }) => enabled);
  if (child === undefined) return undefined;
  const whole = child.address === 0n && child.size <= root.size;
  return another === undefined && whole ? effectiveRoot(child) : root;
}
