import { definePatch, type InvariantId } from 'barproof';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'no-abort', cause: 'quirk-segfault' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['no-abort', 'access-dispatched', 'memslot-complete'];

export default definePatch({
  name: 'qp-07',
  title: 'An index and a data register lie over BAR 5 of NVIDIA, even if that is memory or missing',
  base: 'qemu-11.1',
  source: 'QEMU commits 8f419c5b43b9, 6 April 2017, and 63316f973ad9, 11 March 2025 (ATI)',
  device: (base) => ({
    quirks: (context) =>
      base.quirks(
        context.bar === 5
          ? { ...context, size: 0x80n, attributes: { type: 'io', prefetchable: false } }
          : context,
      ),
  }),
});
