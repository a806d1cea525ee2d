import { firstEndingAbove, isAligned, lesser, overlaps, type Range } from '../address/index.ts';
import type { Scenario } from '../scenario/index.ts';
import {
  isSettled,
  type BarState,
  type StateChange,
  type DeviceState,
  type State,
  type TraceMapping,
  type TraceRange,
} from '../trace/index.ts';
import { barOf, guestTable, startInBar } from './bar-bytes.ts';
import { startOfBar } from './bar-in-system-memory.ts';
import { rangeFrom, rangeText, span, spanOf } from './describe.ts';
import type { Examination, Invariant } from './invariant.ts';

/** The purpose of MSI-X emulation: the guest never reaches the device's own table. */
export const msixTrapped: Invariant = {
  id: 'msix-trapped',
  clause:
    'unless the machine opts out of MSI-X emulation, no byte of an MSI-X table in a mapped BAR is direct-mapped: ' +
    'it is in no memslot and in no DMA mapping, and the emulation traps its accesses',
  severity: 'error',
  site: 'hw/vfio/pci.c: vfio_msix_setup; hw/pci/msix.c: msix_init',
  start(trace, examination) {
    if (trace.optsOutOfMsixEmulation) return undefined;
    return {
      // If the VMM died mid-update, direct mappings still count; overlap is judged only on settled steps.
      judgesUnsettled: true,
      step(change, state) {
        for (const device of state.devices) {
          const table = guestTable(device);
          if (table?.bar.address === undefined || table.bar.type === 'io') continue;
          examination.exercised++;
          const check = new TableCheck({ device, table, change, examination });
          check.flatView();
          check.memslots();
          check.mappings();
          if (isSettled(trace, examination.step)) check.emulation(trace.scenario, trace.pages.host);
        }
      },
    };
  },
};

type Table = NonNullable<ReturnType<typeof guestTable>>;

/** Checks the MSI-X table of one device after one change. */
class TableCheck {
  /** Id of the device. */
  readonly #device: string;
  readonly #table: Table;
  readonly #change: StateChange;
  readonly #state: State;
  /** Whether the table may lie elsewhere than before the change, so that all memory is to be checked. */
  readonly #isNew: boolean;
  readonly #examination: Examination;

  constructor({
    device,
    table,
    change,
    examination,
  }: {
    readonly device: DeviceState;
    readonly table: Table;
    readonly change: StateChange;
    readonly examination: Examination;
  }) {
    const { devices, after } = change;
    this.#device = device.id;
    this.#table = table;
    this.#change = change;
    this.#state = after;
    this.#isNew = devices.plugged.includes(device) || devices.changed.includes(device);
    this.#examination = examination;
  }

