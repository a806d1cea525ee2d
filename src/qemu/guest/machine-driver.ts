import { barRegister } from '../../pci-layout/index.ts';
import { LARGEST_PAGE } from '../../scenario/index.ts';
import type { QemuMachineType } from '../process/architecture.ts';
import {
  ecamAccess,
  portAccess,
  rtasAccess,
  rtasLines,
  runCycles,
  type ConfigAccess,
} from './config-access.ts';
import type { State } from '../../trace/index.ts';
import { readAnswer } from '../process/qemu-error.ts';
import type { QemuProcess } from '../process/qemu-process.ts';
import { BRIDGE_SLOT } from './slots.ts';

/** Where devices are plugged in. */
export interface QemuBus {
  /** QEMU's name of the bus. */
  readonly name: string;
  /** The bus number, once the machine runs. */
  readonly number: number;
}

/** How to start and drive one machine type. */
export interface MachineDriver {
  /** QEMU's arguments beside memory and devices. */
  readonly arguments: readonly string[];
  /** The machine's default name of its RAM. */
  readonly ram: string;
  /** The bus of devices that are there from the start. */
  readonly root: QemuBus;
  /** The bus on which devices are plugged and unplugged while the machine runs. */
  readonly hotplug: {
    /** QEMU's arguments that make this bus. */
    readonly arguments: readonly string[];
    readonly bus: QemuBus;
    /** Whether the bus lies behind a bridge. */
    readonly bridged: boolean;
  };
  /** Whether QEMU must start without devices, and the devices from the start are plugged in afterwards. */
  readonly plugsLate: boolean;
  /** How the CPU reaches configuration space. */
  config(qemu: QemuProcess): Promise<ConfigAccess>;
  /**
   * Does the guest's part of an unplug, after `device_del`.
   *
   * @param view system memory before the unplug.
   */
  eject(qemu: QemuProcess, slot: number, config: ConfigAccess, view: State['flatView']): Promise<void>;
  /** What the CPU adds to a 32-bit bus address to reach it. Other than 0 on pseries only. */
  readonly lowWindowOffset: bigint;
}

/** The bus behind the bridge, once `openBridgeWindows` has given it this number. */
const BRIDGE_BUS: QemuBus = { name: 'hotplug', number: 1 };
const BRIDGE = ['-device', `pci-bridge,id=hotplug,chassis_nr=1,shpc=on,addr=0x${BRIDGE_SLOT.toString(16)}`];

const pcRoot: QemuBus = { name: 'pci.0', number: 0 };
const expressRoot: QemuBus = { name: 'pcie.0', number: 0 };
const portConfig = (): Promise<ConfigAccess> => Promise.resolve(portAccess);

/** Ports of the PC's ACPI hot-plug registers (hw/acpi/pcihp.c): selected bus, slots to eject. */
const ACPI_SELECT_BUS = 0xae10;
const ACPI_EJECT = 0xae08;

/** Does what the firmware's method _EJ0 does. */
async function ejectByAcpi(qemu: QemuProcess, slot: number): Promise<void> {
  const lines = [
    `outl 0x${ACPI_SELECT_BUS.toString(16)} 0x0`,
    `outl 0x${ACPI_EJECT.toString(16)} 0x${((1 << slot) >>> 0).toString(16)}`,
  ];
  await qemu.qtest.send(lines);
}

/** Offset of the command register, which holds command and slot, in the hot-plug controller (SHPC 1.0, 4.10). */
const SHPC_COMMAND = 0x14n;
/** The command: power off, power indicator off, attention indicator off. */
const SHPC_POWER_OFF = 0b11_11_11;

/**
 * Does what the guest's driver of the bridge's hot-plug controller does to eject a device. The controller's registers
 * are mapped for the time of one command.
 *
 * @param places pages of PCI windows. The registers go to the first page without a BAR of a device.
 */
