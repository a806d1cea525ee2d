import { definePatch, type InvariantId } from 'barproof';

const LIMIT = 1n << 32n;

/** How the bug differs from its report, or how the search sees it. */
export const remark =
  'QEMU itself does not map a BAR that ends at the last address of its space (pci fact 4.1), and no invariant counts that as a fault. So the limit here is 4 GiB, and the BAR has 64 bits.';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'incremental-equals-scratch', cause: 'bar-misplaced' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['incremental-equals-scratch'];

export default definePatch({
  name: 'ch-16',
  title: 'A BAR that ends exactly at the limit is refused as if it ended beyond',
  base: 'qemu-11.1',
  source: 'cloud-hypervisor commit 927861ced232, 24 July 2019',
  pci: (base) => ({
    decodeBar: (type, register, size, addressZeroAllowed) => {
      const decoded = base.decodeBar(type, register, size, addressZeroAllowed);
      const { address } = decoded;
      const isRefused = address !== undefined && address < LIMIT && address + size >= LIMIT;
      return isRefused ? { unmapped: 'ends-beyond-32-bits' } : decoded;
    },
  }),
});
