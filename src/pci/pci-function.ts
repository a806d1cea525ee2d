import { isPowerOfTwo, offset, type Address, type Size } from '../address/index.ts';
import type { MemoryRegion } from '../memory/index.ts';
import {
  BAR_COUNT,
  ConfigSpace,
  PciCommand,
  PciRegister,
  ROM_SLOT,
  RomRegister,
  barFlags,
  barRegister,
  registerOf,
  type AccessWidth,
  type BarAttributes,
} from '../pci-layout/index.ts';
import type { BarDecoding } from './bar.ts';
import type { PciBus } from './pci-bus.ts';
import { QEMU_PCI, type PciRules } from './pci-rules.ts';

/** A registered BAR of a function, or its expansion ROM. */
export interface PciBar {
  /** 0 to 5; `ROM_SLOT` for the expansion ROM. */
  readonly index: number;
  readonly attributes: BarAttributes;
  /** Bytes at the time of registration. QEMU may resize the region later, but decodes this size (vfio fact 5.9). */
  readonly size: Size;
  readonly region: MemoryRegion;
  /** Bus address at which the region is mapped now; `undefined` if it is not mapped. */
  readonly address: Address | undefined;
}

const DECODING_OFF: BarDecoding = { unmapped: 'decoding-off' };
const NO_POWER: BarDecoding = { unmapped: 'no-power' };

/** What a reset brings back to the state after power-on; QEMU resets both. */
export interface ResetParts {
  readonly command: boolean;
  readonly bars: boolean;
}

/** A type 0 PCI function: its configuration space and its BARs. */
export class PciFunction {
  readonly bus: PciBus;
  readonly config = new ConfigSpace();
  /** The registered BARs in ascending order of their index. */
  readonly bars: readonly PciBar[] = [];
  readonly #rules: PciRules;
  #isInD0 = true;

  constructor(bus: PciBus, rules: PciRules = QEMU_PCI) {
    this.bus = bus;
    this.#rules = rules;
    this.config.setWritable(
      PciRegister.COMMAND,
      2,
      PciCommand.IO | PciCommand.MEMORY | PciCommand.BUS_MASTER | PciCommand.INTX_DISABLE,
    );
  }

  /** BAR `index`, 0 to 5, or the expansion ROM, 6; `undefined` if no such BAR is registered. */
  bar(index: number): PciBar | undefined {
    return this.bars.find((bar) => bar.index === index);
  }

  /**
   * Registers `region` as BAR `index`, or as expansion ROM (pci_register_bar, pci facts 4.5 and 4.10). The caller registers BARs in
   * ascending order of their index.
   *
   * @throws RangeError if the region's size is not a power of two, where QEMU aborts.
   */
  registerBar(index: number, attributes: BarAttributes, region: MemoryRegion): void {
    const { size } = region;
    if (!isPowerOfTwo(size)) throw new RangeError(`BAR ${index} has ${size} bytes, which is no power of two`);
    (this.bars as PciBar[]).push({ index, attributes, size, region, address: undefined });
    const rules = this.#rules;
    const mask = index === ROM_SLOT ? rules.romWritableBits(size) : rules.writableBits(attributes.type, size);
    const at = registerOf(index);
    this.config.set(at, 4, barFlags(attributes));
    this.config.setWritable(at, 4, Number(BigInt.asUintN(32, mask)));
    if (attributes.type === 'mem64')
      this.config.setWritable(at + 4, 4, Number(BigInt.asUintN(32, mask >> 32n)));
  }

  /** Bytes of the expansion ROM that a file of so many bytes becomes (pci fact 4.11). */
  romfileSize(bytes: Size): Size {
    return this.#rules.romfileSize(bytes);
  }

