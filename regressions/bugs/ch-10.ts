import { definePatch, type InvariantId } from 'barproof';

/** How the bug differs from its report, or how the search sees it. */
export const remark =
  'The base is QEMU, which gives up a BAR with an area that the host refuses; cloud-hypervisor refuses the device.';

/** The invariant and cause that the configuration of the report breaks. */
export const shows = { invariant: 'resources-bounded', cause: 'mmaps-left' } as const;

/** The invariants that the bug breaks. */
export const breaks: readonly InvariantId[] = ['resources-bounded'];

export default definePatch({
  name: 'ch-10',
  title: 'The mmaps of a BAR stay when the host refuses a later area',
  base: 'qemu-11.1',
  source: 'cloud-hypervisor issue 4068, commit 06f57abdf9bf, 5 May 2022',
  device: { releasesAreas: (why) => why !== 'refused-area' },
});
