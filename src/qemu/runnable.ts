import type { Scenario } from '../scenario/index.ts';
import { isQemuMachine } from './process/architecture.ts';
import type { QemuInspection } from './process/inspect-qemu.ts';
import { showsBridge } from './behind-bridge.ts';
import { plugsOrUnplugs } from './hot-plugged.ts';
import { FIRST_SLOT, LAST_SLOT } from './guest/slots.ts';

/** The abilities of this machine and its QEMU on which scenarios depend. */
export interface Abilities {
  /** Bytes of a page of this machine. */
  readonly hostPageSize: bigint;
  /** Whether the shim can make QEMU see larger pages. */
  readonly pageSizeShim: boolean;
  /** The properties of QEMU's drivers; absent for a driver that QEMU does not have. */
  readonly deviceProperties: QemuInspection['deviceProperties'];
  /** Whether QEMU has the object `iommufd`. */
  readonly hasIommufd: boolean;
}

/** QEMU rounds RAM up to multiples of this (hw/core/machine.c), and then RAM and its backend differ in size. */
const RAM_UNIT = 0x2000n;
/** The RAM of pseries is a multiple of a logical memory block (hw/ppc/spapr.c). */
const PSERIES_RAM_UNIT = 256n << 20n;

/** The machines whose CPUs KVM of an x86 host runs. */
export const RUNS_KVM: readonly string[] = ['pc', 'q35'];

/** Why a real QEMU cannot run the scenario, in words by which scenarios can be counted; nothing when it can. */
export function whyNotRunnable(scenario: Scenario, abilities: Abilities): string | undefined {
  const { machine, host, devices, operations } = scenario;
  const { type } = machine;
  if (!isQemuMachine(type)) return `QEMU has no machine "${type}"`;
  if (host.iommu.type !== 'vfio-user' && !abilities.pageSizeShim)
    return `iommu type ${host.iommu.type} needs a C compiler, for the shim that answers for the kernel`;
  if (host.faults?.some(({ request }) => request === 'memslot') === true && !RUNS_KVM.includes(type))
    return `KVM runs the machines ${RUNS_KVM.join(' and ')}, so no memslot of ${type} can be refused`;
  const { cpu } = machine;
  if (type === 'virt' && cpu !== undefined)
    return 'the CPU of virt has a width of its own (cortex-a57: 44 bits)';
  if (cpu !== undefined && cpu.physBits > 52 && type !== 'pseries') return 'x86 CPUs have at most 52 bits';
  const optsOut = type === 'pseries';
  if (machine.msixEmulation !== 'machine-default' && (machine.msixEmulation === 'off') !== optsOut) {
    return `${type} has MSI-X emulation "${optsOut ? 'off' : 'on'}" and cannot change it`;
  }
  const unit = type === 'pseries' ? PSERIES_RAM_UNIT : RAM_UNIT;
  if (machine.ram % unit !== 0n) return `RAM of ${type} must be a multiple of 0x${unit.toString(16)} bytes`;
  if (machine.hostPageSize !== abilities.hostPageSize) {
    if (machine.hostPageSize < abilities.hostPageSize) return 'host pages smaller than those of this machine';
    if (!abilities.pageSizeShim) return 'host pages larger than those of this machine need a C compiler';
  }
  const driver = host.iommu.type === 'vfio-user' ? 'vfio-user-pci' : 'vfio-pci';
  const properties = abilities.deviceProperties[driver];
  if (properties === undefined) return `this QEMU has no device ${driver}`;
  if (host.iommu.type === 'iommufd' && !abilities.hasIommufd) return 'this QEMU has no iommufd';
  if (devices.some(({ bars }) => bars.some(({ writable }) => writable === false)))
    return 'the devices served to QEMU have no read-only BARs';
  if (devices.some(({ vga }) => vga === true)) return 'the devices served to QEMU are no VGA controllers';
  for (const { options } of devices) {
    for (const [name, value] of Object.entries(options)) {
      const isDefault = value === false || value === 'off';
      if (!isDefault && !properties.has(name)) return `${driver} has no property ${name}`;
    }
  }
  if (plugsOrUnplugs(scenario) && showsBridge(scenario)) {
    return 'q35 plugs devices behind a bridge, and a BAR below 1 MiB would look different there';
  }
  let plugs = devices.length;
  for (const { op } of operations) {
    if (op === 'add-region' || op === 'remove-region')
      return 'the guest cannot add or remove regions of system memory';
    if (op === 'resize-bar') return 'the devices served to QEMU have no resizable BARs';
    if (op === 'create-dma-window') return 'the guest makes no DMA windows over qtest';
    if (op === 'set-power-state') return 'the devices served to QEMU have no power management capability';
    if (op === 'show-registers' || op === 'show-contents')
      return 'the guest cannot add the flash whose registers it would show';
    if (op === 'make-readonly' || op === 'make-writable' || op === 'shift-alias')
      return 'the guest cannot change regions of system memory';
    if (op === 'enable-io' || op === 'disable-io')
      return 'a BAR of ports may hide those over which barproof drives the machine';
    if (op === 'plug-blocks' || op === 'unplug-blocks') return 'the guest cannot add a virtio-mem';
    if (op === 'start-dirty-log' || op === 'stop-dirty-log')
      return 'a QEMU without KVM has no memslots in which pages would be logged';
    if (op === 'begin' || op === 'commit')
      return 'the guest cannot join operations in one memory transaction';
    if (op === 'hotplug') plugs++;
  }
  if (plugs > LAST_SLOT - FIRST_SLOT + 1)
    return `more than ${LAST_SLOT - FIRST_SLOT + 1} devices for the slots of a bus`;
  return undefined;
}
