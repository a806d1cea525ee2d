import { offset, definePatch, type InvariantId } from 'barproof';

/** How the bug differs from its report, or how the search sees it. */
export const remark =
  'The report is of guests of another byte order than their host. Here every guest is one.';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'access-dispatched', cause: 'device-wrong-place' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['access-dispatched'];

export default definePatch({
  name: 'rom-05',
  title: 'Reads of the expansion ROM have their bytes in the wrong order',
  base: 'qemu-11.1',
  source: 'QEMU commit 75bd0c7253f3, 22 September 2014: vfio: make rom read endian sensitive',
  access: (base) => ({
    // The first byte that the guest gets is the last one that the VMM has read.
    deviceOffset: (access) =>
      access.bar === 6 ? offset(access.offset + BigInt(access.width) - 1n) : base.deviceOffset(access),
  }),
});
