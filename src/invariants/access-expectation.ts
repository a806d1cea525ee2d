import { firstEndingAbove, type Offset } from '../address/index.ts';
import { ROM_SLOT, msixPbaRange, msixTableRange } from '../pci-layout/index.ts';
import type { DeviceState, State, Trace, TraceRange } from '../trace/index.ts';
import { barOf, isEmulatedPba } from './bar-bytes.ts';
import { showsPorts, startOfBar } from './bar-in-system-memory.ts';
import { configMirror } from './config-mirror.ts';
import { hasReadonlySlots } from './readonly-slots.ts';

/** What answers at one address, by the flat view and by the guest's MSI-X capability. */
export interface Expectation {
  readonly kind:
    | 'memory'
    | 'device'
    | 'emulation'
    | 'config-space'
    | 'ports'
    | 'registers'
    /** A byte that the VMM reads of the device's expansion ROM. */
    | 'rom'
    /** A byte of the expansion ROM's BAR behind the ROM, or a write to the ROM. */
    | 'no-rom'
    | 'nothing';
  /** Of the region that the flat view shows there. */
  readonly name: string;
  /** Id of the device that owns the region. */
  readonly owner: string | undefined;
  /** In the region; in the table or PBA where the byte lies in one. */
  readonly offset: bigint;
  /** Whether the byte lies in the table or PBA, by the guest's capability. */
  readonly structure: 'table' | 'pba' | undefined;
  /** Which byte of the device's own BARs lies there. */
  readonly deviceBytes: PlaceInBar | undefined;
  /** Whether no answer is an answer: a write to pending bits, or a byte that the device's own BAR does not have. */
  readonly mayBeNothing: boolean;
  /** Whether the VMM may carry out the access on the device although it emulates something there. */
  readonly mayReachDevice: boolean;
  /** Whether the flat view shows the mirror of configuration space that answers there; `undefined` without a mirror. */
  readonly mirror: 'shown' | 'missing' | undefined;
}

/** A byte of a BAR. */
interface PlaceInBar {
  readonly bar: number;
  readonly offset: bigint;
}

const NOTHING: Expectation = {
  kind: 'nothing',
  name: '',
  owner: undefined,
  offset: 0n,
  structure: undefined,
  deviceBytes: undefined,
  mayBeNothing: true,
  mayReachDevice: false,
  mirror: undefined,
};

/** What an access of one byte at `address` has to reach. */
export function expectationOf(address: bigint, write: boolean, state: State, trace: Trace): Expectation {
  const { flatView } = state;
  const range = flatView[firstEndingAbove(flatView, address)];
  if (range === undefined || range.start > address) return NOTHING;
  const { region, offset, romdMode } = range;
  const { kind, name, owner } = region;
  const at = offset + address - range.start;
  const shown = { ...NOTHING, name, owner, offset: at, mayBeNothing: false };
  const device = state.devices.find(({ id }) => id === owner);
  const missing = device && missingMirror(shown, device, trace);
  if (missing !== undefined) return missing;
  if (kind === 'ram' || kind === 'ram-device' || (kind === 'rom-device' && romdMode)) {
    const isReadonly = range.readonly || kind === 'rom-device';
    if (!write || !isReadonly) return { ...shown, kind: 'memory' };
    // Without read-only slots KVM lets the guest write ROM (vfio fact 9.3); a write without a slot is dropped.
    const isInSlot = kind === 'ram' && !hasReadonlySlots(trace.scenario);
    return isInSlot ? { ...shown, kind: 'memory', mayBeNothing: true } : NOTHING;
  }
  if (device === undefined) return { ...shown, kind: 'registers' };
  if (showsPorts(range, device, trace.scenario)) return { ...shown, kind: 'ports' };
  return ofDevice(shown, range, device, { at: at as Offset, address, write, trace });
}

/** A byte of an access, and where it lies. */
interface ByteInView {
  /** In the region that the flat view shows. */
  readonly at: Offset;
  readonly address: bigint;
  readonly write: boolean;
  readonly trace: Trace;
}

