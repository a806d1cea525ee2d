import { definePatch } from 'barproof';

const LIMIT = 1n << 32n;

/** What there is to say about it. */
export const remark =
  'QEMU, too, leaves a BAR out that ends with the last address of its space (fact 4.1), and this is not held against it. So the limit here is 4 GiB, and the BAR has 64 bits.';

/** What the configuration of its report shows: invariant and cause. */
export const shows = { invariant: 'incremental-equals-scratch', cause: 'bar-misplaced' } as const;

/** The invariants that it breaks. */
export const breaks = ['incremental-equals-scratch'];

export default definePatch({
  name: 'ch-16',
  title: 'A BAR that ends at the limit is taken to end behind it',
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
