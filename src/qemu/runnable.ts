import type { Scenario } from '../scenario/index.ts';
import { isQemuMachine } from './process/architecture.ts';
import { showsBridge } from './behind-bridge.ts';
import { plugsOrUnplugs } from './hot-plugged.ts';
import { FIRST_SLOT, LAST_SLOT } from './guest/slots.ts';

/** What this machine and its QEMU can do, as far as scenarios depend on it. */
export interface Abilities {
  /** Bytes of a page of the host that QEMU runs on. */
  readonly hostPageSize: bigint;
  /** Whether QEMU can be made to see other pages: there is a C compiler, or the shim was compiled before. */
  readonly pageSizeShim: boolean;
  /** Properties that `vfio-user-pci` has. */
  readonly deviceProperties: ReadonlySet<string>;
}

/** RAM is rounded up to this (hw/core/machine.c), and then it is not what the backend has. */
const RAM_UNIT = 0x2000n;
/** pseries hands out RAM in logical memory blocks. */
const PSERIES_RAM_UNIT = 256n << 20n;

/** Why a real QEMU cannot run the scenario, or nothing when it can. */
export function whyNotRunnable(scenario: Scenario, abilities: Abilities): string | undefined {
  const { machine, host, devices, operations } = scenario;
  const { type } = machine;
  if (!isQemuMachine(type)) return `there is no machine "${type}" in QEMU`;
  if (host.iommu.type !== 'vfio-user') return `iommu type ${host.iommu.type} needs a host with real devices`;
  const optsOut = type === 'pseries';
  if (machine.msixEmulation !== 'machine-default' && (machine.msixEmulation === 'off') !== optsOut) {
    return `${type} decides about MSI-X emulation itself`;
  }
  const unit = type === 'pseries' ? PSERIES_RAM_UNIT : RAM_UNIT;
  if (machine.ram % unit !== 0n) return `RAM of ${type} is a multiple of 0x${unit.toString(16)} bytes`;
  if (machine.hostPageSize !== abilities.hostPageSize) {
    if (machine.hostPageSize < abilities.hostPageSize) return 'host pages smaller than those of this host';
    if (!abilities.pageSizeShim) return 'host pages other than those of this host need a C compiler';
  }
  for (const { options } of devices) {
    for (const [name, value] of Object.entries(options)) {
      const isDefault = value === false || value === 'off';
      if (!isDefault && !abilities.deviceProperties.has(name)) return `vfio-user-pci has no property ${name}`;
    }
  }
  if (plugsOrUnplugs(scenario) && showsBridge(scenario)) {
    return 'q35 takes devices only behind a bridge, which shows BARs below 1 MiB differently';
  }
  let plugs = devices.length;
  for (const { op } of operations) {
    if (op === 'add-region' || op === 'remove-region') return 'regions on top of system memory';
    if (op === 'begin' || op === 'commit') return 'memory transactions of several operations';
    if (op === 'hotplug') plugs++;
  }
  if (plugs > LAST_SLOT - FIRST_SLOT + 1) return 'more devices than a bus has slots';
  return undefined;
}
