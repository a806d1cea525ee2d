import { offset } from '../../address/index.ts';
import { VfioUserIommu } from '../../host/index.ts';
import { hostContainer } from '../../qemu/guest/host-container.ts';
import type { DmaContainer } from '../dma-container.ts';
import type { ServedDevice } from '../served-device.ts';

const RW = { read: true, write: true } as const;

/** BAR 0: 16 KiB with mmap. BAR 2: 1 MiB, 64 bits, two sparse areas, the MSI-X table. BAR 4: 32 I/O ports. */
export const device: ServedDevice = {
  id: 'dev0',
  vendor: 0x8086,
  device: 0x1572,
  bars: [
    {
      attributes: { type: 'mem32', prefetchable: false },
      info: { size: 0x4000n, flags: { ...RW, mmap: true }, capabilities: [] },
    },
    undefined,
    {
      attributes: { type: 'mem64', prefetchable: true },
      info: {
        size: 0x10_0000n,
        flags: { ...RW, mmap: true },
        capabilities: [
          {
            id: 1,
            areas: [
              { offset: offset(0n), size: 0x2000n },
              { offset: offset(0x4000n), size: 0xf_c000n },
            ],
          },
          { id: 3 },
        ],
      },
    },
    undefined,
    {
      attributes: { type: 'io', prefetchable: false },
      info: { size: 0x20n, flags: { ...RW, mmap: false }, capabilities: [] },
    },
    undefined,
  ],
  msix: { vectors: 16, tableBar: 2, tableOffset: offset(0x2000n), pbaBar: 2, pbaOffset: offset(0x3000n) },
};

/** Makes containers of the host model: pages of 4 KiB and 2 MiB, and at most `maxMappings` mappings. */
export const container =
  (maxMappings = 1000) =>
  (): DmaContainer =>
    hostContainer(new VfioUserIommu({ pageSizes: 0x20_1000n, maxMappings }));
