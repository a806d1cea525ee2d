import { alignUp, greater, offset, powerOfTwoCeiling, type Size } from '../address/index.ts';
import {
  BAR_COUNT,
  msixPbaSize,
  msixTableSize,
  type BarAttributes,
  type MsixLayout,
} from '../pci-layout/index.ts';
import { DeviceRefused } from './failure.ts';
import type { HostDevice } from './host-device.ts';
import type { DeviceEnvironment } from './device-environment.ts';
import type { RelocatedMsix } from './device-rules.ts';
import type { VfioRegion } from './vfio-region.ts';

/** Values of the property `x-msix-relocation` (QEMU 2.12 and later). */
export const MSIX_RELOCATIONS = ['off', 'auto', 'bar0', 'bar1', 'bar2', 'bar3', 'bar4', 'bar5'] as const;
export type MsixRelocation = (typeof MSIX_RELOCATIONS)[number];

const GIB = 1n << 30n;

/**
 * Moves the guest's table and PBA to the upper half of a doubled BAR, or to a BAR of their own
 * (vfio_pci_relocate_msix, vfio fact 5.10). The mmap areas stay as they are.
 *
 * @param layout the place of table and PBA in the device.
 * @returns the place that the guest sees.
 * @throws DeviceRefused for a BAR that cannot take table and PBA, and for every use of `auto`.
 */
export function relocateMsix(
  relocation: MsixRelocation,
  device: HostDevice,
  regions: readonly VfioRegion[],
  layout: MsixLayout,
  { rules, hostPageSize }: Pick<DeviceEnvironment, 'rules' | 'hostPageSize'>,
): MsixLayout {
  if (relocation === 'off') return layout;
  if (relocation === 'auto') {
    const id = [device.vendor, device.device].map((word) => word.toString(16).padStart(4, '0')).join(':');
    throw new DeviceRefused(`No automatic MSI-X relocation available for device ${id}`);
  }
  const index = Number(relocation.slice('bar'.length));
  const target = regions[index]!;
  checkTarget(target, regions);
  const { vectors } = layout;
  const { barSize, tableOffset, pbaOffset } = rules.relocate(target.barSize, vectors, hostPageSize);
  if (target.barSize === 0n) target.attributes = attributesOfNewBar(target, regions);
  target.barSize = barSize;
  return { vectors, tableBar: index, tableOffset, pbaBar: index, pbaOffset };
}

/**
 * Table and PBA in the upper half of a BAR that is at least doubled, or alone in a new BAR
 * (vfio fact 5.10).
 *
 * @param barSize bytes of the BAR; 0 for a new one.
 */
export function relocatedToUpperHalf(barSize: Size, vectors: number, hostPageSize: Size): RelocatedMsix {
  const table = msixTableSize(vectors);
  const needed = powerOfTwoCeiling(alignUp(table + msixPbaSize(vectors), hostPageSize));
  if (barSize === 0n) return { barSize: needed, tableOffset: offset(0n), pbaOffset: offset(table) };
  const half = greater(barSize, needed);
  return { barSize: 2n * half, tableOffset: offset(half), pbaOffset: offset(half + table) };
}

function checkTarget(target: VfioRegion, regions: readonly VfioRegion[]): void {
  const { index, barSize, attributes } = target;
  const refuse = (why: string): never => {
    throw new DeviceRefused(`Invalid MSI-X relocation BAR ${index}, ${why}`);
  };
  if (attributes.type === 'io') refuse('I/O port BAR');
  const lower = regions[index - 1];
  if (barSize === 0n && lower !== undefined && lower.attributes.type === 'mem64') {
    refuse(`consumed by 64-bit BAR ${index - 1}`);
  }
  if (barSize > GIB && attributes.type !== 'mem64') refuse('no space to extend 32-bit BAR');
}

/** A new BAR is prefetchable, and of 64 bits if the next register is free. */
function attributesOfNewBar({ index }: VfioRegion, regions: readonly VfioRegion[]): BarAttributes {
  const next = regions[index + 1];
  const room = index < BAR_COUNT - 1 && next !== undefined && next.barSize === 0n;
  return { type: room ? 'mem64' : 'mem32', prefetchable: true };
}
