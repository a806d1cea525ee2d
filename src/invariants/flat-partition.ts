import { END_OF_SPACE, firstEndingAbove, hex, joinRanges, type Range } from '../address/index.ts';
import {
  rangesOf,
  partsIn,
  type RangeAttributes,
  type Trace,
  type TraceNode,
  type TraceRange,
  type TraceRegion,
  type ViewChange,
  type ViewPart,
} from '../trace/index.ts';
import { rangeText, regionName } from './describe.ts';
import type { Examination, Invariant } from './invariant.ts';
import { regionsAnswering, type AnsweringRegion } from './regions-answering.ts';

/** The flat view gives every address to the region that a search of the region tree finds. */
export const flatPartition: Invariant = {
  id: 'flat-partition',
  clause:
    'flat ranges are sorted, disjoint, not empty and inside the address space; every address belongs to the ' +
    'region that a search by priority finds in the region tree, and has the attributes of the regions above it; a ' +
    'ROM device shows what the guest has chosen, its contents or its registers',
  severity: 'error',
  site: 'system/memory.c: render_memory_region, flatview_simplify',
  start(trace, examination) {
    const changed: Range[] = [];
    let isFirst = true;
    let isWhole = false;
    return {
      judgesUnsettled: true,
      step({ flatView, dmaView }) {
        checkOrder(flatView, examination);
        if (dmaView !== flatView) checkOrder(dmaView, examination);
        if (!isFirst) {
          changed.push(...flatView.stretches);
          isWhole ||= flatView.isWhole;
        }
        isFirst = false;
      },
      end: () => checkOwners(trace, isWhole ? undefined : joinRanges(changed), examination),
    };
  },
};

/** Checks the ranges that are new, and those right above them. */
function checkOrder({ view, parts }: ViewChange, examination: Examination): void {
  for (const { from, to } of parts) {
    let end = view[from - 1]?.end ?? 0n;
    for (let index = from; index <= to && index < view.length; index++) {
      const range = view[index]!;
      examination.exercised++;
      if (range.start < end || range.end <= range.start || range.end > END_OF_SPACE || range.start < 0n)
        reportOrder(range, end, examination);
      ({ end } = range);
    }
  }
}

/** @param end where the range below ends. */
function reportOrder(range: TraceRange, end: bigint, examination: Examination): void {
  if (range.start < 0n || range.end > END_OF_SPACE) {
    examination.violate('outside-space', () => `${rangeText(range)} extends beyond the 64-bit address space`);
  }
  if (range.end <= range.start) {
    examination.violate('empty-range', () => `a flat range of ${regionName(range.region)} is empty`);
  }
  if (range.start < end) {
    examination.violate('not-disjoint', () => `${rangeText(range)} overlaps the flat range below it`);
  }
}

/**
 * Compares the last flat view with a search of the region tree, at the edges of these ranges:
 * - flat ranges that the start of the machine did not have, and the gaps beside them;
 * - flat ranges that have disappeared since the start;
 * - mapped BARs, the regions of devices, ROM devices, and aliases of memory, which may be shown in another way.
 *
 * @param changed where the flat view has changed since the start; `undefined` where all of it may have.
 */
function checkOwners(trace: Trace, changed: readonly Range[] | undefined, examination: Examination): void {
  const { tree, steps } = trace;
  const last = steps.at(-1);
  // A VMM that died in the middle of a change left a tree that was never rendered.
  if (tree === undefined || last === undefined || trace.outcome === 'aborted') return;
  const { flatView, devices } = last.state;
  const start = steps.length > 1 ? steps[0]!.state.flatView : [];
  const edges = new Edges(flatView);
  const isWhole = changed === undefined || steps.length === 1;
  const before = isWhole ? start : rangesOf(start, partsIn(start, changed));
  const now = isWhole ? wholePart(flatView) : partsIn(flatView, changed);
  const [wasBefore, isNow] = [memberOf(before), memberOf(flatView)];
  for (const { from, to } of now) {
    for (let index = from; index < to; index++) if (!wasBefore(flatView[index]!)) edges.addWithGaps(index);
  }
  for (const range of before) if (!isNow(range)) edges.addBoth(range.start, range.end);
  for (const { bars } of devices) {
    for (const { address, size } of bars) if (address !== undefined) edges.addBoth(address, address + size);
  }
  forEachShownRange(tree, 0n, 0n, END_OF_SPACE, (first, end) => edges.addBoth(first, end));
  edges.compareWith(tree, examination);
}

/** From this length on a list is searched by a set. */
const MANY = 64;

/** Tells whether a list has an object. */
function memberOf<T>(list: readonly T[]): (member: T) => boolean {
  if (list.length < MANY) return (member) => list.includes(member);
  const members = new Set(list);
  return (member) => members.has(member);
}

const wholePart = ({ length }: readonly TraceRange[]): readonly ViewPart[] => [{ from: 0, to: length }];

/** Addresses at which a flat view is compared with the region tree. */
class Edges {
  readonly #view: readonly TraceRange[];
  readonly #addresses: bigint[] = [];
  /** The range of the view at each address; `undefined` where the view has none. */
  readonly #ranges: (TraceRange | undefined)[] = [];
  /** Whether both ends of a range of the view are among the addresses, by the index of the range. */
  readonly #isAdded: boolean[] = [];
  #lastStart: bigint | undefined;
  #lastEnd: bigint | undefined;

