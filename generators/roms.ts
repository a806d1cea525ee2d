import { alignDown, alignUp, offset, overlaps, powerOfTwoCeiling, type Range } from '../src/address/index.ts';
import { ROM_SLOT } from '../src/pci-layout/index.ts';
import {
  pciWindows,
  type CpuAccessWidth,
  type DeviceOptionsSpec,
  type DeviceSpec,
  type Operation,
  type RomSpec,
  type Scenario,
} from '../src/scenario/index.ts';
import type { Choose } from './choose.ts';
import { pluggedAtEnd } from './later-changes.ts';
import { Placement } from './placement.ts';

/** How many of a hundred scenarios have a device with an expansion ROM. */
export const ROM_SHARE = 12;
/** Of a hundred of these, how many show a file of the user's. */
const ROMFILE_SHARE = 20;
/** Of a hundred of these, how many have a card whose ROM hangs its host: BCM57810 (vfio fact 5.23). */
const HANGING_SHARE = 12;
const HANGING = { vendor: 0x14e4, device: 0x168e } as const;

const MOST_READS = 3;

/** What kinds of ROM may be drawn. */
export interface RomOptions {
  /** Whether a real machine has to show the scenario. */
  readonly isReal: boolean;
}

/**
 * Gives a device of a few scenarios an expansion ROM, which the guest programs and reads at their end: nothing else of
 * them changes.
 */
export function withRom(choose: Choose, scenario: Scenario, options: RomOptions): Scenario {
  const plugged = pluggedAtEnd(scenario);
  if (!choose.chance(ROM_SHARE) || plugged.length === 0) return scenario;
  const device = choose.among(plugged);
  const equipped = equip(choose, device, scenario, options);
  const devices = scenario.devices.map((other) => (other === device ? equipped : other));
  const changed = { ...scenario, devices };
  const operations = [...scenario.operations, ...chooseRomOperations(choose, changed, options.isReal)];
  return { ...changed, operations };
}

/** The device with an expansion ROM, and with the user's properties for it. */
function equip(choose: Choose, device: DeviceSpec, { host }: Scenario, { isReal }: RomOptions): DeviceSpec {
  const rom = chooseRom(choose, host.iommu.type === 'vfio-user' && !isReal);
  const hangs = choose.chance(HANGING_SHARE) && device.vendor === 0;
  const equipped = { ...device, ...(hangs && HANGING), rom };
  const file = chooseFile(choose);
  // The user decides whether the guest may see a ROM that hangs the host.
  const options = hangs
    ? choose.weighted<DeviceOptionsSpec>([5, {}], [4, { rombar: true }], [1, { romfile: file }])
    : choose.weighted<DeviceOptionsSpec>(
        [100 - ROMFILE_SHARE - 10, {}],
        [ROMFILE_SHARE, { romfile: file }],
        [7, { rombar: false }],
        [3, { rombar: true }],
      );
  return { ...equipped, options: { ...device.options, ...options } };
}

function chooseRom(choose: Choose, anyContents: boolean): RomSpec {
  const size = choose.weighted<() => bigint>(
    [2, () => 1n << BigInt(choose.integer(11, 13))],
    [6, () => 1n << BigInt(choose.integer(14, 19))],
    [1, () => 1n << BigInt(choose.integer(20, 24))],
  )();
  const contents = choose.weighted<() => bigint>(
    [7, () => size],
    [2, () => 0n],
    [2, () => (anyContents ? choose.among([size / 2n, size - 0x200n, size - 1n]) : size)],
  )();
  return { size, ...(contents !== size && { contents }) };
}

/** Bytes of an option ROM's image: units of 512 bytes, seldom a power of two of them. */
const chooseFile = (choose: Choose): bigint =>
  choose.weighted<() => bigint>(
    [6, () => 0x200n * choose.bigint(1n, 512n)],
    [2, () => 1n << BigInt(choose.integer(9, 20))],
    [1, () => choose.bigint(1n, 0x1_0000n)],
  )();

/** What firmware and drivers do with the ROM of a device that is plugged in: nothing where no device has one. */
export function chooseRomOperations(
  choose: Choose,
  scenario: Scenario,
  isReal: boolean,
): readonly Operation[] {
  const device = pluggedAtEnd(scenario).find(({ rom }) => rom !== undefined);
  if (device?.rom === undefined) return [];
  const program = new RomProgram(choose, scenario, device, { isReal, size: sizeOf(device, device.rom) });
  return program.write();
}

/** Bytes of the ROM that the guest sees. */
const sizeOf = ({ options: { romfile } }: DeviceSpec, { size }: RomSpec): bigint =>
  romfile === undefined ? size : powerOfTwoCeiling(romfile);

class RomProgram {
  readonly #choose: Choose;
  readonly #scenario: Scenario;
  readonly #device: string;
  readonly #isReal: boolean;
  readonly #size: bigint;
  readonly #operations: Operation[] = [];
  readonly #isDecoding: boolean;

