import { hex } from '../address/index.ts';
import type { Memslot } from '../host/index.ts';
import type { DeviceState, State, StateChange, Step, Trace, TraceRange } from '../trace/index.ts';
import type { MmapEvent, MunmapEvent, VmmEvent } from '../vfio/index.ts';
import { spanOf } from './describe.ts';
import type { Examination, Invariant, Judge } from './invariant.ts';
import { MemoryRegistrations } from './memory-registrations.ts';

/** A VMM that runs for months must not run out of slots, mappings or windows. */
export const resourcesBounded: Invariant = {
  id: 'resources-bounded',
  clause:
    'memslots, slot numbers, DMA mappings, DMA windows, containers and addresses that the VMM hands out do not grow ' +
    'with the number of plug, unplug, move or reset cycles: the same memory map needs no more than before; no mmap of ' +
    'a BAR outlives its device, and on sPAPR no registration of memory the RAM',
  severity: 'error',
  site: 'accel/kvm/kvm-all.c: kvm_get_free_slot; hw/vfio/spapr.c: vfio_spapr_container_del_section_window',
  start: (trace, examination) => new Resources(trace, examination),
};

/** How much of each resource is in use. */
interface Usage {
  readonly memslots: number;
  readonly mappings: number;
  readonly windows: number;
}

const RESOURCES = ['memslots', 'mappings', 'windows'] as const;

class Resources implements Judge {
  readonly #trace: Trace;
  readonly #examination: Examination;
  /** The first state with each memory map, and what it needed. */
  readonly #seen: { readonly state: State; readonly usage: Usage }[] = [];
  /** The windows of each container, by their start. */
  readonly #windows = new Map<string, Set<bigint>>();
  /** The numbers of the slots in use. */
  readonly #numbers = new Set<number>();
  /** The mmaps of BARs. */
  readonly #areas: MmapEvent[] = [];
  /** The most slots that were in use at once. */
  #peak = 0;
  /** Where the VMM has put BARs of devices, by these devices and those beside them. */
  readonly #addresses = new Map<string, string>();
  /** The step in which the guest first writes a BAR's register; 0 where the VMM places devices but once before. */
  readonly #movedFrom: number;
  readonly #registrations: MemoryRegistrations;
  /** The host may grant later what it has refused before. */
  #wasRefused = false;

  constructor(trace: Trace, examination: Examination) {
    this.#trace = trace;
    this.#examination = examination;
    this.#registrations = new MemoryRegistrations(examination);
    this.#movedFrom = endOfComparison(trace);
  }

  event(event: VmmEvent): void {
    this.#registrations.event(event);
    if (event.type === 'mmap' || event.type === 'munmap') this.#followArea(event);
    if (event.type === 'mmap' || !('errno' in event)) return;
    if (event.errno !== 0) {
      this.#wasRefused = true;
      return;
    }
    if (event.type === 'memslot') this.#follow(event.slot);
    if (event.type !== 'window-create' && event.type !== 'window-remove') return;
    const windows = this.#windows.get(event.container) ?? new Set();
    this.#windows.set(event.container, windows);
    if (event.type === 'window-create') windows.add(event.start);
    else windows.delete(event.start);
  }

