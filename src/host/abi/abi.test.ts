import { describe, expect, it } from 'vitest';
import { offset } from '../../address/index.ts';
import * as abi from './index.ts';

type Structure = Pick<abi.Structure<Record<string, never>>, 'bytes' | 'offsets'>;

/** Offsets of fields of 32 bits, one behind the other. */
const words = (...names: readonly string[]): Record<string, number> =>
  Object.fromEntries(names.map((name, index) => [name, 4 * index]));

/** The sizes and offsets of the structures of Linux include/uapi. */
const LAYOUTS: readonly (readonly [string, Structure, number, Readonly<Record<string, number>>])[] = [
  [
    'vfio_device_info',
    abi.DEVICE_INFO,
    24,
    words('argsz', 'flags', 'num_regions', 'num_irqs', 'cap_offset', 'pad'),
  ],
  ['vfio_irq_set', abi.IRQ_SET, 20, words('argsz', 'flags', 'index', 'start', 'count')],
  ['vfio_irq_info', abi.IRQ_INFO, 16, words('argsz', 'flags', 'index', 'count')],
  ['vfio_group_status', abi.GROUP_STATUS, 8, words('argsz', 'flags')],
  ['vfio_iommu_type1_dma_map', abi.DMA_MAP, 32, { argsz: 0, flags: 4, vaddr: 8, iova: 16, size: 24 }],
  ['vfio_iommu_type1_dma_unmap', abi.DMA_UNMAP, 24, { argsz: 0, flags: 4, iova: 8, size: 16 }],
  [
    'vfio_iommu_type1_info',
    abi.TYPE1_INFO,
    24,
    { argsz: 0, flags: 4, iova_pgsizes: 8, cap_offset: 16, pad: 20 },
  ],
  [
    'vfio_region_info',
    abi.REGION_INFO,
    32,
    { argsz: 0, flags: 4, index: 8, cap_offset: 12, size: 16, offset: 24 },
  ],
  ['vfio_info_cap_header', abi.CAPABILITY_HEADER, 8, { id: 0, version: 2, next: 4 }],
  ['the head of counted ranges', abi.COUNTED_RANGES, 8, words('count', 'reserved')],
  ['a range', abi.RANGE, 16, { first: 0, second: 8 }],
  ['vfio_iommu_type1_info_dma_avail', abi.DMA_AVAIL, 4, words('avail')],
  ['vfio_device_feature', abi.DEVICE_FEATURE, 8, words('argsz', 'flags')],
  [
    'vfio_device_feature_dma_buf',
    abi.DMA_BUF_FEATURE,
    16,
    words('region_index', 'open_flags', 'flags', 'nr_ranges'),
  ],
  ['vfio_device_bind_iommufd', abi.BIND_IOMMUFD, 16, words('argsz', 'flags', 'iommufd', 'out_devid')],
  ['vfio_device_attach_iommufd_pt', abi.ATTACH_IOMMUFD_PT, 12, words('argsz', 'flags', 'pt_id')],
  ['vfio_device_detach_iommufd_pt', abi.DETACH_IOMMUFD_PT, 8, words('argsz', 'flags')],
  ['vfio_iommu_spapr_register_memory', abi.REGISTER_MEMORY, 24, { argsz: 0, flags: 4, vaddr: 8, size: 16 }],
  [
    'vfio_iommu_spapr_tce_info',
    abi.SPAPR_INFO,
    32,
    {
      ...words('argsz', 'flags', 'dma32_window_start', 'dma32_window_size'),
      ...{ pgsizes: 16, max_dynamic_windows_supported: 24, levels: 28 },
    },
  ],
  [
    'vfio_iommu_spapr_tce_create',
    abi.TCE_CREATE,
    40,
    {
      ...words('argsz', 'flags', 'page_shift', 'resv1'),
      ...{ window_size: 16, levels: 24, resv2: 28, start_addr: 32 },
    },
  ],
  ['vfio_iommu_spapr_tce_remove', abi.TCE_REMOVE, 16, { argsz: 0, flags: 4, start_addr: 8 }],
  ['iommu_destroy', abi.DESTROY, 8, words('size', 'id')],
  ['iommu_ioas_alloc', abi.IOAS_ALLOC, 12, words('size', 'flags', 'out_ioas_id')],
  [
    'iommu_ioas_map',
    abi.IOAS_MAP,
    40,
    { ...words('size', 'flags', 'ioas_id', '__reserved'), user_va: 16, length: 24, iova: 32 },
  ],
  [
    'iommu_ioas_map_file',
    abi.IOAS_MAP_FILE,
    40,
    { ...words('size', 'flags', 'ioas_id', 'fd'), start: 16, length: 24, iova: 32 },
  ],
  ['iommu_ioas_unmap', abi.IOAS_UNMAP, 24, { size: 0, ioas_id: 4, iova: 8, length: 16 }],
  [
    'iommu_ioas_iova_ranges',
    abi.IOAS_IOVA_RANGES,
    32,
    { ...words('size', 'ioas_id', 'num_iovas', '__reserved'), allowed_iovas: 16, out_iova_alignment: 24 },
  ],
  [
    'iommu_hwpt_alloc',
    abi.HWPT_ALLOC,
    48,
    {
      ...words('size', 'flags', 'dev_id', 'pt_id', 'out_hwpt_id', '__reserved', 'data_type', 'data_len'),
      ...{ data_uptr: 32, fault_id: 40, __reserved2: 44 },
    },
  ],
  [
    'iommu_hw_info',
    abi.HW_INFO,
    40,
    {
      ...words('size', 'flags', 'dev_id', 'data_len'),
      ...{ data_uptr: 16, out_data_type: 24, out_max_pasid_log2: 28, out_capabilities: 32 },
    },
  ],
  [
    'kvm_userspace_memory_region',
    abi.MEMORY_REGION,
    32,
    { slot: 0, flags: 4, guest_phys_addr: 8, memory_size: 16, userspace_addr: 24 },
  ],
  ['kvm_msr_list without its list', abi.LIST_LENGTH, 4, words('count')],
  ['kvm_cpuid2 without its entries', abi.CPUID_LIST, 8, words('nent', 'padding')],
  [
    'kvm_cpuid_entry2',
    abi.CPUID_ENTRY,
    40,
    words(
      ...['function', 'index', 'flags', 'eax', 'ebx', 'ecx', 'edx'],
      ...['padding0', 'padding1', 'padding2'],
    ),
  ],
  ['kvm_create_device', abi.CREATE_DEVICE, 12, words('type', 'fd', 'flags')],
];