/** What trapped bytes of a device's BAR have to reach. */
function ofDevice(
  shown: Expectation,
  { region }: TraceRange,
  device: DeviceState,
  byte: ByteInView,
): Expectation {
  const { at, write, trace } = byte;
  const place = placeInBar(device, region.name, at);
  if (place === undefined) return inMirror(shown, device, byte);
  if (place.bar === ROM_SLOT) return inRom(shown, device, place, byte);
  const layout = device.msix?.layout;
  const isIn = (name: 'table' | 'pba'): boolean => {
    if (layout === undefined) return false;
    const range = name === 'table' ? msixTableRange(layout) : msixPbaRange(layout);
    const bar = name === 'table' ? layout.tableBar : layout.pbaBar;
    return bar === place.bar && range.start <= place.offset && place.offset < range.end;
  };
  const structure = isIn('table') ? 'table' : isIn('pba') ? 'pba' : undefined;
  const size = ownSize(trace, device.id, place.bar);
  const common = { ...shown, deviceBytes: place, mayBeNothing: place.offset >= size };
  if (structure === 'table' && region.name === 'msix-table')
    return {
      ...common,
      kind: 'emulation',
      structure,
      offset: place.offset - layout!.tableOffset,
      mayBeNothing: false,
    };
  // Pending bits may be the device's or the VMM's, and nothing may be written to them.
  if (structure === 'pba')
    return {
      ...common,
      kind: 'emulation',
      structure,
      offset: place.offset - layout!.pbaOffset,
      mayBeNothing: write || common.mayBeNothing,
      mayReachDevice: true,
    };
  return { ...common, kind: 'device' };
}

/**
 * What a byte of a BAR has to reach where the flat view shows the BAR itself, although the device mirrors its configuration
 * space there: the device's identity says where a mirror is, whatever the VMM shows.
 */
function missingMirror(shown: Expectation, device: DeviceState, trace: Trace): Expectation | undefined {
  const own = barOf(device, shown.name);
  if (own === undefined) return undefined;
  const place = { bar: own.bar.index, offset: own.start + shown.offset };
  const at = offsetInMirror(device, place, trace);
  return at === undefined ? undefined : { ...shown, kind: 'config-space', offset: at, mirror: 'missing' };
}

/** What a byte of the expansion ROM has to reach: reads of what the host lets be read, and nothing else. */
function inRom(
  shown: Expectation,
  { id }: DeviceState,
  place: PlaceInBar,
  { write, trace }: ByteInView,
): Expectation {
  const rom = trace.scenario.devices.find((device) => device.id === id)?.rom;
  const contents = rom?.contents ?? rom?.size ?? 0n;
  const isRead = !write && place.offset < contents;
  return { ...shown, deviceBytes: place, kind: isRead ? 'rom' : 'no-rom', mayBeNothing: !isRead };
}

/** The byte of the configuration space that a byte of a BAR mirrors. */
function offsetInMirror(
  { id }: DeviceState,
  { bar, offset }: PlaceInBar,
  { scenario }: Trace,
): bigint | undefined {
  const spec = scenario.devices.find((device) => device.id === id);
  const mirror = spec && configMirror(scenario, spec, bar);
  const isInside = mirror !== undefined && mirror.start <= offset && offset < mirror.end;
  return isInside ? offset - mirror.start : undefined;
}

/** What a region over a BAR, which is not of MSI-X, has to reach: a mirror or else the device. */
function inMirror(shown: Expectation, device: DeviceState, byte: ByteInView): Expectation {
  const places = placesOf(device, byte);
  for (const each of places) {
    const at = offsetInMirror(device, each, byte.trace);
    if (at !== undefined) return { ...shown, kind: 'config-space', offset: at, mirror: 'shown' };
  }
  const [place] = places;
  return place === undefined
    ? { ...shown, kind: 'registers' }
    : { ...shown, kind: 'device', deviceBytes: place };
}

/** The bytes of a device's BARs at an address: several where BARs overlap. */
const placesOf = (device: DeviceState, { address, trace }: ByteInView) =>
  device.bars.flatMap((bar) => {
    const start = startOfBar(bar, trace.scenario);
    const isInside = start !== undefined && start <= address && address < start + bar.size;
    return isInside ? [{ bar: bar.index, offset: address - start }] : [];
  });

/** Which byte of a BAR lies at an offset in a region of the device. */
function placeInBar(device: DeviceState, region: string, at: Offset): PlaceInBar | undefined {
  const own = barOf(device, region);
  if (own !== undefined) return { bar: own.bar.index, offset: own.start + at };
  const { emulatedAt, pbaAt, layout } = device.msix ?? {};
  if (layout === undefined) return undefined;
  if (region === 'msix-table') {
    const table = emulatedAt ?? { bar: layout.tableBar, offset: layout.tableOffset };
    return { bar: table.bar, offset: table.offset + at };
  }
  if (!isEmulatedPba(region)) return undefined;
  const pba = pbaAt ?? { bar: layout.pbaBar, offset: layout.pbaOffset };
  return { bar: pba.bar, offset: pba.offset + at };
}

/** Bytes of the device's own BAR; 0 for a BAR that only relocation adds. */
const ownSize = ({ scenario }: Trace, device: string, bar: number): bigint =>
  scenario.devices.find(({ id }) => id === device)?.bars.find(({ index }) => index === bar)?.size ?? 0n;
