import { offset, type HostAddress, type Offset, type Size } from '../address/index.ts';
import { MemoryRegion } from '../memory/index.ts';
import {
  MsixState,
  PciFunction,
  checkMsixLayout,
  type PciBar,
  type PciBus,
  type PciRules,
} from '../pci/index.ts';
import {
  BAR_COUNT,
  MSIX_CAPABILITY_ID,
  MsixControl,
  MsixRegister,
  PciCommand,
  PciRegister,
  barRegister,
  locator,
  msixPbaSize,
  msixTableSize,
  type AccessWidth,
  type MsixLayout,
} from '../pci-layout/index.ts';
import type { EventSink } from './event.ts';
import { DeviceRefused, VmmAbort } from './failure.ts';
import type { HostDevice } from './host-device.ts';
import { fixUpMsixAreas, setUpMsixEarly } from './msix-early-setup.ts';
import { relocateMsix, type MsixRelocation } from './msix-relocation.ts';
import type { DeviceRules, MsixExposure } from './revision.ts';
import { updateSubPageBar } from './sub-page-bar.ts';
import { initialMmaps, mmapRegion, type VfioMmap, type VfioRegion } from './vfio-region.ts';

/** Properties of the device that the user or the machine may set. */
export interface DeviceOptions {
  readonly msixRelocation: MsixRelocation;
  /** `x-no-mmap`: trap every access. */
  readonly noMmap: boolean;
  /** The device's own opt-out from MSI-X emulation, where a revision has one. */
  readonly noMsixEmulation: boolean | undefined;
}

/** What a device needs to know of the machine it is plugged into. */
export interface DeviceEnvironment {
  readonly bus: PciBus;
  readonly rules: DeviceRules;
  /** What is special about the PCI core; by default nothing is. */
  readonly pciRules?: PciRules;
  readonly hostPageSize: Size;
  readonly machineOptsOutOfMsixEmulation: boolean;
  /** Whether a vfio-user server is behind the device: it gets a PBA region of its own (vfio fact 5.14). */
  readonly vfioUser: boolean;
  /** Reserves `size` bytes of the VMM's address space, aligned to `alignment`. */
  readonly reserve: (size: Size, alignment: Size) => HostAddress;
  readonly emit: EventSink;
}

const BAR_INDICES: readonly number[] = Array.from({ length: BAR_COUNT }, (_, index) => index);

/** Where the one capability of a modelled device lies in configuration space. */
const MSIX_POSITION = 0x40;
const PAST_MSIX = 0x100;

/** A device passed through with VFIO, as the VMM sets it up and the guest drives it. */
export class VfioDevice {
  /** The operator's id: `dev0`. */
  readonly id: string;
  readonly name: string;
  readonly pci: PciFunction;
  /** BAR 0 to 5, those that do not exist included. */
  readonly regions: readonly VfioRegion[];
  /** What the guest's capability says, once the device is set up. */
  readonly msixLayout: MsixLayout | undefined;
  readonly msixState: MsixState | undefined;
  /** Where the emulated table lies, unless the machine or the device does without it. */
  readonly emulatedTable: { readonly bar: number; readonly offset: Offset } | undefined;
  /** Where the PBA that goes with it lies. */
  readonly emulatedPba: { readonly bar: number; readonly offset: Offset } | undefined;
  /** The regions that show the bytes of each BAR, outermost first. */
  readonly layers: readonly (readonly BarLayer[])[];
  readonly #host: HostDevice;
  readonly #environment: DeviceEnvironment;

