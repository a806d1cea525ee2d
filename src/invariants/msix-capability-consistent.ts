import { hex, overlaps, type Range } from '../address/index.ts';
import { BAR_COUNT, msixPbaRange, msixTableRange, msixTableSize } from '../pci-layout/index.ts';
import type { Scenario } from '../scenario/index.ts';
import type { DeviceState, State, TraceRange } from '../trace/index.ts';
import { rangeText, span } from './describe.ts';
import type { Examination, Invariant } from './invariant.ts';

/** The guest's MSI-X capability describes the table and the PBA that the guest really has. */
export const msixCapabilityConsistent: Invariant = {
  id: 'msix-capability-consistent',
  clause:
    "the guest's MSI-X capability places table and PBA inside a BAR, where the VMM emulates them, and after " +
    'relocation over no device registers',
  severity: 'error',
  site: 'hw/vfio/pci.c: vfio_pci_relocate_msix; hw/pci/msix.c: msix_init',
  start(trace, examination) {
    const seen = new Set<string>();
    return {
      judgesUnsettled: true,
      step({ devices, flatView }, state) {
        const isNew = devices.plugged.length > 0 || devices.changed.length > 0;
        for (const device of isNew ? state.devices : []) {
          if (device.msix === undefined || seen.has(device.id)) continue;
          seen.add(device.id);
          examination.exercised++;
          checkCapability(device, trace.scenario, examination);
        }
        for (const range of isNew ? state.flatView : flatView.ranges) {
          if (range.region.name === 'msix-table') checkExtent(range, state, examination);
        }
      },
    };
  },
};

function checkCapability(device: DeviceState, scenario: Scenario, examination: Examination): void {
  const { layout: msix, emulatedAt } = device.msix!;
  const table: Place = { name: 'table', bar: msix.tableBar, ...msixTableRange(msix) };
  const PBA: Place = { name: 'PBA', bar: msix.pbaBar, ...msixPbaRange(msix) };
  checkPlace(table, device, examination);
  checkPlace(PBA, device, examination);
  if (table.bar === PBA.bar && overlaps(table, PBA)) {
    examination.violate(
      'table-over-pba',
      () => `table and PBA overlap in the MSI-X capability of ${device.id}`,
    );
  }
  if (emulatedAt !== undefined && (emulatedAt.bar !== table.bar || emulatedAt.offset !== table.start)) {
    examination.violate(
      'emulated-elsewhere',
      () =>
        `the MSI-X table of ${device.id} is emulated at ${hex(emulatedAt.offset)} of BAR ${emulatedAt.bar}, ` +
        `but the capability places it at ${hex(table.start)} of BAR ${table.bar}`,
    );
  }
  const { pbaAt } = device.msix!;
  if (pbaAt !== undefined && (pbaAt.bar !== PBA.bar || pbaAt.offset !== PBA.start)) {
    examination.violate(
      'pba-emulated-elsewhere',
      () =>
        `the PBA of ${device.id} is emulated at ${hex(pbaAt.offset)} of BAR ${pbaAt.bar}, ` +
        `but the capability places it at ${hex(PBA.start)} of BAR ${PBA.bar}`,
    );
  }
  checkRelocation(device, scenario, { table, PBA }, examination);
}

/** Where the capability places the table or the PBA. */
interface Place extends Range {
  readonly name: 'table' | 'PBA';
  /** The BIR: the index of a BAR, or a reserved number. */
  readonly bar: number;
}

/** The place lies inside a BAR that the device has. */
function checkPlace(
  { name, bar: index, start, end }: Place,
  device: DeviceState,
  examination: Examination,
): void {
  const text = (): string =>
    `the MSI-X capability of ${device.id} places the ${name} at ${span({ start, end })} of BAR ${index}`;
  if (index >= BAR_COUNT) {
    examination.violate('reserved-bir', () => `${text()}, a reserved BIR`);
    return;
  }
  const bar = device.bars.find((candidate) => candidate.index === index);
  if (bar === undefined)
    examination.violate('no-such-bar', () => `${text()}, a BAR that the device does not have`);
  else if (end > bar.size) examination.violate('outside-bar', () => `${text()}, beyond the end of the BAR`);
}

/** The emulated table must end with its last entry: device registers may follow it. */
function checkExtent(range: TraceRange, { devices }: State, examination: Examination): void {
  const { owner } = range.region;
  const vectors = devices.find(({ id }) => id === owner)?.msix?.layout.vectors;
  if (vectors === undefined || range.offset + (range.end - range.start) <= msixTableSize(vectors)) return;
  examination.violate(
    'swallows-registers',
    () => `${rangeText(range)} traps device registers after the ${vectors} entries of the MSI-X table`,
    range,
  );
}

/** A relocated table or PBA must not cover bytes of the device's own BAR, which hold its registers. */
function checkRelocation(
  device: DeviceState,
  scenario: Scenario,
  { table, PBA }: { readonly table: Place; readonly PBA: Place },
  examination: Examination,
): void {
  const { layout: msix, emulatedAt } = device.msix!;
  if (emulatedAt === undefined) return;
  const spec = scenario.devices.find(({ id }) => id === device.id);
  const physical = spec?.msix;
  if (physical?.tableBar === msix.tableBar && physical.tableOffset === msix.tableOffset) return;
  // QEMU may have left the PBA at the place in the device's own capability.
  const isPbaMoved = physical?.pbaBar !== msix.pbaBar || physical.pbaOffset !== msix.pbaOffset;
  for (const place of isPbaMoved ? [table, PBA] : [table]) {
    const bar = spec?.bars.find(({ index }) => index === place.bar);
    if (bar === undefined || !overlaps(place, { start: 0n, end: bar.size })) continue;
    examination.violate(
      'over-live-registers',
      () => `the relocated ${place.name} of ${device.id} covers device registers of BAR ${place.bar}`,
    );
  }
}
