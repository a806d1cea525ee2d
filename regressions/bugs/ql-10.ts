import { definePatch, type InvariantId } from 'barproof';

/** How the bug differs from its report, or how the search sees it. */
export const remark =
  'The real bug only printed a message, first on one side and then on the other. The patch makes the mistake that a test in two places invites: addition skips the buffer, removal does not.';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'map-unmap-symmetric', cause: 'unmap-of-nothing' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['map-unmap-symmetric'];

export default definePatch({
  name: 'ql-10',
  title:
    "A TPM's buffer off the page boundary is skipped when it is added, but not when it is removed",
  base: 'qemu-11.1',
  source:
    'QEMU commits 851d6d1a0ff2 and ec6600be0dc1, May 2022; the real one only printed a message on either side',
  listener: (base) => ({
    trim: (section, unit, context) =>
      context.change === 'remove' && base.trim(section, unit, context) === 'incongruent'
        ? { start: (section.start / unit) * unit, size: unit }
        : base.trim(section, unit, context),
  }),
});
