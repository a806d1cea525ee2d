import { VmmAbort, definePatch, type InvariantId } from 'barproof';

export { default as before } from './hosts/whole-page-trap.ts';

/** How the bug differs from its report, or how the search sees it. */
export const remark =
  'The base is a VMM that traps whole pages and hands what lies behind the table to the device.';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'no-abort', cause: 'write-beyond-last-entry' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['no-abort', 'access-dispatched'];

export default definePatch({
  name: 'xn-02',
  title: 'A write behind the last entry goes beyond an array of entries',
  base: 'qemu-11.1',
  source: 'Xen security advisory 164, commit 569eac99e8dd, December 2015',
  access: (base) => ({
    route: (_access, found) => found,
    accepts: (structure, access, size) => {
      if (structure === 'table' && access.write && access.offset + BigInt(access.width) > size)
        throw new VmmAbort('write-beyond-last-entry', `a write at ${access.offset} of ${size} bytes`);
      return base.accepts(structure, access, size);
    },
  }),
});
