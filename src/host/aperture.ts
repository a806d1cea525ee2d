import { iova, partsOutside, type Iova, type Range, type Size } from '../address/index.ts';

/**
 * A run of I/O virtual addresses, both ends included: addresses that the IOMMU translates, or a reserved
 * region.
 */
export interface Aperture {
  readonly first: Iova;
  readonly last: Iova;
}

/**
 * Whether one of `apertures` holds every address of `[start, start + size)`; an empty list accepts every
 * range. A reserved byte lies between any two apertures (host fact R1.3.3), so a range in one aperture is
 * a range without reserved addresses.
 *
 * @param size in bytes, at least 1.
 */
export function isUsable(apertures: readonly Aperture[], start: Iova, size: Size): boolean {
  const last = start + size - 1n;
  return apertures.length === 0 || apertures.some((one) => one.first <= start && last <= one.last);
}

/**
 * The addresses that an IOMMU translates (host fact 5.4).
 *
 * @param width bits of an address, 1 to 64.
 */
export const addressWidth = (width: number): Aperture => ({
  first: iova(0n),
  last: iova((1n << BigInt(width)) - 1n),
});

const rangeOf = ({ first, last }: Aperture): Range => ({ start: first, end: last + 1n });

/**
 * `geometry` without the `reserved` regions: the valid-IOVA list of a container after a group was attached
 * (Linux vfio_iommu_type1.c:vfio_iommu_resv_exclude, host fact R1.7.1). A detach, which widens the list,
 * is not modelled (host fact R1.7.4).
 *
 * @param reserved in any order; regions of type DIRECT_RELAXABLE left out.
 * @returns the apertures, ascending. An empty list means that the kernel refuses to attach the group. Do not
 *   make a container with an empty list: there it stands for every address.
 */
export const withoutReserved = (geometry: Aperture, reserved: readonly Aperture[]): readonly Aperture[] =>
  partsOutside(rangeOf(geometry), reserved.map(rangeOf)).map(({ start, end }) => ({
    first: iova(start),
    last: iova(end - 1n),
  }));

/** Regions that drivers report as reserved on common machines (host fact R1.7.2); firmware may add more. */
export const RESERVED_REGIONS = {
  /** Interrupt messages on x86, Intel and AMD. */
  x86Msi: { first: iova(0xfee00000n), last: iova(0xfeefffffn) },
  /** HyperTransport on AMD. */
  hyperTransport: { first: iova(0xfd_0000_0000n), last: iova(0xff_ffff_ffffn) },
  /**
   * Where Linux maps MSI doorbells for devices behind an SMMU, or behind a virtio-iommu that names no
   * region of its own (host fact D8).
   */
  softwareMsi: { first: iova(0x800_0000n), last: iova(0x80f_ffffn) },
  /** The doorbells that the virtio-iommu of QEMU's `virt` names itself (host fact D8). */
  virtioMsi: { first: iova(0x809_0000n), last: iova(0x809_ffffn) },
} as const satisfies Record<string, Aperture>;

const { x86Msi, hyperTransport, softwareMsi, virtioMsi } = RESERVED_REGIONS;

/** Valid-IOVA lists of common hosts (host facts R1.7.3 and 5.4); widths vary with the machine. */
export const TYPICAL_APERTURES = {
  /** Intel's client CPUs: a BAR at 0x210000000000 is out of their reach. */
  intel39: withoutReserved(addressWidth(39), [x86Msi]),
  intel48: withoutReserved(addressWidth(48), [x86Msi]),
  intel57: withoutReserved(addressWidth(57), [x86Msi]),
  amdV1: withoutReserved(addressWidth(64), [x86Msi, hyperTransport]),
  amdV2: withoutReserved(addressWidth(47), [x86Msi, hyperTransport]),
  smmu48: withoutReserved(addressWidth(48), [softwareMsi]),
  smmu52: withoutReserved(addressWidth(52), [softwareMsi]),
  virtio64: withoutReserved(addressWidth(64), [virtioMsi]),
} as const;
