import { hex, overlaps, type Range } from '../address/index.ts';
import { errnoName } from '../host/index.ts';
import type { Violation } from '../invariants/index.ts';
import type { Step, Trace, TraceRange } from '../target/trace.ts';
import { bytes } from './bytes.ts';

interface Row {
  readonly place: Range;
  readonly what: string;
  readonly cpu: string;
  readonly dma: string;
  readonly marked: boolean;
}

/**
 * The part of the memory map that a violation is about, as a table for people: what lies where, how
 * the CPU gets at it, how devices do, and which lines are wrong.
 */
export function drawMemoryMap(trace: Trace, violation: Violation): string[] {
  const index = Math.min(violation.step, trace.steps.length - 1);
  const step = trace.steps[index];
  if (step === undefined) return [];
  const ranges = new Set([...interesting(step.state.flatView, trace), ...touched(step, violation)]);
  const rows = [...ranges]
    .toSorted((a, b) => (a.start < b.start ? -1 : 1))
    .map((range) => describe(range, step, trace, violation));
  const lost =
    violation.at !== undefined && !rows.some(({ marked }) => marked) ? [nothingAt(violation.at, step)] : [];
  return layOut([...rows, ...lost].toSorted((a, b) => (a.place.start < b.place.start ? -1 : 1)));
}

/** What devices and operators put there; the rest of the machine is as it always is. */
function interesting(view: readonly TraceRange[], trace: Trace): TraceRange[] {
  const overlays = new Set(
    trace.scenario.operations.flatMap((operation) => (operation.op === 'add-region' ? [operation.name] : [])),
  );
  return view.filter(({ region }) => region.owner !== undefined || overlays.has(region.name));
}

function touched({ state }: Step, { at }: Violation): TraceRange[] {
  return at === undefined ? [] : state.flatView.filter((range) => overlaps(range, at));
}

function describe(range: TraceRange, step: Step, trace: Trace, { at }: Violation): Row {
  const { region } = range;
  const owner = region.owner === undefined || region.name.startsWith(region.owner) ? '' : `${region.owner} `;
  const offset = range.offset === 0n ? '' : ` @${hex(range.offset)}`;
  return {
    place: range,
    what: `${owner}${region.name}${offset}`,
    cpu: cpuAccess(range, step),
    dma: dmaAccess(range, step, trace),
    marked: at !== undefined && overlaps(range, at),
  };
}

function cpuAccess(range: TraceRange, { state }: Step): string {
  const slots = state.memslots.filter(({ gpa, size }) => overlaps(range, { start: gpa, end: gpa + size }));
  if (slots.length === 0) return 'trapped';
  const covered = slots.some(({ gpa, size }) => gpa <= range.start && range.end <= gpa + size);
  return covered ? 'direct' : 'direct in part';
}

function dmaAccess(range: TraceRange, { state, events }: Step, trace: Trace): string {
  const { kind } = range.region;
  if (kind !== 'ram' && kind !== 'ram-device') return '-';
  const refused = events.findLast(
    (event) =>
      event.type === 'dma-map' &&
      event.errno !== 0 &&
      overlaps(range, { start: event.iova, end: event.iova + event.size }),
  );
  if (refused?.type === 'dma-map') return `refused, ${errnoName(refused.errno)}`;
  const container = state.containers[0];
  const mappings = (container?.mappings ?? []).filter(({ iova, size }) =>
    overlaps(range, { start: iova, end: iova + size }),
  );
  if (mappings.length > 0) {
    const covered = mappings.some(({ iova, size }) => iova <= range.start && range.end <= iova + size);
    return covered ? 'mapped' : 'mapped in part';
  }
  const skip = trace.steps
    .flatMap((other) => other.events)
    .findLast((event) => event.type === 'skip' && event.start === range.start);
  return skip?.type === 'skip' ? `skipped, ${skip.reason}` : 'not mapped';
}

/** What the violation is about, where the memory map has nothing at all. */
function nothingAt(place: Range, { state }: Step): Row {
  const container = state.containers.find(({ mappings }) =>
    mappings.some(({ iova, size }) => overlaps(place, { start: iova, end: iova + size })),
  );
  return { place, what: '(nothing)', cpu: '-', dma: container === undefined ? '-' : 'mapped', marked: true };
}

const HEADINGS = ['address', 'size', 'what', 'CPU', 'DMA'] as const;

function layOut(rows: readonly Row[]): string[] {
  if (rows.length === 0) return [];
  const cells = rows.map(({ place, what, cpu, dma }) => [
    `${hex(place.start)}-${hex(place.end - 1n)}`,
    bytes(place.end - place.start),
    what,
    cpu,
    dma,
  ]);
  const widths = HEADINGS.map((heading, column) =>
    Math.max(heading.length, ...cells.map((row) => row[column]!.length)),
  );
  const line = (row: readonly string[], mark: string): string =>
    row
      .map((cell, column) => (column === 1 ? cell.padStart(widths[1]!) : cell.padEnd(widths[column]!)))
      .join('  ')
      .trimEnd() + mark;
  return [line(HEADINGS, ''), ...cells.map((row, index) => line(row, rows[index]!.marked ? '   <--' : ''))];
}