  /** Where `bar` answers by the present values of its registers and of COMMAND (pci fact 4.1). */
  decode(bar: PciBar): BarDecoding {
    if (!this.#isInD0 && !this.#rules.decodesOutsideD0) return NO_POWER;
    if (!this.isDecoding(bar) && !this.#rules.decodesWhileDisabled) return DECODING_OFF;
    if (bar.index === ROM_SLOT && this.#rules.honoursRomEnable && !this.isRomEnabled) return DECODING_OFF;
    const { attributes, size } = bar;
    return this.#rules.decodeBar(attributes.type, this.register(bar), size, this.bus.addressZeroAllowed);
  }

  /** Whether the function is in the power state D0. */
  get isInD0(): boolean {
    return this.#isInD0;
  }

  /** Software sets the power state; BARs come and go with D0 (pci facts 4.2 and 4.4). */
  setInD0(isInD0: boolean): void {
    this.#isInD0 = isInD0;
    this.updateMappings();
  }

  /** Whether COMMAND enables the BAR's address space. */
  isDecoding({ attributes }: PciBar): boolean {
    const enabling = attributes.type === 'io' ? PciCommand.IO : PciCommand.MEMORY;
    return (this.config.read(PciRegister.COMMAND, 2) & enabling) !== 0;
  }

  /** Whether the enable bit in the expansion ROM's register is set. */
  get isRomEnabled(): boolean {
    return (this.config.read(PciRegister.EXPANSION_ROM, 1) & RomRegister.ENABLE) !== 0;
  }

  /** The value of the BAR's register with its flag bits: both halves for a 64-bit BAR. */
  register({ index, attributes }: PciBar): bigint {
    const at = registerOf(index);
    const low = BigInt(this.config.read(at, 4));
    return attributes.type === 'mem64' ? (BigInt(this.config.read(at + 4, 4)) << 32n) | low : low;
  }

  /**
   * Software writes configuration space. A write that overlaps a BAR register, the expansion ROM's, or the low
   * byte of COMMAND also moves BARs (pci_default_write_config, pci fact 4.4).
   */
  writeConfig(at: number, width: AccessWidth, value: number): void {
    const end = at + width;
    const touchesBars = at < barRegister(BAR_COUNT) && end > PciRegister.BAR_0;
    if (touchesBars && !this.#rules.acceptsWrite(value, this.#decodesMemory)) return;
    const touchesRom = at < PciRegister.EXPANSION_ROM + 4 && end > PciRegister.EXPANSION_ROM;
    if (touchesRom && !this.#rules.acceptsRomWrite(value, this.isRomEnabled)) return;
    this.config.write(at, width, value);
    const touchesCommand = at <= PciRegister.COMMAND && end > PciRegister.COMMAND;
    if (touchesBars || touchesCommand || (touchesRom && this.#rules.movesOnRomWrite)) this.updateMappings();
  }

  /** Moves every BAR whose address changed, in ascending order, each in commits of its own (pci fact 4.3). */
  updateMappings(): void {
    for (const bar of this.bars) {
      const { address } = this.decode(bar);
      if (!this.#rules.hasMoved(bar.address, address)) continue;
      this.#unmap(bar);
      this.#setAddress(bar, address);
      if (address !== undefined) this.mapBar(bar, address, this.#rules.barPriority);
    }
  }

  /** Adds a BAR's region to the bus at `address`. */
  mapBar(bar: PciBar, address: Address, priority: number): void {
    const { topology, io, memory } = this.bus;
    topology.addSubregion(bar.attributes.type === 'io' ? io : memory, bar.region, offset(address), priority);
  }

  /**
   * A reset of the function (pci_do_device_reset, pci fact 4.8). COMMAND goes to 0 and each BAR register
   * to its type bits; then BARs move once. In a BAR below 16 bytes the type bits lie within the address.
   */
  reset(parts: ResetParts = { command: true, bars: true }): void {
    this.#isInD0 = true;
    if (parts.command) this.config.clearWritten(PciRegister.COMMAND, 2);
    for (const bar of parts.bars ? this.bars : []) {
      if (bar.index === ROM_SLOT && !this.#rules.resetsRom) continue;
      this.config.set(registerOf(bar.index), 4, barFlags(bar.attributes));
      if (bar.attributes.type === 'mem64') this.config.set(barRegister(bar.index) + 4, 4, 0);
    }
    if (this.#rules.movesOnReset) this.updateMappings();
  }

  /** Removes every BAR from the bus when the function is unplugged (pci_unregister_io_regions, pci fact 4.9). */
  unmapAll(): void {
    if (!this.#rules.unmapsOnUnplug) return;
    for (const bar of this.bars) {
      if (bar.index === ROM_SLOT && !this.#rules.unmapsRomOnUnplug) continue;
      this.#unmap(bar);
      this.#setAddress(bar, undefined);
    }
  }

  get #decodesMemory(): boolean {
    return (this.config.read(PciRegister.COMMAND, 2) & PciCommand.MEMORY) !== 0;
  }

  #unmap(bar: PciBar): void {
    if (bar.address !== undefined) this.bus.topology.removeSubregion(bar.region);
  }

  #setAddress(bar: PciBar, address: Address | undefined): void {
    (bar as { address: Address | undefined }).address = address;
  }
}
