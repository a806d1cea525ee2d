import { overlaps, type Range } from '../address/index.ts';
import type { DeviceState, State, TraceRange } from '../target/trace.ts';
import { barBytes, decoded, tableBytes } from './bar-bytes.ts';
import { rangeFrom, rangeText, spanOf } from './describe.ts';
import type { Examination, Invariant } from './invariant.ts';
import { forEachChange } from './steps.ts';

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
    forEachChange(
      trace,
      (state, before) =>
        state.flatView !== before.flatView ||
        state.memslots !== before.memslots ||
        state.containers !== before.containers ||
        state.devices !== before.devices,
      (state, step) => {
        for (const device of state.devices) {
          const table = tableBytes(device);
          const bar = table && device.bars.find(({ index }) => index === table.barIndex);
          if (table === undefined || bar?.address === undefined || bar.type === 'io') continue;
          examination.exercised++;
          checkDispatch(device, table, bar.address, state, step, examination);
          checkBackings(device, table, state, step, examination);
        }
      },
    );
  },
};

type TableBytes = NonNullable<ReturnType<typeof tableBytes>>;

/** Every address of the table belongs to the emulation, or to something that the guest itself put there. */
function checkDispatch(
  device: DeviceState,
  table: TableBytes,
  barAddress: bigint,
  state: State,
  step: number,
  examination: Examination,
): void {
  const place: Range = { start: barAddress + table.start, end: barAddress + table.end };
  for (const range of state.flatView) {
    if (range.region.owner === undefined) continue;
    if (range.region.owner === device.id) {
      const bytes = barBytes(device, bytesOf(range));
      if (bytes === undefined || bytes.bar.index !== table.barIndex || !overlaps(bytes, table)) continue;
      const direct = range.region.kind === 'ram-device';
      examination.violate(
        direct ? 'direct-in-flat-view' : 'not-emulated',
        step,
        `accesses to the MSI-X table of ${device.id} at ${rangeText(range)} reach the device` +
          (direct ? ' directly' : ', not the emulation'),
        range,
      );
    }
  }
  for (const range of state.flatView) {
    if (!overlaps(range, place) || range.region.owner === undefined) continue;
    const intruder = outsideItsBar(range, state);
    if (intruder === undefined) continue;
    examination.violate(
      'shadowed-by-stretched-bar',
      step,
      `the MSI-X table of ${device.id} at ${spanOf(place.start, place.end - place.start)} is hidden by ` +
        `${rangeText(range)}, beyond the end of what BAR ${intruder.index} decodes`,
      place,
    );
  }
}

/** The BAR that answers at `range` although it does not decode those addresses. */
function outsideItsBar(range: TraceRange, state: State) {
  const owner = state.devices.find(({ id }) => id === range.region.owner);
  const bytes = owner && barBytes(owner, bytesOf(range));
  if (bytes === undefined) return undefined;
  const decodes = decoded(bytes.bar);
  // Compared in BAR offsets, so that windows which shift addresses do not matter.
  return decodes === undefined || bytes.start >= bytes.bar.size ? bytes.bar : undefined;
}

/** Neither a memslot nor a DMA mapping shows a byte of the table. */
function checkBackings(
  device: DeviceState,
  table: TableBytes,
  state: State,
  step: number,
  examination: Examination,
): void {
  const shows = (backing: { region: string; owner: string | undefined }, bytes: Range | undefined): boolean =>
    backing.owner === device.id && bytes !== undefined && overlaps(bytes, table);
  for (const { gpa, size, backing } of state.memslots) {
    if (backing.owner !== device.id) continue;
    const bytes = barBytes(device, { ...backing, size });
    if (bytes?.bar.index !== table.barIndex || !shows(backing, bytes)) continue;
    examination.violate(
      'in-memslot',
      step,
      `the memslot ${spanOf(gpa, size)} holds the MSI-X table of ${device.id}`,
      rangeFrom(gpa, size),
    );
  }
  for (const { name, mappings } of state.containers) {
    for (const { iova, size, backing } of mappings) {
      if (backing.owner !== device.id) continue;
      const bytes = barBytes(device, { ...backing, size });
      if (bytes?.bar.index !== table.barIndex || !shows(backing, bytes)) continue;
      examination.violate(
        'dma-mapped',
        step,
        `the DMA mapping ${spanOf(iova, size)} of ${name} holds the MSI-X table of ${device.id}`,
        rangeFrom(iova, size),
      );
    }
  }
}

const bytesOf = (range: TraceRange) => ({
  region: range.region.name,
  offset: range.offset,
  size: range.end - range.start,
});
