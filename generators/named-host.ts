import { alignDown } from '../src/address/index.ts';
import {
  NAMED_HOSTS,
  type HostSpec,
  type IommuTypeName,
  type MachineSpec,
  type NamedHost,
} from '../src/scenario/index.ts';
import type { Choose } from './choose.ts';

/**
 * Now and then a host that people have and that runs the machine with one of the kinds of container in `types`.
 *
 * @param share how many of a hundred machines get such a host, if one fits.
 */
export function chooseNamedHost(
  choose: Choose,
  { type }: MachineSpec,
  types: readonly IommuTypeName[],
  share: number,
): NamedHost | undefined {
  const fitting = NAMED_HOSTS.filter(
    ({ machines, iommu }) => machines.includes(type) && iommu.types.some((kind) => types.includes(kind)),
  );
  return fitting.length > 0 && choose.chance(share) ? choose.among(fitting) : undefined;
}

/** The machine on this host: with the CPU and the pages of the host, and RAM of whole pages. */
export function machineOn({ cpu, hostPageSize }: NamedHost, machine: MachineSpec): MachineSpec {
  return { ...machine, cpu, hostPageSize, ram: alignDown(machine.ram, hostPageSize) };
}

/** Kernel and IOMMU of this host, with one of the kinds of container in `types`. */
export function hostOf(
  choose: Choose,
  { kernel, iommu }: NamedHost,
  types: readonly IommuTypeName[],
): HostSpec {
  const { pageSizes, apertures } = iommu;
  const type = choose.among(iommu.types.filter((kind) => types.includes(kind)));
  return { kernel, iommu: { type, pageSizes, ...(apertures && { apertures }) } };
}
