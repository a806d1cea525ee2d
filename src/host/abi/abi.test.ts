import { describe, expect, it } from 'vitest';
import { offset } from '../../address/index.ts';
import * as abi from './index.ts';

/** The sizes and offsets of the structures of Linux include/uapi. */
const LAYOUTS = [
  ['vfio_iommu_type1_dma_map', abi.DMA_MAP, 32, { argsz: 0, flags: 4, vaddr: 8, iova: 16, size: 24 }],
  ['vfio_iommu_type1_dma_unmap', abi.DMA_UNMAP, 24, { argsz: 0, flags: 4, iova: 8, size: 16 }],
  ['vfio_iommu_type1_info', abi.TYPE1_INFO, 24, { iova_pgsizes: 8, cap_offset: 16 }],
  ['vfio_region_info', abi.REGION_INFO, 32, { index: 8, cap_offset: 12, size: 16, offset: 24 }],
  ['vfio_info_cap_header', abi.CAPABILITY_HEADER, 8, { id: 0, version: 2, next: 4 }],
  ['vfio_device_feature_dma_buf', abi.DMA_BUF_FEATURE, 16, { open_flags: 4, nr_ranges: 12 }],
  ['vfio_device_bind_iommufd', abi.BIND_IOMMUFD, 16, { iommufd: 8, out_devid: 12 }],
  ['vfio_device_attach_iommufd_pt', abi.ATTACH_IOMMUFD_PT, 12, { pt_id: 8 }],
  ['vfio_iommu_spapr_register_memory', abi.REGISTER_MEMORY, 24, { vaddr: 8, size: 16 }],
  ['vfio_iommu_spapr_tce_info', abi.SPAPR_INFO, 32, { pgsizes: 16, levels: 28 }],
  ['vfio_iommu_spapr_tce_create', abi.TCE_CREATE, 40, { window_size: 16, levels: 24, start_addr: 32 }],
  ['vfio_iommu_spapr_tce_remove', abi.TCE_REMOVE, 16, { start_addr: 8 }],
  ['iommu_ioas_alloc', abi.IOAS_ALLOC, 12, { out_ioas_id: 8 }],
  ['iommu_ioas_map', abi.IOAS_MAP, 40, { ioas_id: 8, user_va: 16, length: 24, iova: 32 }],
  ['iommu_ioas_map_file', abi.IOAS_MAP_FILE, 40, { fd: 12, start: 16, length: 24, iova: 32 }],
  ['iommu_ioas_unmap', abi.IOAS_UNMAP, 24, { ioas_id: 4, iova: 8, length: 16 }],
  ['iommu_ioas_iova_ranges', abi.IOAS_IOVA_RANGES, 32, { allowed_iovas: 16, out_iova_alignment: 24 }],
  ['kvm_userspace_memory_region', abi.MEMORY_REGION, 32, { guest_phys_addr: 8, userspace_addr: 24 }],
] as const;

describe('the layout of a structure of the kernel', () => {
  it.each(LAYOUTS)('%s has the size and offsets of linux/uapi', (_name, structure, bytes, offsets) => {
    expect(structure.bytes).toBe(bytes);
    expect(structure.offsets).toMatchObject(offsets);
  });

  it('encodes VFIO_IOMMU_MAP_DMA to the bytes that a C program passes, and decodes them', () => {
    const bytes = abi.DMA_MAP.encode({ argsz: 32, flags: 3, vaddr: 0x7f00n, iova: 0x8000000000n, size: 1n });
    expect(Buffer.from(bytes).toString('hex')).toBe(
      '2000000003000000007f00000000000000000000800000000100000000000000',
    );
    expect(abi.DMA_MAP.decode(bytes)).toEqual({
      ...{ argsz: 32, flags: 3 },
      ...{ vaddr: 0x7f00n, iova: 0x8000000000n, size: 1n },
    });
  });

  it('keeps 64 bits, and the sign of a descriptor', () => {
    expect(abi.DMA_UNMAP.decode(abi.DMA_UNMAP.encode({ iova: 2n ** 64n - 1n })).iova).toBe(2n ** 64n - 1n);
    expect(abi.BIND_IOMMUFD.decode(abi.BIND_IOMMUFD.encode({ iommufd: -1 })).iommufd).toBe(-1);
  });

  it('refuses to decode a structure that ends behind the data', () => {
    expect(() => abi.DMA_UNMAP.decode(new Uint8Array(23))).toThrow(RangeError);
    expect(() => abi.DMA_UNMAP.decode(new Uint8Array(30), 8)).toThrow(RangeError);
  });
});

describe('the number of an ioctl request', () => {
  it.each([
    ['VFIO_IOMMU_MAP_DMA', abi.vfioRequest('IOMMU_MAP_DMA', abi.GENERIC_IOCTLS), 0x3b71],
    ['VFIO_IOMMU_MAP_DMA on powerpc', abi.vfioRequest('IOMMU_MAP_DMA', abi.POWERPC_IOCTLS), 0x20003b71],
    ['IOMMU_IOAS_MAP', abi.iommufdRequest('IOAS_MAP', abi.GENERIC_IOCTLS), 0x3b85],
    ['KVM_SET_USER_MEMORY_REGION', abi.kvmRequests(abi.GENERIC_IOCTLS).SET_USER_MEMORY_REGION, 0x4020ae46],
    ['the same on powerpc', abi.kvmRequests(abi.POWERPC_IOCTLS).SET_USER_MEMORY_REGION, 0x8020ae46],
    ['KVM_CREATE_VM', abi.kvmRequests(abi.GENERIC_IOCTLS).CREATE_VM, 0xae01],
  ])('%s equals the number of the kernel', (_name, number, expected) => {
    expect(number).toBe(expected);
  });
});

describe('the chain of capabilities of region info', () => {
  const capabilities = [
    {
      id: 1,
      areas: [
        { offset: offset(0n), size: 0x2000n },
        { offset: offset(0x4000n), size: 0x1000n },
      ],
    },
    { id: 3 },
  ] as const;

  it('is decoded to the capabilities that were encoded', () => {
    const start = abi.REGION_INFO.bytes;
    const chain = abi.encodeRegionChain(capabilities, start);
    expect(chain.length).toBe(abi.regionCapabilityBytes(capabilities));
    const decoded = abi.decodeChain(abi.concatenate(new Uint8Array(start), chain), start);
    expect(decoded.map(({ id, version }) => [id, version])).toEqual([
      [1, 1],
      [3, 1],
    ]);
    expect(abi.decodeRanges(decoded[0]!.contents)).toEqual([
      [0n, 0x2000n],
      [0x4000n, 0x1000n],
    ]);
  });

  it('ends where a capability names an earlier one as the next', () => {
    const loop = abi.CAPABILITY_HEADER.encode({ id: 3, version: 1, next: 32 });
    expect(abi.decodeChain(abi.concatenate(new Uint8Array(32), loop), 32)).toHaveLength(1);
    expect(abi.decodeChain(new Uint8Array(8), 0)).toEqual([]);
  });
});
