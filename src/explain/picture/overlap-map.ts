import { hex, intersection } from '../../address/index.ts';
import type { GuestMap, MapMark } from '../../report/index.ts';
import { overlappingPairs } from '../mtree/check-view.ts';
import type { NamedView } from '../mtree/view-ranges.ts';
import { viewBox } from './view-box.ts';

const MOST_OVERLAPS = 6;

/** The ranges of a view that overlap, with the bytes that both claim; `undefined` where none do. */
export function overlapMap(view: NamedView): GuestMap | undefined {
  const pairs = overlappingPairs(view);
  if (pairs.length === 0) return undefined;
  const shown = pairs.slice(0, MOST_OVERLAPS);
  const marks = shown.flatMap(([first, second]): MapMark[] => {
    const both = intersection(first, second);
    if (both === undefined) return [];
    const label = `two ranges claim ${hex(both.start)}-${hex(both.end - 1n)}`;
    return [{ ...both, label, tone: 'wrong' }];
  });
  return {
    title: `The view of ${view.spaces[0] ?? 'memory'}: ranges overlap`,
    text: ['The ranges of a flat view are disjoint; of these QEMU can have printed only one.'],
    columns: [
      { title: 'a range', subtitle: 'of the view', boxes: shown.map(([first]) => viewBox(first)) },
      { title: 'the next range', subtitle: 'of the view', boxes: shown.map(([, second]) => viewBox(second)) },
    ],
    marks,
  };
}
