import { alignDown, type Offset, type Size } from '../address/index.ts';
import { MsixState, PciFunction, type PciBar } from '../pci/index.ts';
import {
  BAR_COUNT,
  MsixControl,
  PciCommand,
  PciRegister,
  ROM_SLOT,
  ROM_TYPE_BITS,
  barRegister,
  registerOf,
  romRegister,
  sizingProbe,
  type AccessWidth,
  type MsixLayout,
} from '../pci-layout/index.ts';
import { askHost } from './ask-host.ts';
import type { DeviceEnvironment } from './device-environment.ts';
import type { DeviceOptions } from './device-options.ts';
import { placeMsix } from './place-msix.ts';
import { DeviceRefused } from './failure.ts';
import type { HostDevice } from './host-device.ts';
import { LeftBehindTable } from './left-behind-table.ts';
import { MSIX_CONTROL, addMsixRegions, controlAfterWrite, writeMsixCapability } from './msix-setup.ts';
import { placeQuirks, type PlacedQuirk } from './quirk-set-up.ts';
import { layersOfRom, makeRom, registerRom, type RegisteredRom } from './rom-set-up.ts';
import { updateSubPageBar } from './sub-page-bar.ts';
import { layersOf, prepareBar, registerBar, releaseAreas, type BarLayer } from './vfio-bars.ts';
import type { VfioRegion } from './vfio-region.ts';

const BAR_INDICES: readonly number[] = Array.from({ length: BAR_COUNT }, (_, index) => index);

/** A place in a BAR: a BAR's index and an offset in bytes. */
export interface BarPlace {
  readonly bar: number;
  readonly offset: Offset;
}

/** A device passed through with VFIO, as QEMU sets it up and the guest drives it. */
export class VfioDevice {
  /** The user's id: `dev0`. */
  readonly id: string;
  /** The first word of the names of the device's regions. */
  readonly name: string;
  readonly pci: PciFunction;
  /** BAR 0 to 5; a BAR that the device does not have is a region of 0 bytes. */
  readonly regions: readonly VfioRegion[];
  /** The layout in the capability that the guest reads; `undefined` without MSI-X. */
  readonly msixLayout: MsixLayout | undefined;
  readonly msixState: MsixState | undefined;
  /** Where the emulated table lies; `undefined` if the machine or the device opts out of emulation. */
  readonly emulatedTable: BarPlace | undefined;
  /** Where the emulated PBA lies; `undefined` if the machine or the device opts out of emulation. */
  readonly emulatedPba: BarPlace | undefined;
  /** By which layout the regions of table and PBA lie in the BARs; `undefined` for a device without such regions. */
  readonly msixRegions: MsixLayout | undefined;
  /** Where QEMU answers in the device's place. */
  readonly quirks: readonly PlacedQuirk[];
  /** The expansion ROM; `undefined` where the guest sees none. */
  readonly rom: RegisteredRom | undefined;
  /** For each BAR, and behind them for the expansion ROM, the regions that show its bytes, outermost first. */
  readonly layers: readonly (readonly BarLayer[])[];
  /** The sizes that the guest has given to BARs, by index. */
  readonly resized: ReadonlyMap<number, Size> = new Map();
  /** Bytes of configuration space that the host gives access to. */
  readonly configSize: Size;
  readonly #environment: DeviceEnvironment;
  #leftBehind: LeftBehindTable | undefined;

  /**
   * Sets the device up (vfio_pci_realize, vfio fact 5.5): regions, early MSI-X set-up, relocation, BARs,
   * MSI-X.
   *
   * @throws DeviceRefused where QEMU refuses the device.
   * @throws VmmAbort where QEMU dies.
   */
  constructor(id: string, host: HostDevice, options: DeviceOptions, environment: DeviceEnvironment) {
    const { rules, machineOptsOutOfMsixEmulation } = environment;
    this.id = id;
    this.name = host.name;
    this.configSize = host.configSize;
    this.#environment = environment;
    this.pci = new PciFunction(environment.bus, environment.pciRules);
    const setUp = { id, host, pci: this.pci, environment };
    this.rom = makeRom(setUp, options);
    this.regions = BAR_INDICES.map((index) => prepareBar(setUp, index, options.noMmap));
    const layout = placeMsix(host, this.regions, options.msixRelocation, environment);
    for (const region of this.regions) registerBar(setUp, region);
    if (this.rom !== undefined) registerRom(setUp, this.rom);
    this.layers = [...this.regions.map(layersOf), layersOfRom(this.rom)];
    this.quirks = environment.vfioUser
      ? []
      : this.regions.flatMap((region) => placeQuirks(id, host, region, environment));
    if (layout === undefined) return;

    const exposure = rules.msixExposure({
      machineOptsOut: machineOptsOutOfMsixEmulation,
      deviceOptsOut: options.noMsixEmulation,
      layout,
    });
    const emulated = rules.emulatedLayout(layout);
    if (exposure.kind === 'emulated') {
      this.emulatedTable = { bar: emulated.tableBar, offset: emulated.tableOffset };
      this.emulatedPba = { bar: emulated.pbaBar, offset: emulated.pbaOffset };
    }
    if (exposure.kind === 'emulated' || exposure.kind === 'table-disabled') this.msixRegions = emulated;
    this.msixLayout = exposure.kind === 'capability-rewritten' ? exposure.layout : layout;
    this.msixState = new MsixState(layout.vectors);
    try {
      const table = addMsixRegions(id, environment, this.regions, emulated, exposure);
      if (table !== undefined && !rules.tableFollowsBar)
        this.#leftBehind = new LeftBehindTable(table, environment.bus.topology);
    } catch (error) {
      if (error instanceof DeviceRefused) releaseAreas({ id, environment }, this.regions, 'refused-device');
      throw error;
    }
    writeMsixCapability(this.pci, this.msixLayout);
  }

