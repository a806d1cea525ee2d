import { definePatch, type InvariantId } from 'barproof';

/** How the bug differs from its report, or how the search sees it. */
export const remark =
  'In the report only the mmaps of a BAR that has moved stay. Rules keep no state, so here all stay.';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'resources-bounded', cause: 'mmaps-left' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['resources-bounded'];

export default definePatch({
  name: 'ch-19',
  title: 'A removed device leaves the mmaps of its BARs, which keep the device busy on the host',
  base: 'cloud-hypervisor-53.0',
  source: 'cloud-hypervisor pull 7676, 7 February 2026',
  cloudHypervisor: { removes: ['dma-mappings', 'slots'] },
});
