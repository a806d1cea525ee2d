import { bytes, hex, overlaps, type Range } from '../address/index.ts';
import { errnoName } from '../host/index.ts';
import type { Violation } from '../invariants/index.ts';
import {
  isMemory,
  isSettled,
  type Step,
  type Trace,
  type TraceMapping,
  type TraceRange,
} from '../trace/index.ts';
import { refusalOf, skipOf } from './dma-requests.ts';
import { alignedLines } from './table.ts';
import { wrap } from './wrap.ts';

interface Row {
  readonly place: Range;
  readonly what: string;
  readonly cpu: string;
  readonly dma: string;
  readonly marked: boolean;
}

/**
 * The part of the memory map that a violation is about, as a table for people: the regions, how the CPU
 * accesses them, how devices access them by DMA, and which of them the violation is about.
 *
 * @param width the longest line, in characters. Where a table would be wider, each region has lines of its own.
 */
export function drawMemoryMap(trace: Trace, violation: Violation, width = Infinity): string[] {
  const index = Math.min(violation.step, trace.steps.length - 1);
  const step = trace.steps[index];
  if (step === undefined) return [];
  const ranges = new Set([...interesting(step.state.flatView, trace), ...touched(step, violation)]);
  const rows = [...ranges]
    .toSorted((a, b) => (a.start < b.start ? -1 : 1))
    .map((range) => describe(range, index, trace, violation));
  const missing =
    violation.at !== undefined && !rows.some(({ marked }) => marked) ? [nothingAt(violation.at, step)] : [];
  const sorted = [...rows, ...missing].toSorted((a, b) => (a.place.start < b.place.start ? -1 : 1));
  const wide = layOut(sorted);
  return wide.every((line) => line.length <= width) ? wide : sorted.flatMap((row) => linesOf(row, width));
}

/** The ranges of devices and of regions that the scenario adds; the machine's own ranges are left out. */
function interesting(view: readonly TraceRange[], trace: Trace): TraceRange[] {
  const overlays = new Set(
    trace.scenario.operations.flatMap((operation) => (operation.op === 'add-region' ? [operation.name] : [])),
  );
  return view.filter(({ region }) => region.owner !== undefined || overlays.has(region.name));
}

function touched({ state }: Step, { at }: Violation): TraceRange[] {
  return at === undefined ? [] : state.flatView.filter((range) => overlaps(range, at));
}

function describe(range: TraceRange, index: number, trace: Trace, { at }: Violation): Row {
  const { region } = range;
  const step = trace.steps[index]!;
  const owner = region.owner === undefined || region.name.startsWith(region.owner) ? '' : `${region.owner} `;
  const offset = range.offset === 0n ? '' : ` @${hex(range.offset)}`;
  return {
    place: range,
    what: `${owner}${region.name}${offset}`,
    cpu:
      trace.hidesMemslots === true && isMemory(range)
        ? UNSEEN
        : cpuAccess(range, step, isSettled(trace, index)),
    dma: dmaAccess(range, index, trace),
    marked: at !== undefined && overlaps(range, at),
  };
}

/** The target shows no memslots: whether the guest reaches the bytes without an exit is not known. */
const UNSEEN = 'not seen';

function cpuAccess(range: TraceRange, step: Step, settled: boolean): string {
  const slots = step.state.memslots.filter(({ gpa, size }) =>
    overlaps(range, { start: gpa, end: gpa + size }),
  );
  if (slots.length > 0) {
    const covered = slots.some(({ gpa, size }) => gpa <= range.start && range.end <= gpa + size);
    return covered ? 'direct' : 'direct in part';
  }
  // The KVM listener may run after the listener in which the VMM died: the slot might have been made later.
  return !settled && isMemory(range) ? '-' : 'trapped';
}

function dmaAccess(range: TraceRange, index: number, trace: Trace): string {
  if (!isMemory(range)) return '-';
  const step = trace.steps[index]!;
  const { state } = step;
  const everywhere = state.containers.map(({ mappings }) => coverage(range, mappings));
  if (everywhere.length > 0 && everywhere.every((covered) => covered === 'whole')) return 'mapped';
  const refused = refusalOf(range, step);
  if (refused !== undefined) return `refused, ${errnoName(refused.errno)}`;
  const mapping = state.containers.filter((_, at) => everywhere[at] !== 'none').map(({ name }) => name);
  if (mapping.length > 0) {
    return mapping.length === state.containers.length
      ? 'mapped in part'
      : `mapped only for ${mapping.join(', ')}`;
  }
  const skip = skipOf(range, index, trace);
  return skip === undefined ? 'not mapped' : `skipped, ${skip.reason}`;
}

function coverage(range: Range, mappings: readonly TraceMapping[]): 'whole' | 'part' | 'none' {
  const touching = mappings.filter(({ iova, size }) => overlaps(range, { start: iova, end: iova + size }));
  if (touching.length === 0) return 'none';
  const isWhole = touching.some(({ iova, size }) => iova <= range.start && range.end <= iova + size);
  return isWhole ? 'whole' : 'part';
}

/** A row for the addresses of the violation where the flat view has no range. */
function nothingAt(place: Range, { state }: Step): Row {
  const container = state.containers.find(({ mappings }) =>
    mappings.some(({ iova, size }) => overlaps(place, { start: iova, end: iova + size })),
  );
  return { place, what: '(nothing)', cpu: '-', dma: container === undefined ? '-' : 'mapped', marked: true };
}

const HEADINGS = ['address', 'size', 'what', 'CPU', 'DMA'] as const;
const SIZE_COLUMN = HEADINGS.indexOf('size');

const addresses = ({ start, end }: Range): string => `${hex(start)}-${hex(end - 1n)}`;

/** Marks what the violation is about. */
const MARK = '   <--';

/** A row of the table in lines of its own, for a narrow terminal. */
const linesOf = ({ place, what, cpu, dma, marked }: Row, width: number): string[] => [
  `${addresses(place)}${marked ? MARK : ''}`,
  ...[`${bytes(place.end - place.start)}  ${what}`, `CPU ${cpu}, DMA ${dma}`].flatMap((text) =>
    wrap(text, width - 2, 2).map((line) => `  ${line}`),
  ),
];

function layOut(rows: readonly Row[]): string[] {
  if (rows.length === 0) return [];
  const cells = rows.map(({ place, what, cpu, dma }) => [
    addresses(place),
    bytes(place.end - place.start),
    what,
    cpu,
    dma,
  ]);
  const [headings, ...lines] = alignedLines([HEADINGS, ...cells], [SIZE_COLUMN]);
  return [headings!, ...lines.map((line, index) => (rows[index]!.marked ? line + MARK : line))];
}
