import {
  MSIX_ENTRY_BYTES,
  MSIX_VECTOR_CONTROL,
  barRegister,
  type AccessWidth,
} from '../../pci-layout/index.ts';
import type { DeviceSpec } from '../../scenario/index.ts';
import type { State } from '../../trace/index.ts';
import { runCycles, type ConfigAccess, type ConfigCycle } from './config-access.ts';
import type { PluggedDevice } from './plugged-device.ts';
import type { QtestClient } from '../process/qtest-client.ts';

/** What a guest's kernel does to its devices, played over qtest. */
export class Guest {
  readonly #qtest: QtestClient;
  readonly #config: ConfigAccess;
  readonly #lowWindowOffset: bigint;

  /** @param lowWindowOffset what the CPU adds to a bus address of 32 bits to reach it. */
  constructor(qtest: QtestClient, config: ConfigAccess, lowWindowOffset: bigint) {
    this.#qtest = qtest;
    this.#config = config;
    this.#lowWindowOffset = lowWindowOffset;
  }

  #run(cycles: readonly ConfigCycle[]): Promise<number[]> {
    return runCycles(this.#qtest, cycles);
  }

  /** Undoes what was done to the registers of a device since it was plugged in; it decodes nothing any more. */
  async restore(device: PluggedDevice): Promise<void> {
    const changed = [...device.registers]
      .filter(([, { value, original }]) => value !== original)
      // The device is silent before its BARs go anywhere.
      .toSorted(([a], [b]) => a - b);
    await this.#run(
      changed.map(([register, { width, original }]) =>
        this.#config.write(device.at(register), width, original),
      ),
    );
    device.registers.clear();
  }

  /** Programs a BAR: a 64-bit one in two writes, low half first. */
  async setBar(device: PluggedDevice, bar: number, address: bigint): Promise<void> {
    const register = barRegister(bar);
    const low = this.#write(device, register, 4, Number(BigInt.asUintN(32, address)));
    if (!is64Bit(device.spec, bar)) return void (await this.#run([low]));
    const high = this.#write(device, register + 4, 4, Number(BigInt.asUintN(32, address >> 32n)));
    await this.#run([low, high]);
  }

  /** @param original what the register holds, where the guest has not written to it before. */
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

  /** Sizes a BAR: all ones into each half in turn, restored afterwards. */
  async sizeBar(device: PluggedDevice, bar: number): Promise<void> {
    const register = barRegister(bar);
    const registers = is64Bit(device.spec, bar) ? [register, register + 4] : [register];
    const values = await this.#run(registers.map((at) => this.#config.read(device.at(at), 4)));
    await this.#run(
      registers.flatMap((at, index) => [
        this.#config.write(device.at(at), 4, 0xffff_ffff),
        this.#config.read(device.at(at), 4),
        this.#config.write(device.at(at), 4, values[index]!),
      ]),
    );
  }

  /** Sets or clears a bit of a register of 16 bits. */
  async setBit(device: PluggedDevice, register: number, bit: number, on: boolean): Promise<void> {
    const [value] = await this.#run([this.#config.read(device.at(register), 2)]);
    await this.#run([this.#write(device, register, 2, on ? value! | bit : value! & ~bit, value)]);
  }

  /**
   * Writes the vector control word, where the CPU reaches the table at all.
   *
   * @param view of system memory, now.
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
    const register = barRegister(tableBar);
    const wide = is64Bit(device.spec, tableBar);
    const [low, high] = await this.#run([
      this.#config.read(device.at(register), 4),
      this.#config.read(device.at(register + 4), 4),
    ]);
    const written = BigInt(low!) | (wide ? BigInt(high!) << 32n : 0n);
    const place = written & ~0xfn & -bar.size;
    const inTable = MSIX_ENTRY_BYTES * BigInt(vector) + MSIX_VECTOR_CONTROL;
    const isLow = place >= 0x8000_0000n && place < 1n << 32n;
    const gpa = place + tableOffset + inTable + (isLow ? this.#lowWindowOffset : 0n);
    const range = view.find(({ start, end }) => start <= gpa && gpa < end);
    if (range === undefined || range.region.owner !== device.spec.id) return;
    const reached = range.offset + (gpa - range.start);
    const isTable = range.region.name === 'msix-table' && reached === inTable;
    const isBar = device.layers.get(tableBar)?.some(({ region }) => region === range.region.name) ?? false;
    if (!isTable && !isBar) return;
    await this.#qtest.send([`writel 0x${gpa.toString(16)} ${masked ? '0x1' : '0x0'}`]);
  }
}

const is64Bit = (spec: DeviceSpec, bar: number): boolean =>
  spec.bars.find(({ index }) => index === bar)?.type.startsWith('mem64') ?? false;
