import {
  form11,
  rangeType,
  rebuildTree,
  type FlatViewText,
  type MtreeText,
  type RebuildOptions,
} from '../../memory/index.ts';
import type { ViewRange } from '../../model/index.ts';

/** A flat view under the names of its address spaces. */
export interface NamedView {
  readonly spaces: readonly string[];
  readonly ranges: readonly ViewRange[];
  /** Whether `info mtree -f` printed the view, or the tree was rendered. */
  readonly source: 'flat' | 'tree';
}

/** The views of `info mtree -f`. */
export const printedViews = (views: readonly FlatViewText[]): readonly NamedView[] =>
  views.map(({ spaces, ranges }) => ({
    spaces: spaces.map(({ name }) => name),
    source: 'flat',
    ranges: ranges.map(({ start, end, name, type, offset }) => ({
      start,
      end: end + 1n,
      name,
      type,
      offset,
    })),
  }));

/** The views that the tree of `info mtree` renders to. Spaces with the same ranges are one view. */
export function renderedViews(tree: MtreeText, options: RebuildOptions = {}): readonly NamedView[] {
  const { topology } = rebuildTree(tree, options);
  const views = new Map<string, { spaces: string[]; ranges: readonly ViewRange[] }>();
  for (const space of topology.addressSpaces) {
    const ranges = space.view.ranges.map((range): ViewRange => ({
      start: range.start,
      end: range.end,
      name: range.region.name,
      type: rangeType(range, form11),
      offset: range.offset,
    }));
    const key = ranges.map(({ start, end, name, offset }) => `${start}-${end} ${name} ${offset}`).join('\n');
    const known = views.get(key);
    if (known === undefined) views.set(key, { spaces: [space.name], ranges });
    else known.spaces.push(space.name);
  }
  return [...views.values()].map(({ spaces, ranges }) => ({
    spaces,
    ranges,
    source: 'tree',
  }));
}

/** The space by which people know a view: `memory`, or else the first. */
export const spaceOf = ({ spaces }: NamedView): string | undefined =>
  spaces.includes('memory') ? 'memory' : spaces[0];

/** The view that CPUs and devices see: that of the space `memory`, or else the one with the most ranges. */
export function memoryView(views: readonly NamedView[]): NamedView | undefined {
  const named = views.find(({ spaces }) => spaces.includes('memory'));
  if (named !== undefined) return named;
  const others = views.filter(({ spaces, ranges }) => !spaces.includes('I/O') && ranges.length > 0);
  return others.toSorted((a, b) => b.ranges.length - a.ranges.length)[0];
}
