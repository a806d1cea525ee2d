import { alignDown, alignUp, overlaps, type Range } from '../address/index.ts';
import { msixTableRange } from '../pci-layout/index.ts';
import type { Scenario } from '../scenario/index.ts';
import type { BarState, DeviceState, TraceRange } from '../trace/index.ts';
import { startInBar } from './bar-bytes.ts';
import { rangeText } from './describe.ts';
import type { Invariant } from './invariant.ts';
import { forEachChange, settled } from './steps.ts';

/** What the seed patch is for: registers beside the table are not trapped where nobody needs the table. */
export const msixDirectOnOptOut: Invariant = {
  id: 'msix-direct-on-opt-out',
  clause: "where the machine opts out and the kernel allows it, the MSI-X table's page is direct-mapped",
  severity: 'error',
  site: 'hw/vfio/pci.c: vfio_pci_fixup_msix_region, vfio_msix_setup',
  check(trace, examination) {
    if (!trace.optsOutOfMsixEmulation) return;
    const page = trace.pages.host;
    forEachChange(
      settled(trace),
      (state, before) => state.flatView !== before.flatView || state.devices !== before.devices,
      (state, step) => {
        for (const device of state.devices) {
          const table = physicalTable(device, trace.scenario);
          if (table === undefined || !hostAllows(trace.scenario, device, table.bar.index)) continue;
          const { address, size } = table.bar;
          // Only a BAR on a page boundary has pages that could be mapped.
          if (address === undefined || table.end > size || address % page !== 0n) continue;
          const lastPage = alignUp(table.end, page);
          const pages = { start: alignDown(table.start, page), end: lastPage < size ? lastPage : size };
          examination.exercised++;
          for (const range of state.flatView) {
            if (range.region.owner !== device.id || range.region.kind === 'ram-device') continue;
            const at = placeInBar(device, range, table.bar);
            if (at === undefined || !overlaps(at, pages)) continue;
            examination.violate(
              overlaps(at, table) ? 'table-trapped' : 'rest-of-page-trapped',
              step,
              () =>
                `${rangeText(range)} is trapped, in the page of the MSI-X table of ${device.id}, ` +
                'which nobody needs to be emulated',
              range,
            );
          }
        }
      },
    );
  },
};

/** The table as the device has it: what the guest is told may be something else. */
function physicalTable(
  { id, bars }: DeviceState,
  { devices }: Scenario,
): (Range & { readonly bar: BarState }) | undefined {
  const msix = devices.find((spec) => spec.id === id)?.msix;
  const bar = msix && bars.find(({ index }) => index === msix.tableBar);
  if (msix === undefined || bar === undefined) return undefined;
  return { bar, ...msixTableRange(msix) };
}

/** Whether the host lets the whole BAR with the table be mmapped, and the user does not forbid it. */
function hostAllows(scenario: Scenario, device: DeviceState, barIndex: number): boolean {
  const spec = scenario.devices.find(({ id }) => id === device.id);
  const bar = spec?.bars.find(({ index }) => index === barIndex);
  if (spec === undefined || bar === undefined) return false;
  const relocated = (spec.options['x-msix-relocation'] ?? 'off') !== 'off';
  return (
    bar.mmap &&
    bar.type !== 'io' &&
    bar.sparse === undefined &&
    scenario.host.kernel === 'msix-mappable' &&
    spec.options['x-no-mmap'] !== true &&
    !relocated
  );
}

/** Where in `bar` a range of the device lies, if it lies there at all. */
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

/** Where in BAR `barIndex` the region of the table or of the PBA begins. */
function startOfStructure({ msix }: DeviceState, region: string, barIndex: number): bigint | undefined {
  const { tableBar, tableOffset, pbaBar, pbaOffset } = msix!.layout;
  if (region === 'msix-table') return tableBar === barIndex ? tableOffset : undefined;
  const isPba = region === 'msix-pba' || region === 'VFIO MSIX PBA';
  return isPba && pbaBar === barIndex ? pbaOffset : undefined;
}
