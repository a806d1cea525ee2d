import { describe, expect, it } from 'vitest';
import { offset } from '../address/index.ts';
import { decodeRegionInfoQuery, encodeRegionInfo, type RegionInfo } from './region-info.ts';
import { bytes, text } from './testing/bytes.ts';

const RW = { read: true, write: true, mmap: false };
const areas = [
  { offset: offset(0n), size: 0x1000n },
  { offset: offset(0x1_0000_3000n), size: 0x2000n },
];
const encode = (argsz: number, index: number, info: RegionInfo) => encodeRegionInfo({ argsz, index }, info);

describe('DEVICE_GET_REGION_INFO', () => {
  it('names the region by its index', () => {
    const query = '40000000 00000000 07000000 00000000 0000000000000000 0000000000000000';
    expect(decodeRegionInfoQuery(bytes(query))).toEqual({ argsz: 64, index: 7 });
  });

  it.each([
    ['20000000 00000000 07000000', 'payload of 12 bytes, allowed 32'],
    ['1f000000 00000000 07000000 00000000 0000000000000000 0000000000000000', 'argsz 31'],
  ])('%s is refused', (query, problem) => {
    expect(() => decodeRegionInfoQuery(bytes(query))).toThrow(problem);
  });

  // The fields of the reply are u32 argsz, u32 flags (read 1, write 2, mmap 4, caps 8), u32 index, u32 cap_offset, u64 size, u64 offset.
  it('has a reply of 32 bytes for a region without capabilities', () => {
    const { payload, complete } = encode(32, 7, { size: 256n, flags: RW, capabilities: [] });
    expect(text(payload)).toBe('20000000 03000000 07000000 00000000 00010000 00000000 00000000 00000000');
    expect(complete).toBe(true);
  });

  it('has a reply of zeros for a region that the device does not have', () => {
    const flags = { read: false, write: false, mmap: false };
    expect(text(encode(32, 6, { size: 0n, flags, capabilities: [] }).payload)).toBe(
      '20000000 00000000 06000000 00000000 00000000 00000000 00000000 00000000',
    );
  });

  const both: RegionInfo = {
    size: 0x2_0000_0000n,
    flags: { ...RW, mmap: true },
    capabilities: [{ id: 1, areas }, { id: 3 }],
  };

  it('has a reply with the chain of capabilities', () => {
    const { payload, complete } = encode(88, 0, both);
    expect(text(payload)).toBe(
      [
        '58000000 0f000000 00000000 20000000 00000000 02000000 00000000 00000000',
        // SPARSE_MMAP (1), version 1, the next one at 80; two areas
        '01000100 50000000 02000000 00000000',
        '00000000 00000000 00100000 00000000',
        '00300000 01000000 00200000 00000000',
        // MSIX_MAPPABLE (3), version 1, the last
        '03000100 00000000',
      ].join(' '),
    );
    expect(complete).toBe(true);
  });

  it('reports the bytes that the capabilities need to a client without room for them', () => {
    const { payload, complete } = encode(87, 0, both);
    expect(text(payload)).toBe('58000000 0f000000 00000000 20000000 00000000 02000000 00000000 00000000');
    expect(complete).toBe(false);
  });

  it('has a reply with an empty list of sparse areas', () => {
    const info: RegionInfo = { size: 0x1000n, flags: RW, capabilities: [{ id: 1, areas: [] }] };
    expect(text(encode(48, 2, info).payload)).toBe(
      '30000000 0b000000 02000000 20000000 00100000 00000000 00000000 00000000 01000100 00000000 00000000 00000000',
    );
  });
});
