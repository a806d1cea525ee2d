import { firstEndingAbove, overlaps, type Offset, type Range } from '../address/index.ts';
import type { BarState, DeviceState, State, TraceRange } from '../trace/index.ts';
import { barOf, guestTable, startInBar, startOfBar } from './bar-bytes.ts';
import { rangeFrom, rangeText, span, spanOf } from './describe.ts';
import type { Examination, Invariant } from './invariant.ts';
import { forEachChange, settled } from './steps.ts';

/** The point of MSI-X emulation: the guest never reaches the device's own table. */
export const msixTrapped: Invariant = {
  id: 'msix-trapped',
  clause:
    'unless the machine opts out, no byte of an MSI-X table of an enabled BAR is direct-mapped: ' +
    'not in a memslot, not DMA-mapped, dispatched to the emulation',
  severity: 'error',
  site: 'hw/vfio/pci.c: vfio_msix_setup; hw/pci/msix.c: msix_init',
  check(trace, examination) {
    if (trace.optsOutOfMsixEmulation) return;
    // What is direct is so already in the middle of a change that killed the VMM; what hides what is not settled.
    const lastSettled = settled(trace).steps.length - 1;
    forEachChange(
      trace,
      () => true,
      (state, step) => {
        for (const device of state.devices) {
          const table = guestTable(device);
          if (table?.bar.address === undefined || table.bar.type === 'io') continue;
          examination.exercised++;
          checkDispatch(device, table, state, step, examination);
          checkBackings(device, table, state, step, examination);
          if (step > lastSettled) continue;
          const start = startOfBar(table.bar, device.id, state.flatView);
          const placeFrom = (bar: bigint): Range => ({ start: bar + table.start, end: bar + table.end });
          if (start !== undefined) {
            checkEmulation(device, table, placeFrom(start), state, step, examination);
          }
          checkNeighbours(
            device,
            table.bar,
            placeFrom(start ?? table.bar.address),
            trace.pages.host,
            state,
            step,
            examination,
          );
        }
      },
    );
  },
};

type Table = NonNullable<ReturnType<typeof guestTable>>;

/** Whether bytes of the region from `offset` on, `size` of them, are bytes of the table. */
function isTable(table: Table, region: string, offset: Offset, size: bigint): boolean {
  const layer = startInBar(table.bar, region);
  if (layer === undefined) return false;
  const start = layer + offset;
  return start < table.end && table.start < start + size;
}

/** Wherever the device answers for the table, it is the emulation that does. */
function checkDispatch(
  device: DeviceState,
  table: Table,
  { flatView }: State,
  step: number,
  examination: Examination,
): void {
  for (const range of flatView) {
    const { region } = range;
    if (region.owner !== device.id || !isTable(table, region.name, range.offset, range.end - range.start))
      continue;
    const direct = region.kind === 'ram-device';
    examination.violate(
      direct ? 'direct-in-flat-view' : 'not-emulated',
      step,
      () =>
        `accesses to the MSI-X table of ${device.id} at ${rangeText(range)} reach the device` +
        (direct ? ' directly' : ', not the emulation'),
      range,
    );
  }
}

/** Where a BAR answers on both sides of its table somebody answers for the table, and the emulation with the right vector. */
function checkEmulation(
  device: DeviceState,
  table: Table,
  place: Range,
  { flatView }: State,
  step: number,
  examination: Examination,
): void {
  const isOfBar = ({ region }: TraceRange): boolean =>
    region.owner === device.id && startInBar(table.bar, region.name) !== undefined;
  for (let index = firstEndingAbove(flatView, place.start - 1n); index < flatView.length; index++) {
    const range = flatView[index]!;
    if (range.start >= place.end) return;
    const { region, offset } = range;
    if (region.owner === device.id && region.name === 'msix-table' && range.start - offset !== place.start) {
      examination.violate(
        'emulation-shifted',
        step,
        () =>
          `the emulated MSI-X table of ${device.id} at ${rangeText(range)} does not lie at ${span(place)}`,
        range,
      );
    }
    const next = flatView[index + 1];
    if (next === undefined || !isOfBar(range) || !isOfBar(next)) continue;
    if (range.end === next.start || !overlaps({ start: range.end, end: next.start }, place)) continue;
    examination.violate(
      'not-answered',
      step,
      () => `nobody answers for the MSI-X table of ${device.id} at ${span(place)}`,
      place,
    );
  }
}

/** Where the table should answer there is nothing that reaches beyond the addresses it decodes. */
function checkNeighbours(
  device: DeviceState,
  table: BarState,
  place: Range,
  page: bigint,
  state: State,
  step: number,
  examination: Examination,
): void {
  const { flatView } = state;
  for (let index = firstEndingAbove(flatView, place.start); index < flatView.length; index++) {
    const range = flatView[index]!;
    if (range.start >= place.end) return;
    if (range.region.owner === undefined || !isOutsideItsBar(range, place, state)) continue;
    examination.violate(
      isStretchedOnPurpose(range, table, state, page)
        ? 'shadowed-by-page-of-bar'
        : 'shadowed-by-stretched-bar',
      step,
      () =>
        `the MSI-X table of ${device.id} at ${span(place)} is hidden by ${rangeText(range)}, ` +
        'beyond the end of what that BAR decodes',
      place,
    );
  }
}

/** Whether a BAR answers for part of `place` by `range` although it does not decode those addresses. */
function isOutsideItsBar(range: TraceRange, place: Range, { devices }: State): boolean {
  const { region, offset, start, end } = range;
  const last = (end < place.end ? end : place.end) - 1n;
  const owner = devices.find(({ id }) => id === region.owner);
  const found = owner && barOf(owner, region.name);
  // Compared in BAR offsets, so that windows which shift addresses do not matter.
  return (
    found !== undefined &&
    (found.bar.address === undefined || found.start + offset + (last - start) >= found.bar.size)
  );
}

/**
 * Whether the BAR lies at a page boundary, where it may cover the rest of the page that nobody else wants,
 * and has no address in common with the BAR that it hides.
 */
function isStretchedOnPurpose(
  { region }: TraceRange,
  table: BarState,
  { devices }: State,
  page: bigint,
): boolean {
  const owner = devices.find(({ id }) => id === region.owner);
  const bar = owner && barOf(owner, region.name)?.bar;
  if (bar?.address === undefined || table.address === undefined || bar.address % page !== 0n) return false;
  return !overlaps(rangeFrom(bar.address, bar.size), rangeFrom(table.address, table.size));
}

/** Neither a memslot nor a DMA mapping shows a byte of the table. */
function checkBackings(
  device: DeviceState,
  table: Table,
  { memslots, containers }: State,
  step: number,
  examination: Examination,
): void {
  for (const { gpa, size, backing } of memslots) {
    if (backing.owner !== device.id || !isTable(table, backing.region, backing.offset, size)) continue;
    examination.violate(
      'in-memslot',
      step,
      () => `the memslot ${spanOf(gpa, size)} holds the MSI-X table of ${device.id}`,
      rangeFrom(gpa, size),
    );
  }
  for (const { name, mappings } of containers) {
    for (const { iova, size, backing } of mappings) {
      if (backing.owner !== device.id || !isTable(table, backing.region, backing.offset, size)) continue;
      examination.violate(
        'dma-mapped',
        step,
        () => `the DMA mapping ${spanOf(iova, size)} of ${name} holds the MSI-X table of ${device.id}`,
        rangeFrom(iova, size),
      );
    }
  }
}
