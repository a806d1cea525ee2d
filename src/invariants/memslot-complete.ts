import { alignDown, alignUp, intersection, isAligned, overlaps, type Range } from '../address/index.ts';
import type { Memslot } from '../host/index.ts';
import { hasConformingLayout } from '../scenario/index.ts';
import type { DeviceState, State, StateChange, Trace, TraceRange } from '../trace/index.ts';
import type { MemslotEvent, VmmEvent } from '../vfio/index.ts';
import { barOf } from './bar-bytes.ts';
import { rangeFrom, rangeText, regionName, span } from './describe.ts';
import type { Examination, Invariant, Judge } from './invariant.ts';
import { emulatedWithoutReason } from './emulated-bytes.ts';
import { isMachineRefused } from './machine-refused.ts';
import { mmappableAreas } from './mmappable-areas.ts';
import { hasReadonlySlots } from './readonly-slots.ts';

/** The guest reaches its memory without an exit: a page without a slot is as wrong as a slot without memory. */
export const memslotComplete: Invariant = {
  id: 'memslot-complete',
  clause:
    'every whole host page of RAM, and of a BAR area that the host lets be mmapped, is in a memslot with the right ' +
    'backing; the MSI-X table, the PBA, the mirrors of graphics cards and the user are the only reasons to trap a byte of one',
  severity: 'error',
  site: 'accel/kvm/kvm-all.c: kvm_set_phys_mem; hw/vfio/region.c: vfio_region_mmap',
  start: (trace, examination) =>
    trace.hidesMemslots === true || isMachineRefused(trace)
      ? undefined
      : new SlotsOfMemory(trace, examination),
};

/** The causes by the kind of region; others are BARs. */
const CAUSES: Partial<Record<TraceRange['region']['kind'], string>> = {
  ram: 'ram-without-slot',
  'rom-device': 'flash-without-slot',
};

class SlotsOfMemory implements Judge {
  readonly #trace: Trace;
  readonly #page: bigint;
  readonly #examination: Examination;
  /** The guest addresses of slots that KVM refused: `no-abort` says what came of that. */
  readonly #refused: Range[] = [];
  /** BARs of which the host refused an mmap, as device and index. */
  readonly #unmapped = new Set<string>();

  constructor(trace: Trace, examination: Examination) {
    this.#trace = trace;
    this.#page = trace.pages.host;
    this.#examination = examination;
  }

  event(event: VmmEvent): void {
    if (event.type === 'mmap' && event.errno !== 0) this.#unmapped.add(`${event.device} ${event.bar}`);
    if (!isRefusedSlot(event)) return;
    // The guest of a VMM that goes on without a slot of RAM stops at its first instruction there.
    const isRam = event.slot.backing.owner === undefined;
    if (event.injected !== true || !isRam) this.#refused.push(rangeFrom(event.slot.gpa, event.slot.size));
  }