  /**
   * Sets the device up (vfio_realize, vfio fact 5.5): regions, early MSI-X set-up, relocation, BARs, MSI-X.
   *
   * @throws DeviceRefused where QEMU refuses the device.
   * @throws VmmAbort where QEMU dies of it.
   */
  constructor(id: string, host: HostDevice, options: DeviceOptions, environment: DeviceEnvironment) {
    const { rules, hostPageSize, machineOptsOutOfMsixEmulation } = environment;
    this.id = id;
    this.name = host.name;
    this.#host = host;
    this.#environment = environment;
    this.pci = new PciFunction(environment.bus, environment.pciRules);
    this.regions = BAR_INDICES.map((index) => this.#makeRegion(index, options.noMmap));

    const relocating = rules.relocation ? options.msixRelocation : 'off';
    const found = setUpMsixEarly(host, this.regions, rules, relocating !== 'off');
    if (!found && relocating !== 'off' && rules.relocationWithoutMsix === 'crash') {
      throw new VmmAbort(
        'relocation-without-msix',
        'relocation looks for an MSI-X capability that is not there',
      );
    }
    if (found && rules.fixUp === 'before-relocation')
      fixUpMsixAreas(this.regions, found, rules, hostPageSize);
    const layout = found && relocateMsix(relocating, host, this.regions, found, rules, hostPageSize);
    if (layout && rules.fixUp === 'after-relocation')
      fixUpMsixAreas(this.regions, layout, rules, hostPageSize);
    for (const region of this.regions) this.#registerBar(region);
    this.layers = this.regions.map(layersOf);
    if (layout === undefined) return;

    const exposure = rules.msixExposure({
      machineOptsOut: machineOptsOutOfMsixEmulation,
      deviceOptsOut: options.noMsixEmulation,
      layout,
    });
    const placed = rules.emulatedLayout(layout);
    if (exposure.kind === 'emulated') {
      this.emulatedTable = { bar: placed.tableBar, offset: placed.tableOffset };
      this.emulatedPba = { bar: placed.pbaBar, offset: placed.pbaOffset };
    }
    this.msixLayout = exposure.kind === 'capability-rewritten' ? exposure.layout : layout;
    this.msixState = new MsixState(layout.vectors);
    this.#initMsix(placed, exposure);
    this.#initMsixCapability(this.msixLayout);
  }

  /** What the registers of the BARs say, by themselves. */
  get barRegisters() {
    return this.pci.bars.map((bar) => ({
      bar: bar.index,
      address: this.pci.register(bar) & -bar.size,
      decoding: this.pci.isDecoding(bar),
    }));
  }

  /** The guest writes configuration space (vfio_pci_write_config, pci fact 4.7, vfio fact 5.9). */
  writeConfig(at: number, width: AccessWidth, value: number): void {
    const end = at + width;
    if (this.msixState !== undefined && at < MSIX_POSITION + 4 && end > MSIX_POSITION + 2) {
      this.#writeMsixControl(this.msixState, at, width, value);
      return;
    }
    const touchesBars = at < barRegister(BAR_COUNT) && end > PciRegister.BAR_0;
    const touchesCommand = at <= PciRegister.COMMAND && end > PciRegister.COMMAND;
    if (!touchesBars && !touchesCommand) {
      this.pci.writeConfig(at, width, value);
      return;
    }
    const before = this.pci.bars.map(({ address }) => address);
    this.pci.writeConfig(at, width, value);
    this.pci.bars.forEach((bar, position) => {
      if (bar.address !== before[position]) this.#moved(bar);
    });
  }

  /** The guest programs BAR `index`: one write for a 32-bit BAR, low half and then high half for a 64-bit one. */
  setBar(index: number, address: bigint): void {
    const at = barRegister(index);
    this.writeConfig(at, 4, Number(BigInt.asUintN(32, address)));
    if (this.#is64Bit(index)) this.writeConfig(at + 4, 4, Number(BigInt.asUintN(32, address >> 32n)));
  }

  /**
   * The guest sizes BAR `index` as Linux does (__pci_read_base): each half in turn is set to all
   * ones, read and restored. Whether memory is enabled meanwhile is the guest's affair (pci fact 4.6).
   */
  sizeBar(index: number): void {
    const at = barRegister(index);
    for (const register of this.#is64Bit(index) ? [at, at + 4] : [at]) {
      // What lies behind the last BAR register is read from the device, whatever was written (seen on QEMU 11.1.3).
      const value = register < barRegister(BAR_COUNT) ? this.pci.config.read(register, 4) : 0;
      this.writeConfig(register, 4, 0xffff_ffff);
      this.writeConfig(register, 4, value);
    }
  }

  /** The guest switches the decoding of memory BARs on or off. */
  setMemoryEnabled(enabled: boolean): void {
    const command = this.pci.config.read(PciRegister.COMMAND, 2);
    const value = enabled ? command | PciCommand.MEMORY : command & ~PciCommand.MEMORY;
    this.writeConfig(PciRegister.COMMAND, 2, value);
  }

  /** The guest switches MSI-X on or off; nothing without the capability. */
  setMsixEnabled(enabled: boolean): void {
    if (this.msixState === undefined) return;
    const control = this.msixState.readControl();
    const value = enabled ? control | MsixControl.ENABLE : control & ~MsixControl.ENABLE;
    this.writeConfig(MSIX_POSITION + MsixRegister.CONTROL, 2, value);
  }

  /**
   * Back to the state after power-on: what a reset of the machine does to the function (vfio fact 10.5).
   * Before, the VMM switches decoding off as a guest does, so that stretched BARs shrink back
   * (vfio_pci_pre_reset).
   */
  reset(): void {
    const decoding = PciCommand.IO | PciCommand.MEMORY | PciCommand.BUS_MASTER;
    const command = this.pci.config.read(PciRegister.COMMAND, 2);
    this.writeConfig(PciRegister.COMMAND, 2, command & ~decoding);
    this.msixState?.reset();
    this.pci.reset();
  }

  /** Takes the device's BARs away from the guest; its container lets go of it afterwards. */
  unplug(): void {
    this.pci.unmapAll();
  }

  /** A write that touches the control word changes the bytes of it that it reaches. */
  #writeMsixControl(state: MsixState, at: number, width: AccessWidth, value: number): void {
    let control = state.readControl();
    for (const [byte, mask] of [
      [0, 0x00ff],
      [1, 0xff00],
    ] as const) {
      const place = MSIX_POSITION + 2 + byte - at;
      if (place < 0 || place >= width) continue;
      control = (control & ~mask) | (((value >>> (8 * place)) << (8 * byte)) & mask);
    }
    state.writeControl(control);
  }

  /** Once all BARs are where they belong, those smaller than a page are seen to. */
  #moved(bar: PciBar): void {
    const { hostPageSize, bus, rules } = this.#environment;
    const region = this.regions[bar.index]!;
    if (region.regionSize === 0n || region.regionSize >= hostPageSize) return;
    updateSubPageBar(bus.topology, this.pci, bar, region, rules, hostPageSize);
  }

