import {
  type ApertureSpec,
  type DeviceSpec,
  type HostSpec,
  type IommuSpec,
  type IommuTypeName,
  type MachineSpec,
  type MachineType,
  HOST_KERNELS,
} from '../src/scenario/index.ts';
import type { Choose } from './choose.ts';
import { chooseMappingLimit } from './mapping-limit.ts';

const [KIB_4, KIB_16, KIB_64] = [0x1000n, 0x4000n, 0x1_0000n];
const [MIB_2, MIB_32, MIB_512, GIB] = [2n << 20n, 32n << 20n, 512n << 20n, 1n << 30n];

/** The page sizes of an Arm or Intel IOMMU, by its translation granule (the smallest page). */
const GRANULES = {
  [`${KIB_4}`]: [KIB_4, MIB_2, GIB],
  [`${KIB_16}`]: [KIB_16, MIB_32],
  [`${KIB_64}`]: [KIB_64, MIB_512],
} as const satisfies Record<string, readonly bigint[]>;

/** Every page size from 4 KiB on, as an IOMMU driver reports that splits requests itself. */
const ALL_SIZES: readonly bigint[] = Array.from({ length: 52 }, (_, bit) => KIB_4 << BigInt(bit));

const granule = (page: bigint): readonly bigint[] => GRANULES[`${page}`] ?? GRANULES[`${KIB_4}`]!;

/**
 * The page sizes of an IOMMU domain: mostly those of the granule of the host's page, often of a smaller granule,
 * seldom of a larger one. type1 reports no page size below the host's page (host fact R1.2.1).
 */
export function choosePageSizes(choose: Choose, hostPageSize: bigint): readonly bigint[] {
  return choose.weighted<() => readonly bigint[]>(
    [55, () => granule(hostPageSize)],
    [20, () => granule(KIB_4)],
    [5, () => granule(KIB_16)],
    [10, () => granule(KIB_64)],
    [4, () => [KIB_4, KIB_64]],
    [3, () => ALL_SIZES],
    [2, () => [KIB_4]],
    [2, () => [MIB_2]],
  )();
}

const width = (bits: bigint): bigint => (1n << bits) - 1n;

/** The IOVAs that an x86 host allows: 39 to 52 bits, without the range of interrupt messages at 0xfee00000. */
const X86_APERTURES: readonly (readonly ApertureSpec[])[] = [39n, 48n, 52n].map((bits) => [
  { start: 0n, end: 0xfedf_ffffn },
  { start: 0xfef0_0000n, end: width(bits) },
]);

/** The IOVAs that an Arm host allows: 40 or 48 bits, without the MSI window at 0x8000000, below the guest's RAM. */
const ARM_APERTURES: readonly (readonly ApertureSpec[])[] = [40n, 48n].map((bits) => [
  { start: 0n, end: 0x7ff_ffffn },
  { start: 0x810_0000n, end: width(bits) },
]);

/** 256 MiB of IOVAs: less than the RAM of most machines. */
const TINY_APERTURE: readonly ApertureSpec[] = [{ start: 0n, end: width(28n) }];

const chooseApertures = (choose: Choose, { type }: MachineSpec): readonly ApertureSpec[] =>
  choose.chance(8) ? TINY_APERTURE : choose.among(type === 'virt' ? ARM_APERTURES : X86_APERTURES);

/** The IOMMU that translates the DMA of the devices, of one of the kinds in `types`. */
export function chooseIommu(
  choose: Choose,
  machine: MachineSpec,
  types: readonly IommuTypeName[],
): IommuSpec {
  const possible = types.filter((type) => type !== 'spapr-tce-v2' || machine.type === 'pseries');
  const type = choose.weighted(
    ...possible.map((name): [number, IommuTypeName] => [
      name === 'type1' || name === 'spapr-tce-v2' ? 3 : 1,
      name,
    ]),
  );
  if (type === 'spapr-tce-v2') {
    const pageSizes = choose.chance(70) ? [KIB_4, KIB_64, 16n << 20n] : [KIB_4, KIB_64];
    return { type, pageSizes, ...(choose.chance(20) && { maxWindows: 1 }) };
  }
  const pageSizes = choosePageSizes(choose, machine.hostPageSize);
  if (type === 'vfio-user') return { type, pageSizes };
  return {
    type,
    pageSizes,
    ...(choose.chance(25) && { apertures: chooseApertures(choose, machine) }),
  };
}

/** The host of a machine. `limitMappings` adds the limit of DMA mappings once the devices are chosen. */
export const chooseHost = (
  choose: Choose,
  machine: MachineSpec,
  types: readonly IommuTypeName[],
): HostSpec => ({
  kernel: choose.weighted([2, HOST_KERNELS[1]], [1, HOST_KERNELS[0]]),
  iommu: chooseIommu(choose, machine, types),
});

/** The host; 18 % of type1 hosts get a limit of DMA mappings, close to the number that the devices need. */
export function limitMappings(
  choose: Choose,
  host: HostSpec,
  machine: MachineType,
  devices: readonly DeviceSpec[],
): HostSpec {
  // Through type1 QEMU maps nothing of a pseries machine before the guest asks, so no run would reach a limit.
  if (host.iommu.type !== 'type1' || machine === 'pseries' || !choose.chance(18)) return host;
  const maxMappings = chooseMappingLimit(choose, machine, devices);
  return { ...host, iommu: { ...host.iommu, maxMappings } };
}
