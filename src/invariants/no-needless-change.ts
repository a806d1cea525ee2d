import { alignDown, alignUp, firstEndingAbove, overlaps, type Range } from '../address/index.ts';
import type { Backing } from '../host/index.ts';
import { isCloudHypervisor } from '../scenario/index.ts';
import { sameMapping, type State, type StateChange, type Trace, type TraceRange } from '../trace/index.ts';
import type { DmaUnmapEvent, MemslotEvent, VmmEvent } from '../vfio/index.ts';
import { startInBar } from './bar-bytes.ts';
import { startOfBar } from './bar-in-system-memory.ts';
import { rangeFrom, spanOf } from './describe.ts';
import type { Examination, Invariant, Judge } from './invariant.ts';

/** Running DMA and vCPUs must not lose memory for a moment because something else has changed. */
export const noNeedlessChange: Invariant = {
  id: 'no-needless-change',
  clause:
    'a range that is the same before and after an operation is not unmapped, mapped anew or without a memslot in ' +
    'between, and a guest that asks for the size of a 32-bit BAR has nothing mapped at the address of all ones',
  severity: 'error',
  site: 'system/memory.c: address_space_update_topology_pass; accel/kvm/kvm-all.c: kvm_region_commit',
  start: (trace, examination) => new KeptRanges(trace, examination),
};

const END_OF_32_BITS = 1n << 32n;

/** The guest's writes besides those to BARs. */
const SWITCHES: readonly string[] = ['enable-memory', 'disable-memory', 'enable-msix', 'disable-msix'];

class KeptRanges implements Judge {
  readonly #trace: Trace;
  readonly #examination: Examination;
  #events: (DmaUnmapEvent | MemslotEvent)[] = [];
  #stepOfEvents = -1;

  constructor(trace: Trace, examination: Examination) {
    this.#trace = trace;
    this.#examination = examination;
  }

