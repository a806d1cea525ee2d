import {
  bytes,
  contains,
  hex,
  isAligned,
  overlaps,
  powerOfTwoCeiling,
  type Range,
  type Size,
} from '../../address/index.ts';
import { ROM_SLOT, SMALLEST_ROM } from '../../pci-layout/index.ts';
import { isColdPlugged, type BarSpec, type DeviceSpec, type Operation, type Scenario } from '../scenario.ts';
import { slotName } from '../slot-name.ts';
import type { Need, NeedKind } from './need.ts';
import { pciWindows, type PciWindows } from './pci-windows.ts';

const is64Bit = ({ type }: BarSpec): boolean => type.startsWith('mem64');

/** What the operations need and neither firmware nor an operating system does; each need once. */
export const operationNeeds = (scenario: Scenario): readonly Need[] => new Walk(scenario).needs();

/** A device as the guest has programmed it. */
interface Programmed {
  readonly spec: DeviceSpec;
  /** The addresses of the BARs that have one, by index. */
  readonly addresses: Map<number, bigint>;
  /** Where the expansion ROM answers; `undefined` while its own register disables it. */
  rom: Range | undefined;
  decoding: boolean;
}

/** Follows the operations, and notes what only a test does. */
class Walk {
  readonly #scenario: Scenario;
  readonly #windows: PciWindows;
  readonly #plugged = new Map<string, Programmed>();
  readonly #needs = new Map<string, Need>();

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    this.#windows = pciWindows(scenario);
    for (const device of scenario.devices) if (isColdPlugged(scenario, device.id)) this.#plug(device);
  }

  needs(): readonly Need[] {
    for (const operation of this.#scenario.operations) this.#follow(operation);
    return [...this.#needs.values()];
  }

  #note(kind: NeedKind, text: string): void {
    this.#needs.set(text, { kind, text });
  }

  #plug(spec: DeviceSpec): void {
    this.#plugged.set(spec.id, { spec, addresses: new Map(), rom: undefined, decoding: false });
  }

  #follow(operation: Operation): void {
    switch (operation.op) {
      case 'add-region':
        if (isHotPlugged(operation, this.#scenario) || isShadow(operation, this.#scenario)) return;
        this.#note('overlay', `an overlay of ${bytes(operation.size)} at ${hex(operation.address)}`);
        return;
      case 'begin':
        this.#note('transaction', 'several changes in one transaction');
        return;
      case 'access-bar':
        if (operation.offset % BigInt(operation.width) !== 0n)
          this.#note('access', `an access of ${bytes(BigInt(operation.width))} off its alignment`);
        return;
      case 'hotplug':
        this.#plug(this.#scenario.devices.find(({ id }) => id === operation.device)!);
        return;
      case 'unplug':
        this.#plugged.delete(operation.device);
        return;
      case 'reset':
        for (const { spec } of [...this.#plugged.values()]) this.#plug(spec);
        return;
      case 'set-bar':
      case 'set-rom':
      case 'size-bar':
      case 'enable-memory':
      case 'disable-memory': {
        const device = this.#plugged.get(operation.device);
        if (device !== undefined) this.#program(device, operation);
        return;
      }
      default:
    }
  }

  #program(
    device: Programmed,
    operation: Extract<
      Operation,
      { op: 'set-bar' | 'set-rom' | 'size-bar' | 'enable-memory' | 'disable-memory' }
    >,
  ): void {
    switch (operation.op) {
      case 'set-bar':
        this.#setBar(device, operation.bar, operation.address);
        return;
      case 'set-rom':
        this.#setRom(device, operation.address, operation.enabled);
        return;
      case 'size-bar':
        if (device.decoding)
          this.#note('order', `a BAR of ${device.spec.id} sized while the device's memory is enabled`);
        return;
      case 'enable-memory':
        this.#enable(device);
        return;
      case 'disable-memory':
        device.decoding = false;
    }
  }

  /** Operating systems enable memory only when every memory BAR has an address of its own. */
  #enable(device: Programmed): void {
    device.decoding = true;
    const { spec, addresses } = device;
    for (const { index, type } of spec.bars) {
      if (type !== 'io' && !addresses.has(index))
        this.#note('order', `${spec.id} with memory enabled before BAR ${index} has an address`);
    }
    for (const bar of spec.bars) this.#lookForOverlap(device, bar.index);
    this.#lookForOverlap(device, ROM_SLOT);
  }

  #setBar(device: Programmed, index: number, address: bigint): void {
    const { spec, addresses, decoding } = device;
    const bar = spec.bars.find((other) => other.index === index);
    if (bar === undefined || bar.type === 'io') return;
    const name = `${spec.id} BAR ${index}`;
    const range = { start: address, end: address + bar.size };
    const { low, high } = this.#windows;
    const isInside = contains(low, range) || (is64Bit(bar) && high !== undefined && contains(high, range));
    if (!isInside) this.#note('placement', `${name} at ${hex(address)}, where firmware puts no BAR`);
    else if (!isAligned(address, bar.size))
      this.#note('placement', `${name} at ${hex(address)}, off its alignment`);
    // The two halves are two writes, with a wrong address between them.
    if (decoding && is64Bit(bar) && addresses.get(index) !== address)
      this.#note('order', `${name} moved while the device's memory is enabled`);
    addresses.set(index, address);
    if (decoding) this.#lookForOverlap(device, index);
  }

  /** Firmware and drivers enable a ROM only while it has an address of its own. */
  #setRom(device: Programmed, address: bigint, enabled: boolean): void {
    const { id } = device.spec;
    const size = sizeOfRom(device.spec);
    const range = { start: address, end: address + size };
    device.rom = enabled ? range : undefined;
    if (!contains(this.#windows.low, range))
      this.#note('placement', `the ROM of ${id} at ${hex(address)}, where firmware puts no BAR`);
    else if (!isAligned(address, size))
      this.#note('placement', `the ROM of ${id} at ${hex(address)}, off its alignment`);
    if (device.decoding) this.#lookForOverlap(device, ROM_SLOT);
  }

  #lookForOverlap(device: Programmed, index: number): void {
    const own = placesOf(device).find((place) => place.index === index);
    if (own === undefined) return;
    for (const other of this.#plugged.values()) {
      if (!other.decoding) continue;
      for (const place of placesOf(other)) {
        if ((other === device && place.index === index) || !overlaps(own.range, place.range)) continue;
        const names = [`${device.spec.id} ${slotName(index)}`, `${other.spec.id} ${slotName(place.index)}`];
        this.#note('placement', `${names.toSorted().join(' and ')} at one address`);
      }
    }
  }
}

