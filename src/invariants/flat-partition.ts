import { END_OF_SPACE, firstEndingAbove, hex } from '../address/index.ts';
import type { Trace, TraceNode, TraceRange, TraceRegion } from '../trace/index.ts';
import { rangeText, regionName } from './describe.ts';
import type { Examination, Invariant } from './invariant.ts';
import { regionsAnswering } from './regions-answering.ts';
import { forEachChange } from './steps.ts';

/** The flat view gives every address to the region that a search of the region tree finds. */
export const flatPartition: Invariant = {
  id: 'flat-partition',
  clause:
    'flat ranges are sorted, disjoint, not empty and inside the address space; every address belongs to the ' +
    'region that a search by priority finds in the region tree',
  severity: 'error',
  site: 'system/memory.c: render_memory_region, flatview_simplify',
  check(trace, examination) {
    forEachChange(
      trace,
      (state, before) => state.flatView !== before.flatView || state.dmaView !== before.dmaView,
      (state, step) => {
        checkOrder(state.flatView, step, examination);
        if (state.dmaView !== state.flatView) checkOrder(state.dmaView, step, examination);
      },
    );
    checkOwners(trace, examination);
  },
};

function checkOrder(ranges: readonly TraceRange[], step: number, examination: Examination): void {
  let end = 0n;
  for (const range of ranges) {
    examination.exercised++;
    if (range.start < 0n || range.end > END_OF_SPACE) {
      examination.violate(
        'outside-space',
        step,
        () => `${rangeText(range)} extends beyond the 64-bit address space`,
      );
    }
    if (range.end <= range.start) {
      examination.violate('empty-range', step, () => `a flat range of ${regionName(range.region)} is empty`);
    }
    if (range.start < end) {
      examination.violate('not-disjoint', step, () => `${rangeText(range)} overlaps the flat range below it`);
    }
    end = range.end;
  }
}

/**
 * Compares the last flat view with a search of the region tree, at the edges of these ranges:
 * - flat ranges that the start of the machine did not have, and the gaps beside them;
 * - flat ranges that have disappeared since the start;
 * - mapped BARs, and the regions of devices.
 */
function checkOwners(trace: Trace, examination: Examination): void {
  const { tree, steps } = trace;
  const last = steps.at(-1);
  // A VMM that died in the middle of a change left a tree that was never rendered.
  if (tree === undefined || last === undefined || trace.outcome === 'aborted') return;
  const { flatView, devices } = last.state;
  const start = steps[0]!.state.flatView;
  const step = steps.length - 1;
  const addresses: bigint[] = [];
  const ranges: (TraceRange | undefined)[] = [];
  const compare = (address: bigint, range: TraceRange | undefined): void => {
    addresses.push(address);
    ranges.push(range);
  };
  for (let index = 0; index < flatView.length; index++) {
    const range = flatView[index]!;
    if (steps.length > 1 && start.includes(range)) continue;
    compare(range.start, range);
    compare(range.end - 1n, range);
    const above = flatView[index + 1]?.start ?? END_OF_SPACE;
    if ((flatView[index - 1]?.end ?? 0n) < range.start) compare(range.start - 1n, undefined);
    if (range.end < above) compare(range.end, undefined);
  }
  for (const range of start) {
    if (flatView.includes(range)) continue;
    compare(range.start, rangeAt(flatView, range.start));
    compare(range.end - 1n, rangeAt(flatView, range.end - 1n));
  }
  for (const { bars } of devices) {
    for (const { address, size } of bars) {
      if (address === undefined) continue;
      for (const edge of [address, address + size - 1n]) compare(edge, rangeAt(flatView, edge));
    }
  }
  forEachDeviceEdge(tree, 0n, 0n, END_OF_SPACE, (edge) => compare(edge, rangeAt(flatView, edge)));
  examination.exercised += addresses.length;
  const nameOf = (region: TraceRegion | undefined): string =>
    region === undefined ? 'no region' : regionName(region);
  const answers = regionsAnswering(tree, addresses);
  for (let index = 0; index < addresses.length; index++) {
    const found = answers[index];
    const range = ranges[index];
    if (found?.region === range?.region && found?.base === (range && range.start - range.offset)) continue;
    examination.violate(
      'wrong-owner',
      step,
      () =>
        `address ${hex(addresses[index]!)} belongs to ${nameOf(found?.region)} in the region tree, ` +
        `but to ${nameOf(range?.region)} in the flat view`,
    );
  }
}

/**
 * Visits the first and the last address of every region that a device owns, at each place where an alias shows it.
 *
 * @param base address of the node in the address space.
 * @param clipStart first address at which the nodes above show it.
 * @param clipEnd one past the last such address.
 */
function forEachDeviceEdge(
  { region, enabled, size, terminates, children, alias }: TraceNode,
  base: bigint,
  clipStart: bigint,
  clipEnd: bigint,
  visit: (edge: bigint) => void,
): void {
  if (!enabled || (children.length === 0 && alias === undefined && region.owner === undefined)) return;
  const start = base > clipStart ? base : clipStart;
  const end = base + size < clipEnd ? base + size : clipEnd;
  if (start >= end) return;
  if (alias !== undefined) {
    forEachDeviceEdge(alias.node, base - alias.offset, start, end, visit);
    return;
  }
  if (terminates && region.owner !== undefined) {
    visit(start);
    visit(end - 1n);
  }
  for (const child of children) forEachDeviceEdge(child, base + child.address, start, end, visit);
}

function rangeAt(ranges: readonly TraceRange[], address: bigint): TraceRange | undefined {
  const range = ranges[firstEndingAbove(ranges, address)];
  return range !== undefined && range.start <= address ? range : undefined;
}