  event(event: VmmEvent): void {
    const { step } = this.#examination;
    if (step !== this.#stepOfEvents) this.#events = [];
    this.#stepOfEvents = step;
    if (event.type === 'dma-unmap' || event.type === 'memslot') this.#events.push(event);
    if (event.type === 'dma-map' && event.errno === 0)
      this.#checkProbe(event.backing, event.iova, event.size);
    if (event.type === 'memslot' && event.errno === 0)
      this.#checkProbe(event.slot.backing, event.slot.gpa, event.slot.size);
  }

  /** All ones is what a guest writes to learn the size, and no address (pci fact 4.1): other memory may be there. */
  #checkProbe({ region, owner }: Backing, start: bigint, size: bigint): void {
    const { step } = this.#examination;
    const operation = this.#trace.steps[step]?.operation;
    if (operation?.op !== 'size-bar' || operation.device !== owner || size === 0n) return;
    const device = this.#trace.steps[step - 1]?.state.devices.find(({ id }) => id === owner);
    const bar = device?.bars.find(({ index }) => index === operation.bar);
    if (bar?.type !== 'mem32' || startInBar(bar, region) === undefined) return;
    // A small BAR below the end of the space may be stretched over the probe's address.
    const probed = END_OF_32_BITS - bar.size;
    if (bar.address === probed || start < probed || start >= END_OF_32_BITS) return;
    this.#examination.violate(
      'mapped-by-probe',
      () =>
        `the guest asks for the size of BAR ${bar.index} of ${owner}, and the VMM maps ${spanOf(start, size)} of it`,
      rangeFrom(start, size),
    );
  }

  step({ before }: StateChange, after: State): void {
    if (before === undefined || !this.#isOneChange(before)) return;
    // Without a change of the memory map there is no occasion to touch anything else.
    if (before.flatView !== after.flatView) this.#examination.exercised += before.memslots.length > 0 ? 1 : 0;
    if (this.#stepOfEvents !== this.#examination.step) return;
    for (const event of this.#events) {
      if (event.type === 'memslot') this.#checkSlot(event, before, after);
      else this.#checkUnmap(event, before, after);
    }
  }

  /**
   * Whether a BAR that came, left or moved shares a page with the range. Such a BAR may hide the range for a moment:
   * QEMU first maps a small BAR with the length of a page, and then shortens the BAR.
   */
  #isNearChange(range: Range, before: State, after: State): boolean {
    const { pages, scenario } = this.#trace;
    const page = pages.host;
    return [before, after].some((state) => {
      const other = state === before ? after : before;
      return state.devices.some(({ id, bars }) =>
        bars.some((bar) => {
          if (bar.address === undefined || bar.type === 'io') return false;
          const twin = other.devices
            .find((device) => device.id === id)
            ?.bars.find(({ index }) => index === bar.index);
          if (twin?.address === bar.address) return false;
          const start = startOfBar(bar, scenario);
          // Outside of the windows of the host bridge only devices may reach the BAR, at its bus address.
          if (start === undefined) return true;
          const stretched = bar.size > page ? bar.size : page;
          return overlaps(range, { start: alignDown(start, page), end: alignUp(start + stretched, page) });
        }),
      );
    });
  }

  /**
   * Whether the step is one change of the memory map. A 64-bit BAR that moves while it decodes, a BAR that is sized then,
   * and a reset are several changes, between which other memory may be hidden.
   */
  #isOneChange({ devices }: State): boolean {
    const { operation } = this.#trace.steps[this.#examination.step]!;
    if (operation.op === 'start' || operation.op === 'stop' || operation.op === 'reset') return false;
    // cloud-hypervisor makes all moves that have become pending at once.
    if (isCloudHypervisor(this.#trace) && SWITCHES.includes(operation.op)) return false;
    if (operation.op !== 'set-bar' && operation.op !== 'size-bar') return true;
    const device = devices.find(({ id }) => id === operation.device);
    const bar = device?.bars.find(({ index }) => index === operation.bar);
    if (operation.op === 'set-bar' && bar !== undefined && bar.type !== 'mem64') return true;
    return !this.#isDecoding(operation.device);
  }

  /** Whether the guest has memory of the device enabled before the step. */
  #isDecoding(device: string): boolean {
    for (let step = this.#examination.step - 1; step > 0; step--) {
      const { operation } = this.#trace.steps[step]!;
      if (operation.op === 'reset') return false;
      if (!('device' in operation) || operation.device !== device) continue;
      if (operation.op === 'enable-memory') return true;
      if (operation.op === 'disable-memory' || operation.op === 'hotplug') return false;
    }
    return false;
  }

  #checkUnmap({ container, iova, size, unmapped }: DmaUnmapEvent, before: State, after: State): void {
    if (unmapped === 0n) return;
    const of = ({ containers }: State) => containers.find(({ name }) => name === container)?.mappings ?? [];
    const now = of(after);
    for (const mapping of of(before)) {
      if (!overlaps(rangeFrom(mapping.iova, mapping.size), rangeFrom(iova, size))) continue;
      if (!now.some((other) => sameMapping(mapping, other))) continue;
      const shown = shownInBoth(before.dmaView, after.dmaView, mapping.iova);
      if (shown === undefined || this.#isNearChange(shown, before, after)) continue;
      this.#examination.violate(
        'remapped',
        () =>
          `${spanOf(mapping.iova, mapping.size)} of "${mapping.backing.region}" is unmapped from ${container} ` +
          'and mapped again, although it is the same before and after',
        rangeFrom(mapping.iova, mapping.size),
      );
    }
  }

  #checkSlot({ slot, errno }: MemslotEvent, before: State, after: State): void {
    if (slot.size !== 0n || errno !== 0) return;
    const old = before.memslots.find(({ gpa }) => gpa === slot.gpa);
    const now = after.memslots.find(({ gpa }) => gpa === slot.gpa);
    if (old === undefined || now === undefined || old.size !== now.size) return;
    if (old.hostAddress !== now.hostAddress || old.readonly !== now.readonly) return;
    // The slot may begin behind the range, at the next host page: the range itself decides.
    const shown = shownInBoth(before.flatView, after.flatView, old.gpa);
    if (shown === undefined || this.#isNearChange(shown, before, after)) return;
    this.#examination.violate(
      'slot-replaced',
      () =>
        `the memslot ${spanOf(old.gpa, old.size)} of "${old.backing.region}" is deleted and made again, although it is ` +
        'the same before and after',
      rangeFrom(old.gpa, old.size),
    );
  }
}

/** The range at the address, if both views show the same one by value: a VMM may render equal ranges anew. */
function shownInBoth(
  before: readonly TraceRange[],
  after: readonly TraceRange[],
  address: bigint,
): TraceRange | undefined {
  const [old, now] = [before, after].map((view) => view[firstEndingAbove(view, address)]);
  const isSame =
    old !== undefined &&
    now !== undefined &&
    old.start === now.start &&
    old.end === now.end &&
    old.offset === now.offset &&
    old.region.name === now.region.name &&
    old.region.owner === now.region.owner &&
    old.readonly === now.readonly &&
    old.nonvolatile === now.nonvolatile &&
    old.unmergeable === now.unmergeable &&
    old.romdMode === now.romdMode;
  return isSame ? old : undefined;
}
