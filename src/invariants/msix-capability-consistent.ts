import { hex, overlaps, type Range } from '../address/index.ts';
import { BAR_COUNT, msixPbaRange, msixTableRange, msixTableSize } from '../pci-layout/index.ts';
import type { Scenario } from '../scenario/index.ts';
import { isSettled, type DeviceState, type State, type Trace, type TraceRange } from '../trace/index.ts';
import { isEmulatedPba, startInBar } from './bar-bytes.ts';
import { startOfBar } from './bar-in-system-memory.ts';
import { rangeText, span } from './describe.ts';
import type { Examination, Invariant } from './invariant.ts';

/** The guest's MSI-X capability describes the table and the PBA that the guest really has. */
export const msixCapabilityConsistent: Invariant = {
  id: 'msix-capability-consistent',
  clause:
    "the guest's MSI-X capability places table and PBA inside a BAR, where the VMM emulates them whole, and after " +
    'relocation over no device registers; a reset switches it off',
  severity: 'error',
  site: 'hw/vfio/pci.c: vfio_pci_relocate_msix; hw/pci/msix.c: msix_init',
  start(trace, examination) {
    const seen = new Set<string>();
    return {
      judgesUnsettled: true,
      step({ devices, flatView }, state) {
        for (const device of devices.reshaped) {
          if (device.msix === undefined || seen.has(device.id)) continue;
          seen.add(device.id);
          examination.exercised++;
          checkCapability({ device, scenario: trace.scenario, state }, examination);
        }
        for (const range of devices.reshaped.length > 0 ? state.flatView : flatView.ranges) {
          if (range.region.name === 'msix-table') checkExtent(range, state, examination);
        }
        // Another region may have hidden the end of the PBA, and be gone now.
        for (const device of state.devices)
          checkPba({ device, scenario: trace.scenario, state }, examination);
      },
      end: () => checkSwitchedOff(trace, examination),
    };
  },
};

/** A device as the guest first sees it. */
interface Seen {
  readonly device: DeviceState;
  readonly scenario: Scenario;
  readonly state: State;
}

function checkCapability(seen: Seen, examination: Examination): void {
  const { device } = seen;
  const { layout: msix, emulatedAt } = device.msix!;
  const table: Place = { name: 'table', bar: msix.tableBar, ...msixTableRange(msix) };
  const PBA: Place = { name: 'PBA', bar: msix.pbaBar, ...msixPbaRange(msix) };
  checkPlace(table, seen, examination);
  checkPlace(PBA, seen, examination);
  // A VMM that shows the device's own mistake has not made one.
  if (table.bar === PBA.bar && overlaps(table, PBA) && !isOwnLayout(seen)) {
    examination.violate(
      'table-over-pba',
      () => `table and PBA overlap in the MSI-X capability of ${device.id}`,
      addressesOf(table, seen),
    );
  }
  if (emulatedAt !== undefined && (emulatedAt.bar !== table.bar || emulatedAt.offset !== table.start)) {
    examination.violate(
      'emulated-elsewhere',
      () =>
        `the MSI-X table of ${device.id} is emulated at ${hex(emulatedAt.offset)} of BAR ${emulatedAt.bar}, ` +
        `but the capability places it at ${hex(table.start)} of BAR ${table.bar}`,
      addressesOf(table, seen),
    );
  }
  const { pbaAt } = device.msix!;
  if (pbaAt !== undefined && (pbaAt.bar !== PBA.bar || pbaAt.offset !== PBA.start)) {
    examination.violate(
      'pba-emulated-elsewhere',
      () =>
        `the PBA of ${device.id} is emulated at ${hex(pbaAt.offset)} of BAR ${pbaAt.bar}, ` +
        `but the capability places it at ${hex(PBA.start)} of BAR ${PBA.bar}`,
      addressesOf(PBA, seen),
    );
  }
  checkRelocation(seen, { table, PBA }, examination);
}