  /** Address and decoding of each BAR by its registers and COMMAND, wherever the BAR is mapped. */
  get barRegisters() {
    const command = this.pci.config.read(PciRegister.COMMAND, 2);
    const enables = (bar: PciBar): number =>
      bar.attributes.type === 'io' ? PciCommand.IO : PciCommand.MEMORY;
    return this.pci.bars.map((bar) => ({
      bar: bar.index,
      address: alignDown<bigint>(this.pci.register(bar), bar.size),
      decoding: (command & enables(bar)) !== 0 && (bar.index !== ROM_SLOT || this.pci.isRomEnabled),
      ...(bar.index === ROM_SLOT && { enabled: this.pci.isRomEnabled }),
      ...(!this.pci.isInD0 && { hasPower: false }),
    }));
  }

  /** The guest writes configuration space (vfio_pci_write_config, pci fact 4.7, vfio fact 5.9). */
  writeConfig(at: number, width: AccessWidth, value: number): void {
    const end = at + width;
    if (this.msixState !== undefined && at < MSIX_CONTROL + 2 && end > MSIX_CONTROL) {
      this.#writeMsixControl(this.msixState, at, width, value);
      return;
    }
    const touchesBars = at < barRegister(BAR_COUNT) && end > PciRegister.BAR_0;
    const touchesCommand = at <= PciRegister.COMMAND && end > PciRegister.COMMAND;
    if (!touchesBars && !touchesCommand) {
      this.pci.writeConfig(at, width, value);
      return;
    }
    this.#moving(() => this.pci.writeConfig(at, width, value));
  }

