import { offset } from '../../address/index.ts';
import { VfioUserIommu, type IommuContainer } from '../../host/index.ts';
import type { ServedDevice } from '../served-device.ts';

const RW = { read: true, write: true } as const;

/** BAR 0: 16K that may be mmapped; BAR 2: 1M, 64 bits, in two areas, with an MSI-X table; BAR 4: I/O ports. */
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

/** A host that announces pages of 4K and 2M and allows `maxMappings` mappings. */
export const host =
  (maxMappings = 1000) =>
  (): IommuContainer =>
    new VfioUserIommu({ pageSizes: 0x20_1000n, maxMappings });
