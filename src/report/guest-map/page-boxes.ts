import { bytes, alignDown, alignUp, type Range, type Size } from '../../address/index.ts';
import type { MapBox } from './guest-map.ts';

/**
 * The pages that the ranges touch. A page that a border cuts is a box of its own; whole pages between two borders are
 * one box.
 *
 * @param pageSize in bytes, a power of two.
 * @param name what the pages are called: `host page`.
 */
export function pageBoxes(ranges: readonly Range[], pageSize: Size, name: string): readonly MapBox[] {
  const cut = new Set<bigint>();
  const borders = new Set<bigint>();
  for (const { start, end } of ranges) {
    for (const border of [start, end]) {
      if (border % pageSize !== 0n) cut.add(alignDown(border, pageSize));
      borders.add(alignDown(border, pageSize)).add(alignUp(border, pageSize));
    }
  }
  const sorted = [...borders].toSorted((a, b) => (a < b ? -1 : 1));
  const boxes: MapBox[] = [];
  for (const [index, start] of sorted.slice(0, -1).entries()) {
    const end = sorted[index + 1]!;
    if (!ranges.some((range) => range.start < end && start < range.end)) continue;
    const pages = (end - start) / pageSize;
    const isCut = cut.has(start);
    const what = pages === 1n ? `${name} of ${bytes(pageSize)}` : `${pages} ${name}s of ${bytes(pageSize)}`;
    boxes.push({
      start,
      end,
      label: isCut ? `${what}, cut` : what,
      kind: isCut ? 'split page' : 'page',
    });
  }
  return boxes;
}
