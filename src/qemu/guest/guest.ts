import type { Range } from '../../address/index.ts';
import {
  MSIX_ENTRY_BYTES,
  MSIX_VECTOR_CONTROL,
  PciRegister,
  ROM_SLOT,
  barRegister,
  registerOf,
  romRegister,
  sizingProbe,
  type AccessWidth,
} from '../../pci-layout/index.ts';
import type { BarSpec, DeviceSpec, Operation } from '../../scenario/index.ts';
import type { State } from '../../trace/index.ts';
import type { QtestClient } from '../process/qtest-client.ts';
import { runCycles, type ConfigAccess, type ConfigCycle } from './config-access.ts';
import type { PluggedDevice } from './plugged-device.ts';

type BarAccess = Extract<Operation, { op: 'access-bar' }>;
/** What a guest writes into a register to find which bits it can write. */
const ALL_ONES = 0xffff_ffffn;

/** The type bits of a memory BAR. */
const TYPE_BITS = 0xfn;

/** What a guest's kernel does to its devices, played over qtest. */
export class Guest {
  readonly #qtest: QtestClient;
  readonly #config: ConfigAccess;
  readonly #lowWindowOffset: bigint;

  /** @param lowWindowOffset what the CPU adds to a 32-bit bus address to reach it. */
  constructor(qtest: QtestClient, config: ConfigAccess, lowWindowOffset: bigint) {
    this.#qtest = qtest;
    this.#config = config;
    this.#lowWindowOffset = lowWindowOffset;
  }