  /** Follows the mmaps of BARs. */
  #followArea(event: MmapEvent | MunmapEvent): void {
    const at = this.#areas.findIndex((area) => isSameArea(area, event));
    if (event.type === 'munmap') {
      if (at >= 0) this.#areas.splice(at, 1);
    } else if (event.errno === 0 && at < 0) this.#areas.push(event);
  }

  /** With the last device the last mmap of a BAR is gone. */
  end(): void {
    if (this.#trace.teardown === undefined) return;
    const [left] = this.#areas;
    if (left !== undefined)
      this.#examination.violate(
        'mmaps-left',
        () =>
          `the mmap of ${left.device} BAR ${left.bar} ${spanOf(left.offset, left.size)} is left when all devices ` +
          'are unplugged',
      );
  }

  step(_: StateChange, state: State): void {
    this.#registrations.check(state);
    // Two states have no cycle between them.
    if (this.#trace.steps.length < 3) return;
    const { operation } = this.#trace.steps[this.#examination.step]!;
    this.#checkContainers(state, operation);
    this.#checkAddresses(state, operation);
    if (this.#wasRefused) return;
    const now = this.#usageOf(state);
    const before = this.#seen.find((seen) => haveSameMemoryMap(seen.state, state))?.usage;
    if (before === undefined) {
      this.#seen.push({ state, usage: now });
      return;
    }
    this.#examination.exercised++;
    for (const resource of RESOURCES) {
      if (now[resource] <= before[resource]) continue;
      this.#examination.violate(
        `${resource}-grow`,
        () =>
          `the same memory map needs ${now[resource]} ${resource}, and ${before[resource]} the first time`,
      );
    }
  }

  /** The container of devices that have all left pins the guest's RAM for nothing. */
  #checkContainers({ devices, containers }: State, operation: Step['operation']): void {
    if (operation.op !== 'unplug' || devices.length > 0 || containers.length === 0) return;
    this.#examination.violate(
      'container-stays-open',
      () => `${containers[0]!.name} stays open, although the last device is unplugged`,
    );
  }

  /**
   * A VMM that hands out addresses itself hands out the same ones for the same devices, if the guest has moved none: or
   * it loses some in each cycle.
   */
  #checkAddresses({ devices }: State, operation: Step['operation']): void {
    if (this.#examination.step >= this.#movedFrom) return;
    const added = operation.op === 'hotplug' ? [operation.device] : devices.map(({ id }) => id);
    if (operation.op !== 'hotplug' && operation.op !== 'reset' && operation.op !== 'start') return;
    const [own, others] = [true, false].map((isAdded) =>
      devices.filter(({ id }) => added.includes(id) === isAdded).map(addressesText),
    );
    const key = `${added.join(' ')} beside ${others!.toSorted().join(' ')}`;
    const given = own!.join('; ');
    const before = this.#addresses.get(key);
    // Devices whose BARs the VMM gives no address have none to lose: a register holds 0 until the guest places the BAR.
    const hasAddresses = devices.some(
      ({ id, bars }) => added.includes(id) && bars.some(({ address = 0n }) => address !== 0n),
    );
    if (before === undefined && !hasAddresses) return;
    this.#addresses.set(key, before ?? given);
    if (before === undefined || before === given) return;
    this.#examination.violate(
      'addresses-lost',
      () => `the BARs lie at ${given}; the first time, beside the same devices, they lay at ${before}`,
    );
  }

  /** A number that is free again is used again: KVM has a limited number of slots. */
  #follow({ slot, size }: Memslot): void {
    if (size === 0n) {
      this.#numbers.delete(slot);
      return;
    }
    this.#numbers.add(slot);
    this.#peak = Math.max(this.#peak, this.#numbers.size);
    if (slot < this.#peak || this.#wasRefused) return;
    this.#examination.violate(
      'slot-numbers-grow',
      () => `slot ${slot} is in use, although never more than ${this.#peak} slots were in use at once`,
    );
  }

  #usageOf({ memslots, containers }: State): Usage {
    let mappings = 0;
    let windows = 0;
    for (const { name, mappings: own } of containers) {
      mappings += own.length;
      windows += this.#windows.get(name)?.size ?? 0;
    }
    return { memslots: memslots.length, mappings, windows };
  }
}

/** One past the last step in which a VMM that hands out addresses can be compared with itself. */
function endOfComparison({ steps }: Trace): number {
  const moved = steps.findIndex(({ operation: { op } }) => op === 'set-bar' || op === 'size-bar');
  const end = moved < 0 ? steps.length : moved;
  const isAgain = steps.some(
    ({ operation: { op } }, step) => step < end && (op === 'hotplug' || op === 'reset'),
  );
  return isAgain ? end : 0;
}

const isSameArea = (a: MmapEvent | MunmapEvent, b: MmapEvent | MunmapEvent): boolean =>
  a.device === b.device && a.bar === b.bar && a.offset === b.offset && a.size === b.size;

const addressesText = ({ id, bars }: DeviceState): string =>
  `${id}: ${bars.map(({ address }) => (address === undefined ? '-' : hex(address))).join(', ')}`;

/** Whether the CPUs and the devices see the same in both states, and through as many containers. */
const haveSameMemoryMap = (a: State, b: State): boolean =>
  a.containers.length === b.containers.length &&
  a.plugged === b.plugged &&
  (a.flatView === a.dmaView) === (b.flatView === b.dmaView) &&
  areSameViews(a.flatView, b.flatView) &&
  (a.flatView === a.dmaView || areSameViews(a.dmaView, b.dmaView));

/** Whether both views show the same: a VMM may render equal ranges anew. */
const areSameViews = (a: readonly TraceRange[], b: readonly TraceRange[]): boolean =>
  a.length === b.length && a.every((range, index) => showSame(range, b[index]!));

const showSame = (a: TraceRange, b: TraceRange): boolean =>
  a === b ||
  (a.start === b.start &&
    a.end === b.end &&
    a.offset === b.offset &&
    a.region.name === b.region.name &&
    a.readonly === b.readonly &&
    a.romdMode === b.romdMode);