  /** @param view a flat view, sorted. */
  constructor(view: readonly TraceRange[]) {
    this.#view = view;
  }

  /** Adds the first and the last address of a range of the view, and those of the gaps beside the range. */
  addWithGaps(index: number): void {
    const range = this.#view[index]!;
    this.#isAdded[index] = true;
    this.#add(range.start, range);
    this.#add(range.end - 1n, range);
    const above = this.#view[index + 1]?.start ?? END_OF_SPACE;
    if ((this.#view[index - 1]?.end ?? 0n) < range.start) this.#add(range.start - 1n, undefined);
    if (range.end < above) this.#add(range.end, undefined);
  }

  /** Adds the first and the last address of `[start, end)`. A region and its only child have the same, one after the other. */
  addBoth(start: bigint, end: bigint): void {
    if (start === this.#lastStart && end === this.#lastEnd) return;
    this.#lastStart = start;
    this.#lastEnd = end;
    const index = firstEndingAbove(this.#view, start);
    const range = this.#view[index];
    if (this.#isAdded[index] === true && range?.start === start && range.end === end) return;
    this.#add(start, range !== undefined && range.start <= start ? range : undefined);
    this.#add(end - 1n, rangeAt(this.#view, end - 1n));
  }

  #add(address: bigint, range: TraceRange | undefined): void {
    this.#addresses.push(address);
    this.#ranges.push(range);
  }

  /** Reports the first address that belongs to another region in the tree than in the view. */
  compareWith(tree: TraceNode, examination: Examination): void {
    const addresses = this.#addresses;
    if (addresses.length === 0) return;
    examination.exercised += addresses.length;
    const answers = regionsAnswering(tree, addresses);
    for (let index = 0; index < addresses.length; index++) {
      const found = answers[index];
      const range = this.#ranges[index];
      if (found?.region === range?.region && found?.base === (range && range.start - range.offset)) {
        if (found === undefined || range === undefined) continue;
        if (reportsShown(addresses[index]!, found, range, examination)) return;
        continue;
      }
      examination.violate(
        'wrong-owner',
        () =>
          `address ${hex(addresses[index]!)} belongs to ${nameOf(found?.region)} in the region tree, ` +
          `but to ${nameOf(range?.region)} in the flat view`,
      );
      return;
    }
  }
}

/**
 * Reports that the view has the right region at an address, but shows it in another way.
 *
 * @returns whether there was something to report.
 */
function reportsShown(
  address: bigint,
  found: AnsweringRegion,
  range: TraceRange,
  examination: Examination,
): boolean {
  const at = `address ${hex(address)} of ${nameOf(found.region)}`;
  if (!hasSameAttributes(found.attributes, range)) {
    examination.violate(
      'wrong-attributes',
      () =>
        `${at} is ${attributesText(found.attributes)} in the region tree, but ${attributesText(range)} in the flat view`,
    );
    return true;
  }
  if (found.region.kind !== 'rom-device' || found.romdMode === range.romdMode) return false;
  const shows = (romdMode: boolean): string => (romdMode ? 'contents' : 'registers');
  examination.violate(
    'wrong-romd-mode',
    () =>
      `${at} shows the ${shows(found.romdMode)} of the ROM device in the region tree, but the ` +
      `${shows(range.romdMode)} in the flat view`,
  );
  return true;
}

const hasSameAttributes = (a: RangeAttributes, b: RangeAttributes): boolean =>
  a.readonly === b.readonly && a.nonvolatile === b.nonvolatile && a.unmergeable === b.unmergeable;

const attributesText = ({ readonly, nonvolatile, unmergeable }: RangeAttributes): string =>
  [
    readonly ? 'read-only' : 'writable',
    ...(nonvolatile ? ['nonvolatile'] : []),
    ...(unmergeable ? ['unmergeable'] : []),
  ].join(', ');

const nameOf = (region: TraceRegion | undefined): string =>
  region === undefined ? 'no region' : regionName(region);

/**
 * Visits the addresses of every region that a device owns and of every ROM device, at each place where an alias shows the
 * region, and those of every alias of memory.
 *
 * @param base address of the node in the address space.
 * @param clipStart first address at which the nodes above show it.
 * @param clipEnd one past the last such address.
 */
function forEachShownRange(
  { region, enabled, size, terminates, children, alias }: TraceNode,
  base: bigint,
  clipStart: bigint,
  clipEnd: bigint,
  visit: (start: bigint, end: bigint) => void,
): void {
  const isWanted = region.owner !== undefined || region.kind === 'rom-device';
  if (!enabled || (children.length === 0 && alias === undefined && !isWanted)) return;
  const start = base > clipStart ? base : clipStart;
  const end = base + size < clipEnd ? base + size : clipEnd;
  if (start >= end) return;
  if (alias !== undefined) {
    if (alias.node.terminates) visit(start, end);
    forEachShownRange(alias.node, base - alias.offset, start, end, visit);
    return;
  }
  if (terminates && isWanted) visit(start, end);
  for (const child of children) forEachShownRange(child, base + child.address, start, end, visit);
}

function rangeAt(ranges: readonly TraceRange[], address: bigint): TraceRange | undefined {
  const range = ranges[firstEndingAbove(ranges, address)];
  return range !== undefined && range.start <= address ? range : undefined;
}
