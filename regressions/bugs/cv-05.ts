import { VmmAbort, alignUp, definePatch, type InvariantId } from 'barproof';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'no-abort', cause: 'table-index-out-of-bounds' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['no-abort', 'access-dispatched'];

export default definePatch({
  name: 'cv-05',
  title: 'An access behind the last entry, in the trapped page of the table, is out of bounds',
  base: 'cloud-hypervisor-53.0',
  source:
    'crosvm commit 002cd87a0261, 26 February 2025; cloud-hypervisor commit 78a30012fb99, 14 August 2024',
  cloudHypervisor: {
    // The trapped area is made of pages, the table of entries.
    routesToTable: ({ offset }, { start, end }) => start <= offset && offset < alignUp(end, 0x1000n),
    tableAnswers: ({ offset }, size) => {
      if (offset < size) return true;
      throw new VmmAbort('table-index-out-of-bounds', `entry ${offset / 16n} of ${size / 16n}`);
    },
  },
});
