import { alignDown, alignUp, overlaps, type Range } from '../address/index.ts';
import type { Scenario } from '../scenario/index.ts';
import type { DeviceState, TraceRange } from '../target/trace.ts';
import { barBytes, tableBytes } from './bar-bytes.ts';
import { rangeText } from './describe.ts';
import type { Invariant } from './invariant.ts';
import { forEachChange } from './steps.ts';

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
      trace,
      (state, before) => state.flatView !== before.flatView || state.devices !== before.devices,
      (state, step) => {
        for (const device of state.devices) {
          const table = tableBytes(device);
          if (table === undefined || !hostAllows(trace.scenario, device, table.barIndex)) continue;
          const bar = device.bars.find(({ index }) => index === table.barIndex);
          if (bar?.address === undefined || table.end > bar.size) continue;
          // The pages that hold the table, as far as the BAR has them; a BAR off a page boundary has none whole.
          const { address } = bar;
          if (address % page !== 0n) continue;
          const lastPage = alignUp(table.end, page);
          const pages = {
            start: alignDown(table.start, page),
            end: lastPage < bar.size ? lastPage : bar.size,
          };
          examination.exercised++;
          for (const range of state.flatView) {
            const at = placeInBar(device, range, table.barIndex);
            if (at === undefined || !overlaps(at, pages)) continue;
            if (range.region.kind === 'ram-device') continue;
            const inTable = overlaps(at, table);
            examination.violate(
              inTable ? 'table-trapped' : 'rest-of-page-trapped',
              step,
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

/** Where in the BAR a range of the device lies, if it lies there at all. */
function placeInBar(device: DeviceState, range: TraceRange, barIndex: number): Range | undefined {
  const { region, offset } = range;
  if (region.owner !== device.id) return undefined;
  const size = range.end - range.start;
  const bytes = barBytes(device, { region: region.name, offset, size });
  if (bytes !== undefined) return bytes.bar.index === barIndex ? bytes : undefined;
  // What is no layer of a BAR is the region of the table or of the PBA.
  const { tableBar, tableOffset, pbaBar, pbaOffset } = device.msix!.layout;
  const isTable = region.name === 'msix-table';
  const [bar, structure] = isTable ? [tableBar, tableOffset] : [pbaBar, pbaOffset];
  const start = structure + offset;
  return bar === barIndex ? { start, end: start + size } : undefined;
}