  /** No flat range shows bytes of the device's own table. */
  flatView(): void {
    for (const range of this.#isNew ? this.#state.flatView : this.#change.flatView.ranges) {
      const { region, offset } = range;
      if (this.#holdsTable(region.owner, region.name, offset, range.end - range.start))
        this.#reportShown(range);
    }
  }

  /** No memslot holds bytes of the device's own table. */
  memslots(): void {
    for (const { gpa, size, backing } of this.#isNew ? this.#state.memslots : this.#change.memslots.added) {
      if (!this.#holdsTable(backing.owner, backing.region, backing.offset, size)) continue;
      this.#violate(
        'in-memslot',
        () => `the memslot ${spanOf(gpa, size)} holds the MSI-X table of ${this.#device}`,
        rangeFrom(gpa, size),
      );
    }
  }

  /** No DMA mapping holds bytes of the device's own table. */
  mappings(): void {
    if (this.#isNew) {
      for (const { name, mappings } of this.#state.containers) this.#mappingsOf(name, mappings);
    } else {
      for (const { container, added } of this.#change.containers) this.#mappingsOf(container.name, added);
    }
  }

  #mappingsOf(container: string, mappings: readonly TraceMapping[]): void {
    for (const { iova, size, backing } of mappings) {
      if (!this.#holdsTable(backing.owner, backing.region, backing.offset, size)) continue;
      this.#violate(
        'dma-mapped',
        () =>
          `the DMA mapping ${spanOf(iova, size)} of ${container} holds the MSI-X table of ${this.#device}`,
        rangeFrom(iova, size),
      );
    }
  }

  /**
   * The emulation answers where the capability places the table.
   *
   * @param page the host's page size in bytes.
   */
  emulation(scenario: Scenario, page: bigint): void {
    const { devices, flatView } = this.#change;
    // A BAR of another device may hide the table.
    if (flatView.isEmpty && devices.plugged.length === 0 && devices.changed.length === 0) return;
    const start = startOfBar(this.#table.bar, scenario);
    if (start === undefined) return;
    const place = { start: start + this.#table.start, end: start + this.#table.end };
    this.#place(place);
    this.#overlap(place, page);
  }

  /**
   * The emulated table begins at `place`. Where flat ranges of the BAR lie on both sides of the table, no gap is
   * between them.
   *
   * @param place the addresses of the table, computed from the place of the BAR and the capability.
   */
  #place(place: Range): void {
    const { flatView } = this.#state;
    const isOfBar = ({ region }: TraceRange): boolean =>
      region.owner === this.#device && startInBar(this.#table.bar, region.name) !== undefined;
    for (let index = firstEndingAbove(flatView, place.start - 1n); index < flatView.length; index++) {
      const range = flatView[index]!;
      if (range.start >= place.end) return;
      const { region, offset } = range;
      const isEmulated = region.owner === this.#device && region.name === 'msix-table';
      if (isEmulated && range.start - offset !== place.start) {
        this.#violate(
          'emulation-shifted',
          () =>
            `the emulated MSI-X table of ${this.#device} is at ${rangeText(range)}, ` +
            `but the capability places it at ${span(place)}`,
          range,
        );
      }
      const next = flatView[index + 1];
      if (next === undefined || !isOfBar(range) || !isOfBar(next)) continue;
      if (range.end === next.start || !overlaps({ start: range.end, end: next.start }, place)) continue;
      this.#violate(
        'not-answered',
        () => `no region answers for the MSI-X table of ${this.#device} at ${span(place)}`,
        place,
      );
    }
  }

  /**
   * No BAR hides the table by answering addresses that it does not decode.
   *
   * @param place the addresses of the table.
   * @param page the host's page size in bytes.
   */
  #overlap(place: Range, page: bigint): void {
    const { flatView } = this.#state;
    for (let index = firstEndingAbove(flatView, place.start); index < flatView.length; index++) {
      const range = flatView[index]!;
      if (range.start >= place.end) return;
      if (range.region.owner === undefined || !this.#isBeyondItsBar(range, place)) continue;
      this.#violate(
        this.#isExpandedToPage(range, page) ? 'shadowed-by-page-of-bar' : 'shadowed-by-stretched-bar',
        () =>
          `the MSI-X table of ${this.#device} at ${span(place)} is hidden by ${rangeText(range)}, ` +
          'which answers addresses that its BAR does not decode',
        place,
      );
    }
  }

  /** Whether `size` bytes from `offset` on of a region of `owner` include bytes of the table. */
  #holdsTable(owner: string | undefined, region: string, offset: bigint, size: bigint): boolean {
    const layer = owner === this.#device ? startInBar(this.#table.bar, region) : undefined;
    if (layer === undefined) return false;
    const start = layer + offset;
    return start < this.#table.end && this.#table.start < start + size;
  }

  /** Whether a BAR shows by `range` a part of `place` that the BAR does not decode. */
  #isBeyondItsBar(range: TraceRange, place: Range): boolean {
    const { region, offset, start, end } = range;
    const last = lesser(end, place.end) - 1n;
    const owner = this.#state.devices.find(({ id }) => id === region.owner);
    const found = owner && barOf(owner, region.name);
    // Offsets in the BAR are compared, as the window of a host bridge may shift addresses.
    return (
      found !== undefined &&
      (found.bar.address === undefined || found.start + offset + (last - start) >= found.bar.size)
    );
  }

  /**
   * Whether QEMU has expanded a small BAR to its whole host page and may do so: the BAR begins on a page, and
   * shares no address with the BAR of the table.
   */
  #isExpandedToPage({ region }: TraceRange, page: bigint): boolean {
    const owner = this.#state.devices.find(({ id }) => id === region.owner);
    const bar = owner && barOf(owner, region.name)?.bar;
    return bar !== undefined && isOnPage(bar, page) && !shareAddresses(bar, this.#table.bar);
  }

  #reportShown(range: TraceRange): void {
    const isDirect = range.region.kind === 'ram-device';
    this.#violate(
      isDirect ? 'direct-in-flat-view' : 'not-emulated',
      () =>
        `guest accesses to the MSI-X table of ${this.#device} at ${rangeText(range)} reach the device` +
        (isDirect ? ' directly' : ', not the emulated table'),
      range,
    );
  }

  #violate(cause: string, message: () => string, at: Range): void {
    this.#examination.violate(cause, message, at);
  }
}

const isOnPage = ({ address }: BarState, page: bigint): boolean =>
  address !== undefined && isAligned(address, page);

/** Whether two BARs decode a common address; a BAR that is not mapped counts as one that does. */
const shareAddresses = (a: BarState, b: BarState): boolean =>
  a.address === undefined ||
  b.address === undefined ||
  overlaps(rangeFrom(a.address, a.size), rangeFrom(b.address, b.size));
