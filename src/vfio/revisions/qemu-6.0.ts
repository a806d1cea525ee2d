import type { Revision } from '../revision.ts';
import { form5_1 } from '../../memory/index.ts';
import { qemu212 } from './qemu-2.12.ts';

/** The release that trims sections to the host's page instead of the emulated CPU's, of April 2021. */
export const qemu60: Revision = {
  ...qemu212,
  id: 'qemu-6.0',
  title: "QEMU 6.0: the listener aligns to the host's page, no longer to the target's",
  source: 'QEMU 6.0.0: commit 1eb7f642750c, "vfio: Support host translation granule size"',
  listener: { ...qemu212.listener, alignment: ({ host }) => host },
  device: { ...qemu212.device, toleratesPbaBeyondBarWhenRelocated: true },
  machine: { ...qemu212.machine, xive: true },
  mtree: form5_1,
};
