import { offset, type Offset } from '../../address/index.ts';
import type { FlatRange } from '../../memory/index.ts';
import { ROM_SLOT, msixPbaSize, msixTableSize } from '../../pci-layout/index.ts';
import type { AccessPart, Reached } from '../event.ts';
import type { RegisteredRom } from '../rom-set-up.ts';
import type { VfioDevice } from '../vfio-device.ts';
import type { AccessRules, BarStructure, CallbackAccess, RegionWidths } from './access-rules.ts';
import type { CpuAccess } from './through-memslots.ts';

/** What an access may meet. */
export interface AccessEnvironment {
  readonly rules: AccessRules;
  /** The range of the flat view of system memory that holds an address. */
  readonly rangeAt: (address: bigint) => FlatRange | undefined;
  /** The device with the id; `undefined` if none has it. */
  readonly deviceOf: (id: string | undefined) => VfioDevice | undefined;
}

/** The region of the PBA that QEMU gives a vfio-user device (vfio fact 5.14). */
const SERVED_PBA = 'VFIO MSIX PBA';
const NOTHING: Reached = { kind: 'nothing' };

/** The accesses that the callbacks of a region are made for (memory fact 4.3). */
const REGISTERS: RegionWidths = { widest: 8, unaligned: false };
/** The operations of the ROM name no width, so they get 4 bytes at most. */
const ROM: RegionWidths = { widest: 4, unaligned: false };
const MEMORY: RegionWidths = { widest: 8, unaligned: true };

/**
 * Carries out an access that exits to QEMU (flatview_read and flatview_write): it is cut where another section begins,
 * and by what the callbacks of each region take.
 *
 * @throws VmmAbort where a callback crashes.
 */
export function accessMemory(
  { address, width, write }: CpuAccess,
  environment: AccessEnvironment,
): readonly AccessPart[] {
  const { rangeAt } = environment;
  const parts: AccessPart[] = [];
  const end = address + BigInt(width);
  for (let at = address; at < end;) {
    const range = rangeAt(at);
    if (range === undefined) {
      parts.push({ address: at, size: 1, reached: NOTHING });
      at += 1n;
      continue;
    }
    const inRegion = offset(range.offset + at - range.start);
    const whole = { offset: inRegion, width: Number(end - at), write };
    const size = pieceOf(whole, range, at, environment);
    parts.push({ address: at, size, reached: reach({ ...whole, width: size }, range, environment) });
    at += BigInt(size);
  }
  return parts;
}

/** How many bytes of the access the region gets at once. */
function pieceOf(
  access: CallbackAccess,
  range: FlatRange,
  at: bigint,
  { rules, deviceOf }: AccessEnvironment,
): number {
  const { region } = range;
  const shown = deviceOf(region.owner)?.rom;
  const rom = shown?.region === region ? shown : undefined;
  const contiguous = rules.clampsToSection(region) ? range.end - at : region.size - access.offset;
  const readable = rom === undefined ? contiguous : endOfContents(contiguous, access, rom);
  const left = readable < BigInt(access.width) ? Number(readable) : access.width;
  // Memory takes what is left; the callbacks of other regions are called with what they are made for.
  return rules.pieceWidth(
    { ...access, width: Math.max(left, 1) },
    region.isRam ? MEMORY : rom === undefined ? REGISTERS : ROM,
  );
}

/** How many bytes QEMU copies at once: what the host lets be read of the ROM ends before the ROM's BAR (vfio_rom_read). */
function endOfContents(
  contiguous: bigint,
  { offset: at }: CallbackAccess,
  { contents }: RegisteredRom,
): bigint {
  const left = contents - at;
  return left > 0n && left < contiguous ? left : contiguous;
}

