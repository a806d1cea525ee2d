import { definePatch, type InvariantId } from 'barproof';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'map-matches-view', cause: 'not-plugged' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ["map-matches-view"];

export default definePatch({
  name: 'ch-27',
  title: "Blocks of virtio-mem that are not plugged are mapped, too",
  base: 'qemu-11.1',
  source: "cloud-hypervisor issue 1884",
  listener: { followsDiscards: () => false },
});
