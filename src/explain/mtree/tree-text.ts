import type { MtreeLine } from './mtree-line.ts';

type Region = Extract<MtreeLine, { kind: 'region' }>;

/** Trees under one heading or several. */
interface Section {
  readonly headings: readonly string[];
  readonly regions: readonly Region[];
}

const RANGE = /^([0-9a-f]{16})-([0-9a-f]{16})/;
const MARKER = '[DETECTED OVERFLOW!] ';
const ZERO = '0000000000000000-';
/** The range of a root that the text does not show. */
const WHOLE = '0000000000000000-ffffffffffffffff (prio 0, i/o): (not shown)';

/** The text that QEMU prints for these lines of trees, with the indents in order, and what was assumed. */
export function treeText(lines: readonly MtreeLine[]): {
  readonly text: string;
  readonly notes: readonly string[];
} {
  const notes = new Set<string>();
  const text = sectionsOf(lines)
    .filter(({ regions }) => regions.length > 0)
    .map(({ headings, regions }) => {
      const names = headings.length === 0 ? ['address-space: (fragment)'] : headings;
      const levels = levelsOf(regions, notes);
      // QEMU's roots begin at 0: another one is a part of a tree, and its place would be lost.
      const isPart = headings.length === 0 && !regions[0]!.text.startsWith(ZERO);
      const needsRoot = isPart || levels.filter((level) => level === 1).length > 1;
      if (needsRoot && headings.length > 0) notes.add('a tree has several roots: its own root is not shown');
      const body = regions.map(
        ({ text: region, markers }, index) =>
          `${MARKER.repeat(markers)}${'  '.repeat(levels[index]! + Number(needsRoot))}${region}`,
      );
      return [...names, ...(needsRoot ? [`  ${WHOLE}`] : []), ...body, ''].join('\n');
    })
    .join('\n');
  return { text: `${text}\n`, notes: [...notes] };
}

function sectionsOf(lines: readonly MtreeLine[]): readonly Section[] {
  const sections: { headings: string[]; regions: Region[] }[] = [];
  for (const line of lines) {
    const last = sections.at(-1);
    if (line.kind === 'region') {
      if (last === undefined) sections.push({ headings: [], regions: [line] });
      else last.regions.push(line);
      continue;
    }
    if (line.kind !== 'space' && line.kind !== 'section') continue;
    const heading = `${line.kind === 'space' ? 'address-space' : 'memory-region'}: ${line.name}`;
    // QEMU 7.0 and later write the names of spaces with one tree above one another.
    const isGroup =
      line.kind === 'space' &&
      last?.regions.length === 0 &&
      last.headings.at(-1)?.startsWith('address-space');
    if (isGroup === true) last!.headings.push(heading);
    else sections.push({ headings: [heading], regions: [] });
  }
  return sections;
}

/** The level of each line, from 1. */
function levelsOf(regions: readonly Region[], notes: Set<string>): readonly number[] {
  const least = regions.reduce((found, { indent }) => Math.min(found, indent), Infinity);
  const deepest = regions.reduce((found, { indent }) => Math.max(found, indent), 0);
  if (deepest > least) {
    const step = stepOf(regions, least);
    return withoutLeaps(regions.map(({ indent }) => 1 + Math.round((indent - least) / step)));
  }
  if (regions.length === 1 || areDisjoint(regions)) return regions.map(() => 1);
  notes.add('the indent is lost: which region lies in which is concluded from the addresses');
  return levelsByAddress(regions);
}

/** Blanks of a level: two in QEMU's text, and another number after an editor or a mail program. */
function stepOf(regions: readonly Region[], least: number): number {
  const depths = regions.map(({ indent }) => indent - least).filter((depth) => depth > 0);
  const smallest = depths.reduce((found, depth) => Math.min(found, depth), Infinity);
  return depths.every((depth) => depth % 2 === 0) && smallest <= 2 ? 2 : smallest;
}

/**
 * A first line deeper than level 1 cannot be: then its depth counts as 1. A line above that depth begins another part of
 * the tree, and the lines below count from there: writers cut several parts out of one dump.
 */
function withoutLeaps(levels: readonly number[]): readonly number[] {
  let base = levels[0]!;
  return levels.map((level) => {
    base = Math.min(base, level);
    return level - base + 1;
  });
}

const rangeOf = ({ text }: Region): { start: bigint; end: bigint } => {
  const match = RANGE.exec(text);
  return { start: BigInt(`0x${match?.[1] ?? '0'}`), end: BigInt(`0x${match?.[2] ?? '0'}`) };
};

function areDisjoint(regions: readonly Region[]): boolean {
  let last = -1n;
  return regions.every((region) => {
    const { start, end } = rangeOf(region);
    const isBehind = start > last;
    last = end;
    return isBehind;
  });
}

/**
 * A line lies in the nearest region above that contains it. Siblings stand by rising address (memory fact 8.6): a
 * line that begins before the last child of a region is no child of that region.
 */
function levelsByAddress(regions: readonly Region[]): readonly number[] {
  const open: { start: bigint; end: bigint; lastChild: bigint; isAlias: boolean }[] = [];
  return regions.map((region) => {
    const { start, end } = rangeOf(region);
    while (open.length > 1 && !fits(open.at(-1)!, start, end)) open.pop();
    if (open.length === 1 && !fits(open[0]!, start, end)) open.pop();
    const container = open.at(-1);
    if (container !== undefined) container.lastChild = start;
    open.push({ start, end, lastChild: start, isAlias: / alias /.test(region.text) });
    return open.length;
  });
}

const fits = (
  container: { start: bigint; end: bigint; lastChild: bigint; isAlias: boolean },
  start: bigint,
  end: bigint,
): boolean =>
  !container.isAlias && start >= container.start && end <= container.end && start >= container.lastChild;
