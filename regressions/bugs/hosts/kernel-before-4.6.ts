import { definePatch } from 'barproof';

/** Before Linux 4.6 the kernel said nothing of sparse areas: the VMM had to cut the table out by itself. */
export default definePatch({
  name: 'kernel-before-4.6',
  host: { regionInfo: (info) => ({ ...info, capabilities: info.capabilities.filter(({ id }) => id !== 1) }) },
});
