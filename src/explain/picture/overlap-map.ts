import { hex } from '../../address/index.ts';
import type { GuestMap, MapBox, MapMark } from '../../report/index.ts';
import type { ViewRange } from '../../model/index.ts';
import type { NamedView } from '../mtree/view-ranges.ts';

const MOST_OVERLAPS = 6;

/** The ranges of a view that overlap, with the bytes that both claim; `undefined` where none do. */
export function overlapMap({ ranges, spaces }: NamedView): GuestMap | undefined {
  const pairs = ranges.flatMap((range, index): [ViewRange, ViewRange][] => {
    const next = ranges[index + 1];
    return next !== undefined && next.start < range.end ? [[range, next]] : [];
  });
  if (pairs.length === 0) return undefined;
  const shown = pairs.slice(0, MOST_OVERLAPS);
  const box = ({ start, end, name, type }: ViewRange): MapBox => ({
    start,
    end,
    label: `${name} (${type})`,
    kind: type === 'ramd' ? 'direct' : type === 'ram' || type === 'rom' ? 'ram' : 'trapped',
  });
  const marks = shown.flatMap(([first, second]): MapMark[] => {
    const start = first.start > second.start ? first.start : second.start;
    const end = first.end < second.end ? first.end : second.end;
    return start < end
      ? [{ start, end, label: `two ranges claim ${hex(start)}-${hex(end - 1n)}`, tone: 'wrong' }]
      : [];
  });
  return {
    title: `The view of ${spaces[0] ?? 'memory'}: ranges overlap`,
    text: ['The ranges of a flat view are disjoint; of these QEMU can have printed only one.'],
    columns: [
      { title: 'a range', subtitle: 'of the view', boxes: shown.map(([first]) => box(first)) },
      { title: 'the next range', subtitle: 'of the view', boxes: shown.map(([, second]) => box(second)) },
    ],
    marks,
  };
}