  step({ flatView, reslotted, devices }: StateChange, state: State): void {
    for (const range of reslotted) {
      const { kind } = range.region;
      if (kind === 'ram' || kind === 'ram-device' || this.#isContents(range))
        this.#checkSlots(range, state.memslots);
    }
    const isNew = devices.plugged.length > 0 || devices.changed.length > 0;
    // A neighbour that leaves its page changes a small BAR, too.
    if (isNew || !flatView.isEmpty || reslotted.length > 0) {
      for (const range of state.flatView) {
        if (range.region.kind === 'ram-device' && range.end - range.start < this.#page)
          this.#checkSmallBar(range, state);
      }
    }
    for (const range of devices.reshaped.length > 0 ? state.flatView : flatView.ranges) {
      const { kind, owner } = range.region;
      if (kind === 'io' && owner !== undefined) this.#checkTrapped(range, state.devices);
    }
  }

  /** Whether the range shows the contents of a ROM device, which only a read-only slot can hold. */
  #isContents({ region, romdMode }: TraceRange): boolean {
    return region.kind === 'rom-device' && romdMode && hasReadonlySlots(this.#trace.scenario);
  }

  /** Reports the first whole page of the range that no slot with its memory covers. */
  #checkSlots(range: TraceRange, slots: readonly Memslot[]): void {
    // Only a range whose address and offset agree modulo the page has whole pages of its region.
    if (!isAligned(range.start - range.offset, this.#page)) return;
    const start = alignUp(range.start, this.#page);
    const end = alignDown(range.end, this.#page);
    if (start >= end || this.#refused.some((refused) => overlaps(refused, { start, end }))) return;
    this.#examination.exercised++;
    const missing = firstWithoutSlot(range, { start, end }, slots);
    if (missing === undefined) return;
    const cause = CAUSES[range.region.kind] ?? 'bar-without-slot';
    const at = rangeFrom(missing, this.#page);
    this.#examination.violate(
      cause,
      () => `the page ${span(at)} of ${regionName(range.region)} is in no memslot with its memory`,
      at,
    );
  }

  /**
   * Reports a BAR smaller than a host page that traps although it has its page to itself: the host keeps the rest of the
   * page free of other devices, so that a VMM can map the whole page (vfio_sub_page_bar_update_mapping).
   *
   * @param range smaller than a host page.
   */
  #checkSmallBar(range: TraceRange, { devices, flatView, memslots }: State): void {
    const device = devices.find(({ id }) => id === range.region.owner);
    const found = device && barOf(device, range.region.name);
    const own = this.#trace.scenario.devices.find(({ id }) => id === device?.id);
    const spec = own?.bars.find(({ index }) => index === found?.bar.index);
    if (found === undefined || spec === undefined || spec.sparse !== undefined) return;
    // A capability that breaks the specification misleads the VMM about the place of the table.
    if (!hasConformingLayout(own!)) return;
    const size = range.end - range.start;
    if (size !== spec.size || found.start + range.offset !== 0n) return;
    if (range.start % this.#page !== 0n) return;
    const page = { start: range.start, end: range.start + this.#page };
    if (this.#refused.some((refused) => overlaps(refused, page))) return;
    this.#examination.exercised++;
    const isAlone = flatView.every((other) => other === range || !overlaps(other, page));
    const hasSlot = memslots.some(({ gpa, size: bytes }) => overlaps(rangeFrom(gpa, bytes), page));
    if (!isAlone || hasSlot) return;
    this.#examination.violate(
      'small-bar-trapped',
      () =>
        `${rangeText(range)} traps all of BAR ${spec.index} of ${device!.id}, which has the page ${span(page)} to itself`,
      range,
    );
  }

  /** Reports whole pages of a BAR that trap although the host lets them be mmapped. */
  #checkTrapped(range: TraceRange, devices: readonly DeviceState[]): void {
    const device = devices.find(({ id }) => id === range.region.owner);
    const spec = device && this.#trace.scenario.devices.find(({ id }) => id === device.id);
    const found = device && barOf(device, range.region.name);
    if (device !== undefined && found === undefined) this.#checkEmulation(range, device);
    const bar = spec?.bars.find(({ index }) => index === found?.bar.index);
    if (device === undefined || found === undefined || spec === undefined || bar === undefined) return;
    if (this.#unmapped.has(`${device.id} ${bar.index}`)) return;
    this.#examination.exercised++;
    const start = found.start + range.offset;
    const shown = { start, end: start + (range.end - range.start) };
    if (alignUp(start, this.#page) >= alignDown(shown.end, this.#page)) return;
    for (const area of mmappableAreas(spec, bar, device.msix, this.#page)) {
      const both = intersection(area, shown);
      const trapped = both && {
        start: alignUp(both.start, this.#page),
        end: alignDown(both.end, this.#page),
      };
      if (trapped === undefined || trapped.start >= trapped.end) continue;
      this.#examination.violate(
        'bar-trapped',
        () =>
          `${rangeText(range)} traps ${span(trapped)} of BAR ${bar.index} of ${device.id}, ` +
          'which the host lets be mmapped',
        range,
      );
    }
  }

  /** Reports what the VMM emulates over bytes of a BAR without a reason: one such byte takes a page from the guest. */
  #checkEmulation(range: TraceRange, device: DeviceState): void {
    this.#examination.exercised++;
    const isMmapped = (bar: number): boolean => !this.#unmapped.has(`${device.id} ${bar}`);
    const bytes = emulatedWithoutReason(range, device, this.#trace, isMmapped);
    if (bytes === undefined) return;
    this.#examination.violate(
      'emulated-without-reason',
      () =>
        `${rangeText(range)} lies over ${span(bytes)} of BAR ${bytes.bar.index} of ${device.id}, which the host lets be ` +
        'mmapped, and which holds neither MSI-X nor a mirror of configuration space',
      range,
    );
  }
}

const isRefusedSlot = (event: VmmEvent): event is MemslotEvent =>
  event.type === 'memslot' && event.errno !== 0 && event.slot.size > 0n;

/** The first address of `pages` that no slot with the memory of the range covers. */
function firstWithoutSlot(range: TraceRange, pages: Range, slots: readonly Memslot[]): bigint | undefined {
  let address = pages.start;
  for (const { gpa, size, backing } of slots) {
    if (gpa + size <= address) continue;
    if (gpa > address || address >= pages.end) break;
    const isSame =
      backing.region === range.region.name &&
      backing.owner === range.region.owner &&
      backing.offset + (address - gpa) === range.offset + (address - range.start);
    if (!isSame) return address;
    address = gpa + size;
  }
  return address < pages.end ? address : undefined;
}