  /** Writes back the registers that the guest has changed since the plug. The device then decodes nothing. */
  async restore(device: PluggedDevice): Promise<void> {
    const changed = [...device.registers]
      .filter(([, { value, original }]) => value !== original)
      // COMMAND comes first, so that the device decodes nothing while its BARs change.
      .toSorted(([a], [b]) => a - b);
    await this.#run(
      changed.map(([register, { width, original }]) =>
        this.#config.write(device.at(register), width, original),
      ),
    );
    device.registers.clear();
  }

  /** Programs a BAR. A 64-bit BAR takes two writes, low half first. */
  async setBar(device: PluggedDevice, bar: number, address: bigint): Promise<void> {
    const register = barRegister(bar);
    const low = this.#write(device, register, 4, Number(BigInt.asUintN(32, address)));
    if (!is64Bit(device.spec, bar)) return void (await this.#run([low]));
    const high = this.#write(device, register + 4, 4, Number(BigInt.asUintN(32, address >> 32n)));
    await this.#run([low, high]);
  }

  /** Programs the expansion ROM. */
  async setRom(device: PluggedDevice, address: bigint, enabled: boolean): Promise<void> {
    const value = romRegister(address, enabled);
    await this.#run([this.#write(device, PciRegister.EXPANSION_ROM, 4, value)]);
  }

  /**
   * Sizes a BAR: writes all ones to each half in turn, reads it, and writes the old value back.
   *
   * @param probe what to write into the first half in place of all ones.
   */
  async sizeBar(device: PluggedDevice, bar: number, probe?: bigint): Promise<void> {
    const register = registerOf(bar);
    const registers = is64Bit(device.spec, bar) ? [register, register + 4] : [register];
    const values = await this.#run(registers.map((at) => this.#config.read(device.at(at), 4)));
    await this.#run(
      registers.flatMap((at, index) => [
        this.#config.write(
          device.at(at),
          4,
          Number(index === 0 ? (probe ?? sizingProbe(bar, values[0]!)) : ALL_ONES),
        ),
        this.#config.read(device.at(at), 4),
        this.#config.write(device.at(at), 4, values[index]!),
      ]),
    );
  }

  /** Sets or clears a bit of a 16-bit register. */
  async setBit(device: PluggedDevice, register: number, bit: number, on: boolean): Promise<void> {
    const [value] = await this.#run([this.#config.read(device.at(register), 2)]);
    await this.#run([this.#write(device, register, 2, on ? value! | bit : value! & ~bit, value)]);
  }

  /**
   * Writes the vector control word of an MSI-X vector. Does nothing where the CPU cannot reach the table.
   *
   * @param view system memory now.
   */
  async maskVector(
    device: PluggedDevice,
    vector: number,
    masked: boolean,
    view: State['flatView'],
  ): Promise<void> {
    if (device.msix === undefined) return;
    const { tableBar, tableOffset } = device.msix.layout;
    const bar = device.spec.bars.find(({ index }) => index === tableBar);
    if (bar === undefined || bar.type === 'io') return;
    const inTable = MSIX_ENTRY_BYTES * BigInt(vector) + MSIX_VECTOR_CONTROL;
    const gpa = (await this.#addressOf(device, bar)) + tableOffset + inTable;
    const range = view.find(({ start, end }) => start <= gpa && gpa < end);
    if (range === undefined || range.region.owner !== device.spec.id) return;
    const offset = range.offset + (gpa - range.start);
    const isTable = range.region.name === 'msix-table' && offset === inTable;
    const layers = device.regions.layers.get(tableBar) ?? [];
    const isBar = layers.some(({ region }) => region === range.region.name);
    if (!isTable && !isBar) return;
    await this.#qtest.send([`writel 0x${gpa.toString(16)} ${masked ? '0x1' : '0x0'}`]);
  }

  /**
   * Reads a BAR, or writes all ones to it, which leave MSI-X vectors masked. Does nothing where the CPU does not see
   * the BAR, and writes nothing that is not the device's.
   *
   * @param view system memory now.
   */
  async accessBar(device: PluggedDevice, access: BarAccess, view: State['flatView']): Promise<void> {
    const { bar: index, offset, width, write } = access;
    const bar = barOrRom(device.spec, index);
    if (bar === undefined || bar.type === 'io') return;
    const gpa = (await this.#addressOf(device, bar)) + offset;
    const end = gpa + BigInt(width);
    const layers = device.regions.layers.get(index) ?? [];
    const own = view.filter(({ region }) => region.owner === device.spec.id);
    const isSeen = own.some(({ region }) => layers.some((layer) => layer.region === region.name));
    const bytesOfDevice = own.reduce((sum, range) => sum + sharedBytes(range, { start: gpa, end }), 0n);
    if (!isSeen || (write && bytesOfDevice < BigInt(width))) return;
    const letter = { 1: 'b', 2: 'w', 4: 'l', 8: 'q' }[width];
    const ones = ((1n << BigInt(8 * width)) - 1n).toString(16);
    const place = `0x${gpa.toString(16)}`;
    await this.#qtest.send([write ? `write${letter} ${place} 0x${ones}` : `read${letter} ${place}`]);
  }

  /** The address at which the CPU reaches a memory BAR. */
  async #addressOf(device: PluggedDevice, { index, size }: Pick<BarSpec, 'index' | 'size'>): Promise<bigint> {
    const register = registerOf(index);
    const [low, high] = await this.#run([
      this.#config.read(device.at(register), 4),
      this.#config.read(device.at(register + 4), 4),
    ]);
    const written = BigInt(low!) | (is64Bit(device.spec, index) ? BigInt(high!) << 32n : 0n);
    const address = written & ~TYPE_BITS & -size;
    const isLow = address >= 0x8000_0000n && address < 1n << 32n;
    return address + (isLow ? this.#lowWindowOffset : 0n);
  }

  #run(cycles: readonly ConfigCycle[]): Promise<number[]> {
    return runCycles(this.#qtest, cycles);
  }

  /** @param original the value before, where the guest has not written to the register since the plug. */
  #write(
    device: PluggedDevice,
    register: number,
    width: AccessWidth,
    value: number,
    original = 0,
  ): ConfigCycle {
    const before = device.registers.get(register);
    device.registers.set(register, { width, value, original: before?.original ?? original });
    return this.#config.write(device.at(register), width, value);
  }
}

/** How many addresses two ranges share. */
const sharedBytes = (a: Range, b: Range): bigint => {
  const [start, end] = [a.start > b.start ? a.start : b.start, a.end < b.end ? a.end : b.end];
  return end > start ? end - start : 0n;
};

/** A BAR, or the expansion ROM as a memory BAR of 32 bits. */
const barOrRom = (
  { bars, rom }: DeviceSpec,
  index: number,
): Pick<BarSpec, 'index' | 'size' | 'type'> | undefined =>
  index === ROM_SLOT
    ? rom && { index, size: rom.size, type: 'mem32' }
    : bars.find((bar) => bar.index === index);

const is64Bit = (spec: DeviceSpec, bar: number): boolean =>
  spec.bars.find(({ index }) => index === bar)?.type.startsWith('mem64') ?? false;