/** The BIOS area of a PC, in which firmware makes its shadow read-only (PAM registers). */
const BIOS_AREA: Range = { start: 0xc_0000n, end: 0x10_0000n };

/** Whether the region is a virtio-mem behind RAM and the PCI windows below 4 GiB, where users plug memory. */
const isHotPlugged = (
  { kind, address }: Extract<Operation, { op: 'add-region' }>,
  { machine }: Scenario,
): boolean => kind === 'virtio-mem' && address >= (1n << 32n) + machine.ram;

/** Whether the region is what the PAM registers of a PC show in one of their stretches, of 16 or 64 KiB. */
function isShadow(
  { kind, address, size, priority }: Extract<Operation, { op: 'add-region' }>,
  { machine }: Scenario,
): boolean {
  const isPc = machine.type === 'pc' || machine.type === 'q35';
  const stretch = { start: address, end: address + size };
  const isStretch = address < 0xf_0000n ? size === 0x4000n : size === 0x1_0000n;
  return (
    isPc &&
    kind === 'readonly-ram' &&
    priority === 1 &&
    isStretch &&
    isAligned(address, size) &&
    contains(BIOS_AREA, stretch)
  );
}

/** Where the memory BARs and the expansion ROM of a device lie, of those that have an address. */
function placesOf({ spec, addresses, rom }: Programmed): readonly { index: number; range: Range }[] {
  const places = spec.bars.flatMap(({ index, type, size }) => {
    const address = addresses.get(index);
    if (address === undefined || type === 'io') return [];
    return [{ index, range: { start: address, end: address + size } }];
  });
  return rom === undefined ? places : [...places, { index: ROM_SLOT, range: rom }];
}

/** Bytes of the ROM that the guest sees: the device's, or that of a file, whose register decodes a power of two. */
function sizeOfRom({ rom, options: { romfile } }: DeviceSpec): Size {
  return romfile === undefined ? (rom?.size ?? SMALLEST_ROM) : powerOfTwoCeiling(romfile);
}