  #is64Bit(index: number): boolean {
    return this.pci.bar(index)?.attributes.type === 'mem64';
  }

  #makeRegion(index: number, noMmap: boolean): VfioRegion {
    const { rules } = this.#environment;
    const info = this.#host.region(index);
    const { size } = info;
    const bar =
      size === 0n ? undefined : MemoryRegion.io(`${this.name} BAR ${index}`, size, { owner: this.id });
    return {
      index,
      info,
      regionSize: size,
      bar,
      mmaps: noMmap ? [] : initialMmaps(info, (areas) => rules.sparseAreas(areas, index)),
      barSize: size,
      attributes:
        size === 0n
          ? { type: 'mem32', prefetchable: false }
          : rules.barAttributes(this.#host.barAttributes(index), index),
      base: undefined,
    };
  }

  /** Makes the BAR's regions, mmaps what may be mmapped and registers the BAR (vfio fact 5.4). */
  #registerBar(region: VfioRegion): void {
    const { index, barSize, bar } = region;
    if (barSize === 0n) return;
    const { rules, bus, emit } = this.#environment;
    const { topology } = bus;
    const owner = this.id;
    region.base = rules.baseRegion
      ? MemoryRegion.io(`${this.name} base BAR ${index}`, barSize, { owner })
      : bar!;
    if (bar !== undefined) {
      if (bar !== region.base) topology.addSubregion(region.base, bar, offset(0n));
      if (!mmapRegion(region, owner, (area) => this.#mmap(index, area))) {
        emit({ type: 'message', text: `Failed to mmap ${bar.name}. Performance may be slow` });
      }
      for (const mmap of region.mmaps) {
        if (mmap.region === undefined) continue;
        topology.addSubregion(rules.mmapParent(region) ?? bar, mmap.region, mmap.offset, rules.mmapPriority);
      }
    }
    try {
      this.pci.registerBar(index, region.attributes, region.base);
    } catch (error) {
      throw new VmmAbort('bar-size-assertion', (error as Error).message);
    }
  }

  #mmap(bar: number, area: VfioMmap): HostAddress | undefined {
    const { rules, hostPageSize, reserve, emit } = this.#environment;
    const errno = this.#host.mmap(bar, area);
    emit({ type: 'mmap', device: this.id, bar, offset: area.offset, size: area.size, errno });
    return errno === 0 ? reserve(area.size, rules.mmapAlignment(area.size, hostPageSize)) : undefined;
  }

  /** Makes the regions of table and PBA (msix_init and vfio_msix_setup, vfio facts 5.11, 5.12 and 5.14). */
  #initMsix(layout: MsixLayout, exposure: MsixExposure): void {
    if (exposure.kind === 'not-added' || exposure.kind === 'capability-rewritten') return;
    const { rules, bus, vfioUser, hostPageSize } = this.#environment;
    const { topology } = bus;
    const owner = this.id;
    const tableRegion = this.regions[layout.tableBar];
    const pbaRegion = this.regions[layout.pbaBar];
    if (tableRegion?.base === undefined || pbaRegion?.base === undefined) {
      throw new VmmAbort('msix-init-segfault', 'MSI-X table or PBA in a BAR that does not exist');
    }
    const tableParent = rules.msixParent(tableRegion);
    const pbaParent = rules.msixParent(pbaRegion);
    const refusal = checkMsixLayout(layout, tableParent?.size ?? 0n, pbaParent?.size ?? 0n);
    if (refusal !== undefined) {
      const span = (PAST_MSIX - MSIX_POSITION).toString(16);
      throw new DeviceRefused(
        `failed to add PCI capability 0x${MSIX_CAPABILITY_ID.toString(16)}[0x${span}]@0x${MSIX_POSITION.toString(16)}: ${refusal}`,
      );
    }
    // Its list of subregions was never made: what passes the check by wrapping around dies of it.
    if (tableParent === undefined || pbaParent === undefined) {
      throw new VmmAbort('msix-init-segfault', 'MSI-X table or PBA in a region that was never initialised');
    }
    const pbaSize = msixPbaSize(layout.vectors);
    const tableSize = rules.emulatedTableSize(msixTableSize(layout.vectors), hostPageSize);
    const table = MemoryRegion.io('msix-table', tableSize, { owner });
    const pba = MemoryRegion.io('msix-pba', pbaSize, { owner });
    topology.addSubregion(tableParent, table, layout.tableOffset);
    topology.addSubregion(pbaParent, pba, layout.pbaOffset);
    topology.setEnabled(pba, false);
    if (exposure.kind === 'table-disabled') topology.setEnabled(table, false);
    if (vfioUser) {
      const trapped = MemoryRegion.io('VFIO MSIX PBA', pbaSize, { owner });
      topology.addSubregion(pbaRegion.base, trapped, layout.pbaOffset, 1);
    }
  }

  #initMsixCapability({ tableBar, tableOffset, pbaBar, pbaOffset }: MsixLayout): void {
    const { config } = this.pci;
    config.set(PciRegister.CAPABILITY_POINTER, 1, MSIX_POSITION);
    config.set(MSIX_POSITION, 1, MSIX_CAPABILITY_ID);
    config.set(MSIX_POSITION + MsixRegister.TABLE, 4, locator(tableBar, tableOffset));
    config.set(MSIX_POSITION + MsixRegister.PBA, 4, locator(pbaBar, pbaOffset));
  }
}

/** A region over a BAR's bytes, and where in the BAR it begins. */
export interface BarLayer {
  readonly region: string;
  readonly offset: Offset;
}

function layersOf({ base, bar, mmaps }: VfioRegion): readonly BarLayer[] {
  const layers: BarLayer[] = [];
  if (base !== undefined && base !== bar) layers.push({ region: base.name, offset: offset(0n) });
  if (bar !== undefined) layers.push({ region: bar.name, offset: offset(0n) });
  for (const mmap of mmaps) {
    if (mmap.region !== undefined) layers.push({ region: mmap.region.name, offset: mmap.offset });
  }
  return layers;
}
