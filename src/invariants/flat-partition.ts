import { END_OF_SPACE, firstEndingAbove, hex } from '../address/index.ts';
import type { Trace, TraceNode, TraceRange, TraceRegion } from '../trace/index.ts';
import { rangeText, regionName } from './describe.ts';
import type { Examination, Invariant } from './invariant.ts';
import { forEachChange } from './steps.ts';

/** The flat view says of every address what a search through the tree says. */
export const flatPartition: Invariant = {
  id: 'flat-partition',
  clause:
    'flat ranges are sorted, disjoint, non-empty, inside the space; every address belongs to the ' +
    'region that a point-wise priority search over the tree gives',
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
      examination.violate('outside-space', step, () => `${rangeText(range)} leaves the address space`);
    }
    if (range.end <= range.start) {
      examination.violate(
        'empty-range',
        step,
        () => `a range of ${regionName(range.region)} has no addresses`,
      );
    }
    if (range.start < end) {
      examination.violate(
        'not-disjoint',
        step,
        () => `${rangeText(range)} begins before the range below it ends`,
      );
    }
    end = range.end;
  }
}

/**
 * Asks the tree, after the last step, who answers at the edges of everything that was not there at
 * the start, of the gaps beside it, of everything that is gone since, and of the regions of devices.
 */
function checkOwners(trace: Trace, examination: Examination): void {
  const { tree, steps } = trace;
  const last = steps.at(-1);
  // Who died in the middle of a change left a tree that no view ever showed.
  if (tree === undefined || last === undefined || trace.outcome === 'aborted') return;
  const { flatView, devices } = last.state;
  const start = steps[0]!.state.flatView;
  const step = steps.length - 1;
  const ask = (address: bigint, range: TraceRange | undefined): void => {
    examination.exercised++;
    const found = regionAnswering(tree, address);
    const offset = range && range.offset + address - range.start;
    if (found?.region === range?.region && found?.offset === offset) return;
    const tells = found === undefined ? 'nothing' : regionName(found.region);
    const shows = range === undefined ? 'nothing' : regionName(range.region);
    examination.violate(
      'wrong-owner',
      step,
      () => `address ${hex(address)} belongs to ${tells}, but the flat view has ${shows}`,
    );
  };
  for (let index = 0; index < flatView.length; index++) {
    const range = flatView[index]!;
    if (steps.length > 1 && start.includes(range)) continue;
    ask(range.start, range);
    ask(range.end - 1n, range);
    const above = flatView[index + 1]?.start ?? END_OF_SPACE;
    if ((flatView[index - 1]?.end ?? 0n) < range.start) ask(range.start - 1n, undefined);
    if (range.end < above) ask(range.end, undefined);
  }
  for (const range of start) {
    if (flatView.includes(range)) continue;
    ask(range.start, rangeAt(flatView, range.start));
    ask(range.end - 1n, rangeAt(flatView, range.end - 1n));
  }
  for (const { bars } of devices) {
    for (const { address, size } of bars) {
      if (address === undefined) continue;
      for (const edge of [address, address + size - 1n]) ask(edge, rangeAt(flatView, edge));
    }
  }
  forEachDeviceEdge(tree, 0n, 0n, END_OF_SPACE, (edge) => ask(edge, rangeAt(flatView, edge)));
}

/** Visits the first and last addresses of the regions of devices, wherever windows and aliases show them. */
function forEachDeviceEdge(
  { region, enabled, size, terminates, children, alias }: TraceNode,
  base: bigint,
  clipStart: bigint,
  clipEnd: bigint,
  visit: (edge: bigint) => void,
): void {
  if (!enabled) return;
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

/** The region that answers at `address`, counted from the start of `node`: children first, best priority first. */
export function regionAnswering(
  node: TraceNode,
  address: bigint,
): { readonly region: TraceRegion; readonly offset: bigint } | undefined {
  if (!node.enabled || address >= node.size) return undefined;
  if (node.alias !== undefined) return regionAnswering(node.alias.node, address + node.alias.offset);
  for (const child of node.children) {
    if (address < child.address || address >= child.end) continue;
    const found = regionAnswering(child, address - child.address);
    if (found !== undefined) return found;
  }
  return node.terminates ? { region: node.region, offset: address } : undefined;
}

function rangeAt(ranges: readonly TraceRange[], address: bigint): TraceRange | undefined {
  const range = ranges[firstEndingAbove(ranges, address)];
  return range !== undefined && range.start <= address ? range : undefined;
}
