import { alignUp } from '../address/index.ts';
import {
  wayOf,
  type HostSpec,
  type MachinesByWay,
  type MachineType,
  type Operation,
  type Scenario,
} from '../scenario/index.ts';

/** A range of bus addresses for 32-bit BARs. */
interface LowWindow {
  readonly start: bigint;
  readonly end: bigint;
}

const LOW_WINDOWS: Readonly<Record<MachineType, LowWindow>> = {
  generic: { start: 0x8000_0000n, end: 0x1_0000_0000n },
  pc: { start: 0xc000_0000n, end: 0xfec0_0000n },
  q35: { start: 0xc000_0000n, end: 0xfec0_0000n },
  virt: { start: 0x1000_0000n, end: 0x3eff_0000n },
  pseries: { start: 0x8000_0000n, end: 0x1_0000_0000n },
};

/** pseries takes RAM in blocks of 256 MiB, and QEMU rounds that of all other machines to 8 KiB. */
const ramUnitOf = (type: MachineType): bigint => (type === 'pseries' ? 256n << 20n : 0x2000n);

/**
 * The scenario on a machine that was built: with another machine type where the builds lack its own, the kind of
 * container and the 32-bit addresses of that machine, and RAM that QEMU does not round.
 *
 * @returns nothing where the builds have no machine for the way in which the scenario's devices reach QEMU.
 */
export function recast(scenario: Scenario, machines: MachinesByWay): Scenario | undefined {
  const { machine, host, operations } = scenario;
  const built = machines[wayOf(scenario)];
  if (built.includes(machine.type)) return scenario;
  const type = built.includes('q35') ? 'q35' : built[0];
  if (type === undefined) return undefined;
  const { hostPageSize, guestPageSize, ram } = machine;
  const unit = ramUnitOf(type);
  return {
    ...scenario,
    machine: {
      type,
      msixEmulation: 'machine-default',
      ram: alignUp(ram, unit > hostPageSize ? unit : hostPageSize),
      hostPageSize,
      guestPageSize,
    },
    host: hostFor(type, host),
    operations: operations.map((operation) => moved(operation, LOW_WINDOWS[machine.type], LOW_WINDOWS[type])),
  };
}

/** The page sizes of an IOMMU of POWER, in bytes. The window that QEMU makes first has pages of 4 KiB. */
const SPAPR_PAGE_SIZES = [0x1000n, 0x1_0000n];

/**
 * The host with a container of the machine. pseries alone has sPAPR containers; through another kind QEMU would map
 * nothing of a pseries machine before the guest asks.
 */
function hostFor(type: MachineType, host: HostSpec): HostSpec {
  const { type: own, pageSizes, maxMappings } = host.iommu;
  if (own === 'vfio-user' || (own === 'spapr-tce-v2') === (type === 'pseries')) return host;
  if (type === 'pseries') return { ...host, iommu: { type: 'spapr-tce-v2', pageSizes: SPAPR_PAGE_SIZES } };
  return { ...host, iommu: { type: 'type1', pageSizes, ...(maxMappings !== undefined && { maxMappings }) } };
}

/** The operation with an address of the 32-bit window at the same place in another window, if that has the place. */
function moved(operation: Operation, from: LowWindow, to: LowWindow): Operation {
  if (operation.op !== 'set-bar') return operation;
  const { address } = operation;
  if (address < from.start || address >= from.end) return operation;
  const place = to.start + (address - from.start);
  return { ...operation, address: place < to.end ? place : address };
}
