import { definePatch, type InvariantId } from 'barproof';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'ram-reachable', cause: 'plugged-not-mapped' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ["ram-reachable", "incremental-equals-scratch"];

export default definePatch({
  name: 'ql-20',
  title: "Of a section that does not begin with its virtio-mem no plugged block is replayed",
  base: 'qemu-11.1',
  source: 'QEMU, "virtio-mem: Fix the bitmap index of the section offset", December 2022',
  memory: {
    // The offset of the section is divided by the number of blocks, which leads behind the last of them.
    replayed: (plugged, { offset }) => (offset === 0n ? plugged : []),
  },
});
