import { allowsMsixMmap, type Scenario } from '../scenario/index.ts';

/**
 * Whether QEMU 11.1 maps a part of a BAR beyond the address space that QEMU reserved for the BAR, over its own memory.
 * QEMU does so for a sparse area past the end of the BAR. Under a sparse-msix kernel, QEMU also does so for the area in
 * front of an MSI-X table that begins past the end of the BAR. The effects are unpredictable (vfio fact 12.12).
 */
export function overshoots({ devices, host }: Scenario): boolean {
  return devices.some(({ bars, msix }) =>
    bars.some(({ index, size, mmap, sparse = [] }) => {
      if (!mmap) return false;
      if (sparse.some((area) => area.size > 0n && area.offset + area.size > size)) return true;
      return !allowsMsixMmap(host.kernel) && msix?.tableBar === index && msix.tableOffset > size;
    }),
  );
}