  constructor(
    choose: Choose,
    scenario: Scenario,
    { id }: DeviceSpec,
    { isReal, size }: { readonly isReal: boolean; readonly size: bigint },
  ) {
    this.#choose = choose;
    this.#scenario = scenario;
    this.#device = id;
    this.#isReal = isReal;
    this.#size = size;
    this.#isDecoding = isDecodingAtEnd(scenario, id);
  }

  write(): readonly Operation[] {
    const choose = this.#choose;
    const device = this.#device;
    this.#program(!choose.chance(10));
    // Operating systems enable memory only when every BAR has an address.
    if (!this.#isDecoding && !this.#isReal && choose.chance(85)) this.#add({ op: 'enable-memory', device });
    if (choose.chance(70)) this.#read();
    const later = choose.integer(0, 2);
    for (let count = 0; count < later; count++) {
      choose.weighted<() => void>(
        [6, () => this.#program(choose.chance(65))],
        [4, () => this.#sizeRom()],
        [3, () => this.#read()],
        [3, () => this.#toggle()],
      )();
    }
    choose.weighted<() => void>(
      [16, () => undefined],
      [2, () => this.#add({ op: 'reset' })],
      [2, () => this.#add({ op: 'unplug', device })],
    )();
    return this.#operations;
  }

  #add(operation: Operation): void {
    this.#operations.push(operation);
  }

  #program(enabled: boolean): void {
    const address = this.#isReal ? this.#freePlace() : this.#anyPlace();
    if (address !== undefined) this.#add({ op: 'set-rom', device: this.#device, address, enabled });
  }

  #sizeRom(): void {
    const device = this.#device;
    const quietly = this.#isDecoding && (this.#isReal || this.#choose.chance(50));
    if (quietly) this.#add({ op: 'disable-memory', device });
    this.#add({ op: 'size-bar', device, bar: ROM_SLOT });
    if (quietly) this.#add({ op: 'enable-memory', device });
  }

  #toggle(): void {
    if (!this.#isDecoding) return;
    this.#add({ op: 'disable-memory', device: this.#device });
    this.#add({ op: 'enable-memory', device: this.#device });
  }

  #read(): void {
    const choose = this.#choose;
    const size = this.#size;
    for (let count = choose.integer(1, MOST_READS); count > 0; count--) {
      const width = choose.weighted<CpuAccessWidth>([4, 4], [2, 1], [2, 2], [2, 8]);
      const place = choose.weighted<() => bigint>(
        [3, () => 0n],
        [3, () => size - 1n],
        [2, () => size / 2n],
        [4, () => choose.bigint(0n, size - 1n)],
      )();
      const at = alignDown(place, BigInt(width));
      const write = choose.chance(20);
      this.#add({ op: 'access-bar', device: this.#device, bar: ROM_SLOT, offset: offset(at), width, write });
    }
  }

  #anyPlace(): bigint {
    const { type, hostPageSize, cpu } = this.#scenario.machine;
    const placement = new Placement(type, hostPageSize, cpu?.physBits);
    const bar = { index: ROM_SLOT, size: this.#size, type: 'mem32', mmap: false } as const;
    const choose = this.#choose;
    const free = choose.chance(60) ? this.#freePlace() : undefined;
    return alignDown(free ?? placement.anywhere(choose, bar), 0x800n);
  }

  /** A free multiple of the ROM's size in the window below 4 GiB, often right behind a BAR. */
  #freePlace(): bigint | undefined {
    const { low } = pciWindows(this.#scenario);
    const size = this.#size > 0x800n ? this.#size : 0x800n;
    const taken = placedBars(this.#scenario);
    const first = alignUp(low.start, size);
    const places = [...taken.map(({ end }) => alignUp(end, size)), first, first + size, first + 64n * size];
    const free = places.filter((start) => {
      const range = { start, end: start + size };
      const isInside = range.start >= low.start && range.end <= low.end;
      return isInside && !taken.some((other) => overlaps(other, range));
    });
    return free.length === 0 ? undefined : this.#choose.among(free);
  }
}

/** Every place at which the guest has put a memory BAR. */
const placedBars = ({ devices, operations }: Scenario): readonly Range[] =>
  operations.flatMap((operation) => {
    if (operation.op !== 'set-bar') return [];
    const bars = devices.find(({ id }) => id === operation.device)?.bars;
    const bar = bars?.find(({ index }) => index === operation.bar);
    if (bar === undefined || bar.type === 'io') return [];
    return [{ start: operation.address, end: operation.address + bar.size }];
  });

/** Whether memory of the device is enabled after the last operation. */
function isDecodingAtEnd({ operations }: Scenario, device: string): boolean {
  const last = operations.findLast(
    (operation) =>
      operation.op === 'reset' ||
      ('device' in operation &&
        operation.device === device &&
        ['enable-memory', 'disable-memory', 'hotplug'].includes(operation.op)),
  );
  return last?.op === 'enable-memory';
}
