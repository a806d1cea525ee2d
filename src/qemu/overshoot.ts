import type { Scenario } from '../scenario/index.ts';

/**
 * Whether QEMU 11.1 maps something of a BAR beyond the address space that it reserved for it, over
 * whatever lies there: a sparse area past the end of its BAR, or what the sparse-msix kernel leaves in
 * front of a table beyond it. What comes of that is luck (vfio fact 12.12).
 */
export function overshoots({ devices, host }: Scenario): boolean {
  return devices.some(({ bars, msix }) =>
    bars.some(({ index, size, mmap, sparse = [] }) => {
      if (!mmap) return false;
      if (sparse.some((area) => area.size > 0n && area.offset + area.size > size)) return true;
      return host.kernel === 'sparse-msix' && msix?.tableBar === index && msix.tableOffset > size;
    }),
  );
}