const ejectByShpc =
  (...places: readonly [bigint, ...bigint[]]): MachineDriver['eject'] =>
  async (qemu, slot, config, view) => {
    // A register block over a BAR would cut its DMA mapping.
    const isFree = (page: bigint): boolean =>
      !view.some(
        ({ start, end, region }) => region.owner !== undefined && start < page + LARGEST_PAGE && page < end,
      );
    // Between the two writes the registers lie at the upper half of the address alone.
    const place = places.find((page) => isFree(page) && isFree((page >> 32n) << 32n)) ?? places[0];
    const half = (register: number, value: bigint) =>
      config.write({ bus: 0, slot: BRIDGE_SLOT, register }, 4, Number(BigInt.asUintN(32, value)));
    await runCycles(qemu.qtest, [half(barRegister(1), place >> 32n), half(barRegister(0), place)]);
    const command = (slot << 8) | SHPC_POWER_OFF;
    await qemu.qtest.send([`writew 0x${(place + SHPC_COMMAND).toString(16)} 0x${command.toString(16)}`]);
    await runCycles(qemu.qtest, [half(barRegister(0), 0n), half(barRegister(1), 0n)]);
  };

const ISOLATION_STATE = 9001;
const ISOLATE = 0;
/** Connectors of PCI slots below the first host bridge (hw/ppc/spapr_pci.c): type, bridge, slot. */
const connectorOf = (slot: number): number => 0x4000_0000 | (slot << 3);

/**
 * Does what the guest's kernel does to eject a device. `device_del` itself already removes a device that the guest has
 * never configured (spapr_drc_unplug_request); this call then has no effect.
 */
async function ejectByRtas(qemu: QemuProcess, slot: number): Promise<void> {
  await qemu.qtest.send(rtasLines('set-indicator', [ISOLATION_STATE, connectorOf(slot), ISOLATE], 1));
}

/**
 * Lets the bridge's own controller manage its slots on q35. Before 6.1 QEMU has no such property there, and ACPI
 * manages no bridge.
 */
export const NO_ACPI_FOR_BRIDGES = 'ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off';

const DRIVERS: Readonly<Record<QemuMachineType, MachineDriver>> = {
  pc: {
    arguments: ['-machine', 'pc'],
    ram: 'pc.ram',
    root: pcRoot,
    hotplug: { arguments: [], bus: pcRoot, bridged: false },
    plugsLate: false,
    config: portConfig,
    eject: ejectByAcpi,
    lowWindowOffset: 0n,
  },
  q35: {
    arguments: ['-machine', 'q35'],
    ram: 'pc.ram',
    root: expressRoot,
    hotplug: {
      arguments: ['-global', NO_ACPI_FOR_BRIDGES, ...BRIDGE],
      bus: BRIDGE_BUS,
      bridged: true,
    },
    plugsLate: false,
    config: portConfig,
    eject: ejectByShpc(0xfdab_0000n, 0xc7_fdab_0000n, 0x9f_fdab_0000n),
    lowWindowOffset: 0n,
  },
  virt: {
    arguments: ['-machine', 'virt', '-cpu', 'cortex-a57'],
    ram: 'mach-virt.ram',
    root: expressRoot,
    hotplug: { arguments: BRIDGE, bus: BRIDGE_BUS, bridged: true },
    plugsLate: false,
    config: async (qemu) =>
      ecamAccess(readAnswer('info mtree', await qemu.qmp.monitor('info mtree'), findEcam)),
    eject: ejectByShpc(0x3cab_0000n, 0xc7_fdab_0000n, 0x9f_fdab_0000n),
    lowWindowOffset: 0n,
  },
  pseries: {
    arguments: ['-machine', 'pseries'],
    ram: 'ppc_spapr.ram',
    root: pcRoot,
    hotplug: { arguments: [], bus: pcRoot, bridged: false },
    // The reset at its start would kill a QEMU 11.1 that has a vfio-user device.
    plugsLate: true,
    config: () => Promise.resolve(rtasAccess),
    eject: ejectByRtas,
    lowWindowOffset: 0x2000_0000_0000n,
  },
};

/** How to start and drive a machine. */
export const driverOf = (type: QemuMachineType): MachineDriver => DRIVERS[type];

/** The address of memory-mapped configuration space in the text of `info mtree`. */
function findEcam(text: string): bigint {
  const found = /^\s*([0-9a-f]{16})-[0-9a-f]{16} \(prio .*pcie-(?:ecam|mmcfg)/m.exec(text);
  if (found === null) throw new Error('the machine has no memory-mapped configuration space');
  return BigInt(`0x${found[1]}`);
}
