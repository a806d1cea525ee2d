import { VmmAbort, definePatch, type InvariantId } from 'barproof';

/** How the bug differs from its report, or how the search sees it. */
export const remark =
  'As `ac-02`, where the wrong PBA is emulated; here nothing is behind the PBA that the VMM believes in, and it dies.';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'no-abort', cause: 'null-pba-page' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['no-abort'];

export default definePatch({
  name: 'bh-02',
  title: 'An access to the BAR of the table at the offset that the PBA has in another BAR is a null dereference',
  base: 'qemu-11.1',
  source: 'bhyve, FreeBSD revision 348694, 5 June 2019',
  access: ({ route }) => ({
    route: (access, found, layout) => {
      if (layout === undefined || access.bar !== layout.tableBar || layout.pbaBar === layout.tableBar)
        return route(access, found, layout);
      const pbaSize = 8n * BigInt(Math.ceil(layout.vectors / 64));
      const isPba = layout.pbaOffset <= access.offset && access.offset < layout.pbaOffset + pbaSize;
      if (isPba) throw new VmmAbort('null-pba-page', 'the page of the PBA was never mapped');
      return route(access, found, layout);
    },
  }),
});
