import { definePatch, type InvariantId } from 'barproof';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'access-dispatched', cause: 'table-refuses-legal-access' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ["access-dispatched"];

export default definePatch({
  name: 'ch-32',
  title: "The vector control word is looked for behind its entry, and accesses to it are errors",
  base: 'qemu-11.1',
  source: "cloud-hypervisor pull 158, issue 156, 7 August 2019",
  access: ({ accepts }) => ({
    // The word at 0xc of an entry was expected at 0x10, where the next entry begins.
    accepts: (structure, access, size) =>
      accepts(structure, access, size) && !(structure === 'table' && access.offset % 16n === 12n),
  }),
});