  /** Does what may move BARs, and then looks at those that have moved. */
  #moving(act: () => void): void {
    const { bars } = this.pci;
    const before = bars.map(({ address }) => address);
    act();
    for (let position = 0; position < bars.length; position++) {
      if (bars[position]!.address !== before[position]) this.#moved(bars[position]!);
    }
  }

  /**
   * The guest programs BAR `index`: one write for a 32-bit BAR; for a 64-bit BAR the low half, then the
   * high half.
   */
  setBar(index: number, address: bigint): void {
    const at = barRegister(index);
    this.writeConfig(at, 4, Number(BigInt.asUintN(32, address)));
    if (this.#is64Bit(index)) this.writeConfig(at + 4, 4, Number(BigInt.asUintN(32, address >> 32n)));
  }

  /**
   * The guest programs the expansion ROM: its address, and whether it answers there. A device without a ROM has no such
   * register.
   */
  setRom(address: bigint, enabled: boolean): void {
    this.writeConfig(PciRegister.EXPANSION_ROM, 4, romRegister(address, enabled));
  }

  /**
   * The guest sizes BAR `index` as Linux does (__pci_read_base): it sets each half in turn to all ones, reads
   * and restores. Memory stays enabled if the guest has not disabled it before (pci fact 4.6).
   *
   * @param probe what the guest writes into the first half in place of all ones: 32 bits.
   */
  sizeBar(index: number, probe = sizingProbe(index, this.pci.config.read(registerOf(index), 4))): void {
    const at = registerOf(index);
    const wide = this.#is64Bit(index);
    let [wrote, read] = [0n, 0n];
    for (const register of wide ? [at, at + 4] : [at]) {
      // The dword behind the last BAR register reads as the device's, here 0 (observed on QEMU 11.1.3).
      const isKnown = register < barRegister(BAR_COUNT) || index === ROM_SLOT;
      const value = isKnown ? this.pci.config.read(register, 4) : 0;
      const shift = register === at ? 0n : 32n;
      const ones = register === at ? probe : 0xffff_ffffn;
      this.writeConfig(register, 4, Number(ones));
      wrote |= ones << shift;
      read |= BigInt(this.pci.config.read(register, 4)) << shift;
      this.writeConfig(register, 4, value);
    }
    const bar = this.pci.bar(index);
    if (bar === undefined) return;
    const typeBits = index === ROM_SLOT ? ROM_TYPE_BITS : bar.attributes.type === 'io' ? 0x3n : 0xfn;
    const shown = { wrote: wrote & ~typeBits, read: read & ~typeBits };
    this.#environment.emit({ type: 'bar-sized', device: this.id, bar: index, ...shown });
  }

  /** The guest switches the decoding of memory BARs on or off. */
  setMemoryEnabled(enabled: boolean): void {
    this.#setCommand(PciCommand.MEMORY, enabled);
  }

  /** The guest switches the decoding of BARs of ports on or off. */
  setIoEnabled(enabled: boolean): void {
    this.#setCommand(PciCommand.IO, enabled);
  }

  #setCommand(bit: number, enabled: boolean): void {
    const command = this.pci.config.read(PciRegister.COMMAND, 2);
    this.writeConfig(PciRegister.COMMAND, 2, enabled ? command | bit : command & ~bit);
  }

  /** The guest asks for another size of BAR `index`. The VMM's own BARs never change (vfio fact 5.20). */
  resizeBar(index: number, size: Size): void {
    if (this.#environment.rules.resizableBar !== 'as-device' || this.pci.bar(index) === undefined) return;
    (this.resized as Map<number, Size>).set(index, size);
  }

  /** The guest sets the power state in the power management capability. */
  setPowerState(state: 'D0' | 'D3hot'): void {
    this.#moving(() => this.pci.setInD0(state === 'D0'));
  }

  /** The guest switches MSI-X on or off. Does nothing without the capability. */
  setMsixEnabled(enabled: boolean): void {
    if (this.msixState === undefined) return;
    const control = this.msixState.readControl();
    const value = enabled ? control | MsixControl.ENABLE : control & ~MsixControl.ENABLE;
    this.writeConfig(MSIX_CONTROL, 2, value);
  }

  /**
   * Brings the function back to the state after power-on, as a reset of the machine does (vfio fact 10.5).
   * QEMU first switches decoding off by a guest's write, so that stretched BARs shrink
   * (vfio_pci_pre_reset).
   */
  reset(): void {
    const { resetStopsDecoding, resetsMsix, resetRestores } = this.#environment.rules;
    const decoding = PciCommand.IO | PciCommand.MEMORY | PciCommand.BUS_MASTER;
    const command = this.pci.config.read(PciRegister.COMMAND, 2);
    if (resetStopsDecoding) this.writeConfig(PciRegister.COMMAND, 2, command & ~decoding);
    this.askForReset();
    if (resetsMsix) this.msixState?.reset();
    // A reset that restores nothing brings back what the guest had written.
    if (resetRestores === 'nothing') this.writeConfig(PciRegister.COMMAND, 2, command);
    else this.pci.reset({ command: resetRestores !== 'bars-only', bars: resetRestores !== 'command-only' });
  }

  /** Takes the device's BARs off the bus. The caller closes the device's container afterwards. */
  unplug(): void {
    const takeBarsAway = (): void => this.pci.unmapAll();
    const takeMmapsBack = (): void =>
      releaseAreas({ id: this.id, environment: this.#environment }, this.regions, 'unplug');
    const acts = [takeBarsAway, takeMmapsBack];
    for (const act of this.#environment.rules.unplugOrder === 'bars-first' ? acts : acts.toReversed()) act();
  }

  #writeMsixControl(state: MsixState, at: number, width: AccessWidth, value: number): void {
    const before = state.enabled;
    state.writeControl(controlAfterWrite(state.readControl(), at, width, value));
    if (state.enabled && !before) this.#ask('set-irqs');
  }

  /** Asks the host to reset the device. @throws VmmAbort without an answer. */
  askForReset(): void {
    this.#ask('reset');
  }

  /** Sends a request whose refusal QEMU prints, and goes on (vfio fact 5.25). @throws VmmAbort without an answer. */
  #ask(request: 'set-irqs' | 'reset'): void {
    askHost(this.#environment.faults, request, { device: this.id });
  }

  /** Stretches or shrinks a BAR smaller than a host page after it has moved (vfio fact 5.9). */
  #moved(bar: PciBar): void {
    if (bar.index === ROM_SLOT) return;
    const region = this.regions[bar.index]!;
    if (bar.index === this.msixRegions?.tableBar) this.#leftBehind?.moved(bar.address);
    if (!this.#environment.rules.followsMoves) return;
    if (region.regionSize === 0n || region.regionSize >= this.#environment.hostPageSize) return;
    updateSubPageBar(this.pci, bar, region, this.#environment);
  }

  #is64Bit(index: number): boolean {
    return this.pci.bar(index)?.attributes.type === 'mem64';
  }
}