/** Where the capability places the table or the PBA. */
interface Place extends Range {
  readonly name: 'table' | 'PBA';
  /** The BIR: the index of a BAR, or a reserved number. */
  readonly bar: number;
}

/** Whether the guest sees table and PBA where the device itself has them. */
function isOwnLayout({ device, scenario }: Seen): boolean {
  const own = scenario.devices.find(({ id }) => id === device.id)?.msix;
  const shown = device.msix!.layout;
  return (['tableBar', 'tableOffset', 'pbaBar', 'pbaOffset'] as const).every(
    (key) => own?.[key] === shown[key],
  );
}

/** The guest addresses of bytes of a BAR; `undefined` while the BAR is not mapped. */
function addressesOf(
  { bar: index, start, end }: Omit<Place, 'name'>,
  { device, scenario }: Pick<Seen, 'device' | 'scenario'>,
): Range | undefined {
  const bar = device.bars.find((other) => other.index === index);
  const base = bar && startOfBar(bar, scenario);
  return base === undefined ? undefined : { start: base + start, end: base + end };
}

/** The place lies inside a BAR that the device has. */
function checkPlace(place: Place, seen: Seen, examination: Examination): void {
  const { name, bar: index, start, end } = place;
  const { device } = seen;
  const text = (): string =>
    `the MSI-X capability of ${device.id} places the ${name} at ${span({ start, end })} of BAR ${index}`;
  if (index >= BAR_COUNT) {
    examination.violate('reserved-bir', () => `${text()}, a reserved BIR`);
    return;
  }
  const bar = device.bars.find((candidate) => candidate.index === index);
  if (bar === undefined)
    examination.violate('no-such-bar', () => `${text()}, a BAR that the device does not have`);
  else if (end > bar.size)
    examination.violate(
      'outside-bar',
      () => `${text()}, beyond the end of the BAR`,
      addressesOf(place, seen),
    );
}

/** The byte behind which the PBA ends is emulated as its first: what answers there is not the BAR itself. */
function checkPba(seen: Seen, examination: Examination): void {
  const { device, state } = seen;
  const { layout, pbaAt } = device.msix ?? {};
  if (layout === undefined || pbaAt === undefined || pbaAt.bar !== layout.pbaBar) return;
  const place = addressesOf({ bar: layout.pbaBar, ...msixPbaRange(layout) }, seen);
  if (place === undefined) return;
  const bar = device.bars.find(({ index }) => index === layout.pbaBar)!;
  const at = (address: bigint): TraceRange | undefined =>
    state.flatView.find(({ start, end }) => start <= address && address < end);
  const [first, last] = [at(place.start), at(place.end - 1n)];
  // Another BAR may hide the beginning of a PBA that the VMM does not emulate at all.
  const isEmulated = first?.region.owner === device.id && isEmulatedPba(first.region.name);
  if (!isEmulated || last?.region.owner !== device.id || startInBar(bar, last.region.name) === undefined)
    return;
  examination.violate(
    'pba-cut-short',
    () => `the last bytes of the PBA of ${device.id}, at ${rangeText(last)}, are those of the device`,
    { start: place.end - 8n, end: place.end },
  );
}

/** A device whose MSI-X stays enabled over a reset sends interrupts that the new guest does not expect. */
function checkSwitchedOff(trace: Trace, examination: Examination): void {
  for (const [step, { operation, state }] of trace.steps.entries()) {
    if (operation.op !== 'reset' || !isSettled(trace, step)) continue;
    const enabled = state.devices.find(({ msix }) => msix?.enabled === true);
    if (enabled === undefined) continue;
    examination.violate(
      'enabled-after-reset',
      () => `MSI-X of ${enabled.id} is enabled after a reset`,
      undefined,
      step,
    );
  }
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
  seen: Seen,
  { table, PBA }: { readonly table: Place; readonly PBA: Place },
  examination: Examination,
): void {
  const { device, scenario } = seen;
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
      addressesOf(place, seen),
    );
  }
}