describe('the layout of a structure of the kernel', () => {
  it.each(LAYOUTS)('%s has the size and offsets of linux/uapi', (_name, structure, bytes, offsets) => {
    expect(structure.bytes).toBe(bytes);
    expect(structure.offsets).toEqual(offsets);
  });

  it('has as many bytes as fill whole fields of its largest type', () => {
    expect(abi.structure({ size: 'u64', flags: 'u32' }).bytes).toBe(16);
    expect(abi.structure({ flags: 'u32', id: 'u16' }).bytes).toBe(8);
    expect(abi.structure({ flags: 'u32', size: 'u64', id: 'u16' })).toMatchObject({
      bytes: 24,
      offsets: { flags: 0, size: 8, id: 16 },
    });
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
    const bytes = abi.BIND_IOMMUFD.encode({ iommufd: -2 });
    expect([...bytes.subarray(8, 12)]).toEqual([0xfe, 0xff, 0xff, 0xff]);
    expect(abi.BIND_IOMMUFD.decode(bytes).iommufd).toBe(-2);
  });

  it('refuses to decode a structure that ends behind the data', () => {
    expect(() => abi.DMA_UNMAP.decode(new Uint8Array(23))).toThrow(RangeError);
    expect(() => abi.DMA_UNMAP.decode(new Uint8Array(30), 8)).toThrow('no 24 bytes at 8 of 30');
    expect(() => abi.DMA_UNMAP.decode(new Uint8Array(30), -1)).toThrow('no 24 bytes at -1 of 30');
    expect(abi.DMA_UNMAP.decode(new Uint8Array(32), 8)).toMatchObject({ size: 0n });
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

  it('ends where it names itself as the next, and where the answer ends', () => {
    const itself = abi.CAPABILITY_HEADER.encode({ id: 3, version: 1, next: 32 });
    const [one, ...others] = abi.decodeChain(
      abi.concatenate(new Uint8Array(32), itself, new Uint8Array(4)),
      32,
    );
    expect([one!.contents.length, others]).toEqual([4, []]);
    const beyond = abi.CAPABILITY_HEADER.encode({ id: 3, version: 1, next: 36 });
    expect(abi.decodeChain(abi.concatenate(new Uint8Array(32), beyond), 32)).toHaveLength(1);
    expect(abi.decodeChain(abi.concatenate(new Uint8Array(32), beyond), 33)).toEqual([]);
  });

  it('gives a capability the bytes up to the next, and the last one all that follow', () => {
    const chain = abi.encodeRegionChain(capabilities, 32);
    const decoded = abi.decodeChain(abi.concatenate(new Uint8Array(32), chain), 32);
    expect(decoded.map(({ contents }) => contents.length)).toEqual([8 + 2 * 16, 0]);
    expect(abi.CAPABILITY_HEADER.decode(chain, chain.length - 8)).toEqual({ id: 3, version: 1, next: 0 });
  });
});

describe('the answer to GET_REGION_INFO', () => {
  const region = {
    size: 0x4000n,
    flags: { read: true, write: false, mmap: true },
    capabilities: [{ id: 3 }],
  } as const;

  it('has the region, its offset in the file, and its flags', () => {
    expect(abi.regionInfoFields({ ...region, capabilities: [] }, 2, 32)).toEqual({
      ...{ argsz: 32, flags: 0b0101, index: 2, cap_offset: 0 },
      ...{ size: 0x4000n, offset: 2n << 40n },
    });
    const writable = { read: false, write: true, mmap: false };
    expect(abi.regionInfoFields({ ...region, flags: writable }, 0, 100)).toMatchObject({ flags: 0b1010 });
  });

  it('names the place of the capabilities where they fit, and else only the size that they need', () => {
    expect(abi.regionInfoFields(region, 2, 39)).toMatchObject({ argsz: 40, cap_offset: 0 });
    expect(abi.regionInfoFields(region, 2, 40)).toMatchObject({ argsz: 40, cap_offset: 32 });
    expect(abi.regionInfoFields(region, 2, 100)).toMatchObject({ argsz: 100, cap_offset: 32 });
  });
});
