import { END_OF_SPACE, firstEndingAbove, joinRanges, type Range } from '../address/index.ts';
import type { Memslot } from '../host/index.ts';
import type { ContainerState, DeviceState, State, TraceMapping, TraceRange } from './state.ts';

/** What a sorted list has that it did not have before, and what it had. Both are in the order of their lists. */
export interface ListChange<T> {
  readonly added: readonly T[];
  readonly removed: readonly T[];
}

/** A container with other mappings than before. */
export interface ContainerChange extends ListChange<TraceMapping> {
  /** The container now; a container that was closed, as it was before. */
  readonly container: ContainerState;
  readonly kind: 'opened' | 'changed' | 'closed';
}

/** The devices that differ from those before. */
export interface DeviceChange {
  readonly plugged: readonly DeviceState[];
  /** Devices with a BAR at another place, or another state of MSI-X. */
  readonly changed: readonly DeviceState[];
  /**
   * Of both, those with BARs or MSI-X that they did not have before: all but devices of which only addresses, the
   * enable bit or the mask of MSI-X differ.
   */
  readonly reshaped: readonly DeviceState[];
  /** Ids of devices that are gone. */
  readonly unplugged: readonly string[];
}

/** What a change is made of. */
interface ChangeParts {
  readonly before: State | undefined;
  readonly after: State;
  readonly flatView: ViewChange;
  readonly dmaView: ViewChange;
  readonly containers: readonly ContainerChange[];
  readonly memslots: ListChange<Memslot>;
  readonly devices: DeviceChange;
}

/** How a state differs from the state before it. Of the first state of a trace everything is new. */
export class StateChange implements ChangeParts {
  /** The state before; `undefined` for the first state. */
  readonly before: State | undefined;
  readonly after: State;
  /** The flat view of system memory. */
  readonly flatView: ViewChange;
  /** The flat view of the address space for DMA; the same object as `flatView` where the views are. */
  readonly dmaView: ViewChange;
  /** The containers with other mappings: first those that are open, in their order in the state, then closed ones. */
  readonly containers: readonly ContainerChange[];
  readonly memslots: ListChange<Memslot>;
  readonly devices: DeviceChange;
  #remapped: readonly TraceRange[] | undefined;
  #reslotted: readonly TraceRange[] | undefined;

  constructor({ before, after, flatView, dmaView, containers, memslots, devices }: ChangeParts) {
    this.before = before;
    this.after = after;
    this.flatView = flatView;
    this.dmaView = dmaView;
    this.containers = containers;
    this.memslots = memslots;
    this.devices = devices;
  }

  /** The ranges of the view for DMA that may be new, or may have lost or got a mapping in some container. */
  get remapped(): readonly TraceRange[] {
    return (this.#remapped ??= this.#findRemapped());
  }

  #findRemapped(): readonly TraceRange[] {
    const { dmaView, containers } = this;
    if (containers.some(({ kind }) => kind === 'opened')) return dmaView.view;
    const mapped: Range[] = [];
    for (const { added, removed } of containers) {
      for (const { iova, size } of added) mapped.push({ start: iova, end: iova + size });
      for (const { iova, size } of removed) mapped.push({ start: iova, end: iova + size });
    }
    return dmaView.rangesAnd(mapped);
  }

  /** The ranges of the flat view that may be new, or may have lost or got a memslot. */
  get reslotted(): readonly TraceRange[] {
    return (this.#reslotted ??= this.#findReslotted());
  }

  #findReslotted(): readonly TraceRange[] {
    const { added, removed } = this.memslots;
    const slots: Range[] = [];
    for (const { gpa, size } of added) slots.push({ start: gpa, end: gpa + size });
    for (const { gpa, size } of removed) slots.push({ start: gpa, end: gpa + size });
    return this.flatView.rangesAnd(slots);
  }
}

/** Neighbouring ranges of a view, by index: those from `from` up to, but not including, `to`. */
export interface ViewPart {
  readonly from: number;
  readonly to: number;
}

const WHOLE_SPACE: readonly Range[] = [{ start: 0n, end: END_OF_SPACE }];

/** Where a flat view differs from the view before. */
export class ViewChange {
  /** The view now. */
  readonly view: readonly TraceRange[];
  /**
   * The addresses at which the views may differ: sorted, with a gap between any two. Each stretch covers whole ranges
   * of both views. Outside the stretches both views hold the same objects.
   */
  readonly stretches: readonly Range[];
  /** Whether any range may differ, also one outside the address space. */
  readonly isWhole: boolean;
  #parts: readonly ViewPart[] | undefined;
  #ranges: readonly TraceRange[] | undefined;

  /**
   * @param view sorted and disjoint, unless the change is whole.
   * @param stretches see `ViewChange.stretches`.
   */
  constructor(view: readonly TraceRange[], stretches: readonly Range[] | 'whole') {
    this.view = view;
    this.isWhole = stretches === 'whole';
    this.stretches = stretches === 'whole' ? WHOLE_SPACE : stretches;
  }

  /** Whether the view is the one before. */
  get isEmpty(): boolean {
    return this.stretches.length === 0;
  }

  /** The ranges of the view now that it may not have had before, as indexes. A stretch without ranges has an empty part. */
  get parts(): readonly ViewPart[] {
    return (this.#parts ??= this.isWhole
      ? [{ from: 0, to: this.view.length }]
      : partsIn(this.view, this.stretches));
  }

  /** The ranges of the view now that it may not have had before. */
  get ranges(): readonly TraceRange[] {
    return (this.#ranges ??= this.isWhole ? this.view : rangesOf(this.view, this.parts));
  }

  /**
   * The ranges of the view now that it may not have had before, and those with addresses in `others`.
   *
   * @param others not empty, in any order.
   */
  rangesAnd(others: readonly Range[]): readonly TraceRange[] {
    if (this.isWhole || others.length === 0) return this.ranges;
    return rangesOf(this.view, partsIn(this.view, joinRanges([...this.stretches, ...others])));
  }

  /** Whether the views may differ at one of `size` addresses from `start` on. */
  touches(start: bigint, size: bigint): boolean {
    if (this.isWhole) return true;
    for (const stretch of this.stretches) {
      if (stretch.end > start) return stretch.start < start + size;
    }
    return false;
  }
}

const NO_RANGES: readonly TraceRange[] = [];

/** The ranges of a view in the parts. */
export function rangesOf(view: readonly TraceRange[], parts: readonly ViewPart[]): readonly TraceRange[] {
  if (parts.length === 0) return NO_RANGES;
  const ranges: TraceRange[] = [];
  for (const { from, to } of parts) {
    for (let index = from; index < to; index++) ranges.push(view[index]!);
  }
  return ranges;
}

const NO_PARTS: readonly ViewPart[] = [];

/**
 * The ranges with addresses in the stretches, each range in one part.
 *
 * @param view sorted and disjoint.
 * @param stretches sorted, with a gap between any two.
 */
export function partsIn(view: readonly TraceRange[], stretches: readonly Range[]): readonly ViewPart[] {
  if (stretches.length === 0) return NO_PARTS;
  const parts: ViewPart[] = [];
  let above = 0;
  for (const { start, end } of stretches) {
    // One range may have addresses in several stretches.
    const from = Math.max(firstEndingAbove(view, start), above);
    above = from;
    while (above < view.length && view[above]!.start < end) above++;
    parts.push({ from, to: above });
  }
  return parts;
}