/** What the region does with the access. */
function reach(access: CallbackAccess, range: FlatRange, environment: AccessEnvironment): Reached {
  const { region, readonly, romdMode } = range;
  const { name, kind, owner } = region;
  if (region.isRam || (kind === 'rom-device' && romdMode)) {
    if (access.write && (readonly || kind === 'rom-device')) return NOTHING;
    return { kind: 'memory', region: name, owner, offset: access.offset };
  }
  const device = environment.deviceOf(owner);
  if (device === undefined) return { kind: 'registers', region: name, offset: access.offset };
  if (device.rom?.region === region) return reachRom(device, access, environment.rules);
  const place = placeInBar(device, name, access.offset);
  return place === undefined
    ? NOTHING
    : reachBar(device, { ...access, ...place, region: name }, environment.rules);
}

/** What the expansion ROM does with the access: QEMU reads the device's ROM for the guest. */
function reachRom({ id, rom }: VfioDevice, access: CallbackAccess, rules: AccessRules): Reached {
  if (!rules.reachesRom(access, rom!.contents)) return NOTHING;
  const at = rules.deviceOffset({ ...access, bar: ROM_SLOT });
  return { kind: 'device', device: id, bar: ROM_SLOT, offset: at };
}

/** The place of an access in a BAR, and what the memory core has found there. */
interface FoundInBar {
  readonly bar: number;
  /** In the BAR. */
  readonly offset: Offset;
  readonly found: BarStructure;
}

/** Where in a BAR an offset in a region of the device lies; `undefined` for a region without callbacks. */
function placeInBar(
  { msixRegions, regions, quirks }: VfioDevice,
  region: string,
  at: Offset,
): FoundInBar | undefined {
  const quirk = quirks.find((placed) => placed.region === region);
  if (quirk !== undefined)
    return { bar: quirk.bar, offset: offset(quirk.offset + at), found: 'config-space' };
  if (msixRegions !== undefined && region === 'msix-table')
    return { bar: msixRegions.tableBar, offset: offset(msixRegions.tableOffset + at), found: 'table' };
  if (msixRegions !== undefined && (region === 'msix-pba' || region === SERVED_PBA))
    return { bar: msixRegions.pbaBar, offset: offset(msixRegions.pbaOffset + at), found: 'pba' };
  // The wrapper of a BAR is a region without callbacks (vfio fact 5.4).
  const own = regions.find(({ bar }) => bar?.name === region);
  return own && { bar: own.index, offset: at, found: 'device' };
}

/** What answers an access to a BAR of the device. */
function reachBar(
  device: VfioDevice,
  { bar, offset: at, width, write, found, region }: CallbackAccess & FoundInBar & { readonly region: string },
  rules: AccessRules,
): Reached {
  const { id, msixRegions: layout } = device;
  const access = { bar, offset: at, width, write };
  const structure = rules.route(access, found, layout);
  if (structure === 'config-space') return reachConfigSpace(device, access, region);
  // vfio-user reads the PBA of the device (vfio fact 5.14).
  const isServed = structure === 'pba' && region === SERVED_PBA && !write;
  if (structure === 'device' || layout === undefined || isServed)
    return { kind: 'device', device: id, bar, offset: rules.deviceOffset(access) };
  const [start, size] =
    structure === 'table'
      ? [layout.tableOffset, msixTableSize(layout.vectors)]
      : [layout.pbaOffset, msixPbaSize(layout.vectors)];
  const inside = { offset: offset(at - start), width, write };
  if (!rules.accepts(structure, inside, size)) return NOTHING;
  if (structure === 'table') return { kind: 'msix-table', device: id, offset: inside.offset };
  const polled = write ? undefined : rules.polledVectors(inside, layout.vectors);
  return { kind: 'msix-pba', device: id, offset: inside.offset, ...(polled && { polled }) };
}

/** What a mirror of configuration space does with an access: bytes that the device does not have answer nothing. */
function reachConfigSpace(
  { id, quirks, configSize }: VfioDevice,
  { offset: at, width }: CallbackAccess,
  region: string,
): Reached {
  // Where a patch has put a mirror without a quirk, the mirror begins with the BAR.
  const start = quirks.find((placed) => placed.region === region)?.offset ?? 0n;
  const inside = offset(at - start);
  return inside + BigInt(width) <= configSize
    ? { kind: 'config-space', device: id, offset: inside }
    : NOTHING;
}
