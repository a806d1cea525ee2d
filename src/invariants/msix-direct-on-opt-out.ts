import { alignDown, alignUp, isAligned, lesser, overlaps, type Range } from '../address/index.ts';
import { msixTableRange } from '../pci-layout/index.ts';
import { allowsMsixMmap, type Scenario } from '../scenario/index.ts';
import type { BarState, DeviceState, Trace, TraceRange } from '../trace/index.ts';
import { isEmulatedPba, startInBar } from './bar-bytes.ts';
import { rangeText } from './describe.ts';
import type { Examination, Invariant } from './invariant.ts';

/** The purpose of the seed patch: without MSI-X emulation the registers beside the table need not be trapped. */
export const msixDirectOnOptOut: Invariant = {
  id: 'msix-direct-on-opt-out',
  clause:
    'where the machine opts out of MSI-X emulation and the kernel allows the mmap, the pages of the MSI-X table are ' +
    'direct-mapped',
  severity: 'error',
  site: 'hw/vfio/pci.c: vfio_pci_fixup_msix_region, vfio_msix_setup',
  start(trace, examination) {
    if (!trace.optsOutOfMsixEmulation) return undefined;
    return {
      step({ devices, flatView }, state) {
        for (const device of state.devices) {
          const isNew = devices.plugged.includes(device) || devices.changed.includes(device);
          const ranges = isNew ? state.flatView : flatView.ranges;
          if (ranges.length > 0) checkDevice(device, ranges, trace, examination);
        }
      },
    };
  },
};

/** Checks that none of the ranges is trapped in a page of the device's table. */
function checkDevice(
  device: DeviceState,
  ranges: readonly TraceRange[],
  { scenario, pages: { host: page } }: Trace,
  examination: Examination,
): void {
  const table = physicalTable(device, scenario);
  if (table === undefined || !hostAllows(scenario, device, table.bar.index)) return;
  const { address, size } = table.bar;
  // Only a BAR on a page boundary has whole pages that can be mapped.
  if (address === undefined || table.end > size || !isAligned(address, page)) return;
  const lastPage = alignUp(table.end, page);
  const pages = { start: alignDown(table.start, page), end: lesser(lastPage, size) };
  examination.exercised++;
  for (const range of ranges) {
    if (range.region.owner !== device.id || range.region.kind === 'ram-device') continue;
    const at = placeInBar(device, range, table.bar);
    if (at === undefined || !overlaps(at, pages)) continue;
    examination.violate(
      overlaps(at, table) ? 'table-trapped' : 'rest-of-page-trapped',
      () =>
        `${rangeText(range)} is trapped in a page of the MSI-X table of ${device.id}, ` +
        'although the machine opts out of MSI-X emulation',
      range,
    );
  }
}

/** The table at the place in the device's own capability; the guest's capability may name another. */
function physicalTable(
  { id, bars }: DeviceState,
  { devices }: Scenario,
): (Range & { readonly bar: BarState }) | undefined {
  const msix = devices.find((spec) => spec.id === id)?.msix;
  const bar = msix && bars.find(({ index }) => index === msix.tableBar);
  if (msix === undefined || bar === undefined) return undefined;
  return { bar, ...msixTableRange(msix) };
}

/** Whether the host allows an mmap of the whole BAR with the table, and no property of the device forbids it. */
function hostAllows(scenario: Scenario, device: DeviceState, barIndex: number): boolean {
  const spec = scenario.devices.find(({ id }) => id === device.id);
  const bar = spec?.bars.find(({ index }) => index === barIndex);
  if (spec === undefined || bar === undefined) return false;
  const relocated = (spec.options['x-msix-relocation'] ?? 'off') !== 'off';
  return (
    bar.mmap &&
    bar.mmapError === undefined &&
    !mayFailToMmap(scenario, device.id) &&
    bar.type !== 'io' &&
    bar.sparse === undefined &&
    allowsMsixMmap(scenario.host.kernel) &&
    spec.options['x-no-mmap'] !== true &&
    !relocated
  );
}

/** Whether a fault of the host makes an mmap of the device's BARs fail. */
const mayFailToMmap = ({ host }: Scenario, id: string): boolean =>
  host.faults?.some(({ request, device = id }) => request === 'mmap' && device === id) === true;

/** The bytes of `bar` that a flat range of the device shows; `undefined` where it shows none. */
function placeInBar(
  device: DeviceState,
  range: TraceRange,
  bar: DeviceState['bars'][number],
): Range | undefined {
  const { region, offset } = range;
  const start = startInBar(bar, region.name) ?? startOfStructure(device, region.name, bar.index);
  if (start === undefined) return undefined;
  return { start: start + offset, end: start + offset + (range.end - range.start) };
}

/** The offset in BAR `barIndex` at which the region begins, if it is the emulated table or PBA. */
function startOfStructure({ msix }: DeviceState, region: string, barIndex: number): bigint | undefined {
  const { tableBar, tableOffset, pbaBar, pbaOffset } = msix!.layout;
  if (region === 'msix-table') return tableBar === barIndex ? tableOffset : undefined;
  const isPba = isEmulatedPba(region);
  return isPba && pbaBar === barIndex ? pbaOffset : undefined;
}
