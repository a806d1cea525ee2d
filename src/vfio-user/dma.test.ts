import { describe, expect, it } from 'vitest';
import { decodeDmaMap, decodeDmaUnmap } from './dma.ts';
import { EINVAL, EOPNOTSUPP } from './error-number.ts';
import { bytes } from './testing/bytes.ts';

describe('DMA_MAP', () => {
  it('has u32 argsz, u32 flags, u64 offset, u64 address, u64 size', () => {
    const message = '20000000 03000000 0000100000000000 00000000 01000000 00f0ffffffffffff';
    expect(decodeDmaMap(bytes(message))).toEqual({
      flags: 3,
      offset: 0x100000n,
      iova: 0x1_0000_0000n,
      size: 0xffff_ffff_ffff_f000n,
    });
  });

  const rest = '0000000000000000 0000000000000000 0010000000000000';
  it.each([
    ['it is too short', `20000000 03000000 ${rest.slice(0, -2)}`, 'payload of 31 bytes, allowed 32'],
    ['it is empty', '', 'payload of 0 bytes'],
    ['it is too long', `20000000 03000000 ${rest} 00`, 'payload of 33 bytes'],
    ['its argsz is below 32', `1f000000 03000000 ${rest}`, 'argsz 31, allowed at least 32'],
    ['its flags are neither read nor write', `20000000 00000000 ${rest}`, 'flags 0'],
    ['it has unknown flags', `20000000 07000000 ${rest}`, 'flags 7'],
  ])('is refused when %s', (_, message, problem) => {
    expect(() => decodeDmaMap(bytes(message))).toThrow(problem);
    expect(() => decodeDmaMap(bytes(message))).toThrow(
      expect.objectContaining({ errno: EINVAL, fatal: false }),
    );
  });
});

describe('DMA_UNMAP', () => {
  it('has u32 argsz, u32 flags, u64 address, u64 size', () => {
    expect(decodeDmaUnmap(bytes('18000000 00000000 0000000001000000 0020000000000000'))).toEqual({
      flags: 0,
      iova: 0x1_0000_0000n,
      size: 0x2000n,
    });
  });

  it('removes all mappings with the flag ALL', () => {
    const all = '18000000 02000000 0000000000000000 0000000000000000';
    expect(decodeDmaUnmap(bytes(all))).toEqual({ flags: 2, iova: 0n, size: 0n });
  });

  it.each([
    ['it is too short', '18000000 00000000 00000000', EINVAL, 'payload of 12 bytes'],
    ['it is too long', '18000000 00000000 0000000000000000 0010000000000000 00', EINVAL, 'payload of 25'],
    ['its argsz is below 24', '17000000 00000000 0000000000000000 0010000000000000', EINVAL, 'argsz 23'],
    ['it has unknown flags', '18000000 04000000 0000000000000000 0010000000000000', EINVAL, 'flags 4'],
    [
      'it has the flag ALL and a size',
      '18000000 02000000 0000000000000000 0010000000000000',
      EINVAL,
      'flag all (2)',
    ],
    [
      'it has the flag ALL and an address',
      '18000000 02000000 0010000000000000 0000000000000000',
      EINVAL,
      'flag all (2)',
    ],
    [
      'it asks for a dirty bitmap',
      '28000000 01000000 0000000000000000 0010000000000000 0010000000000000 0800000000000000',
      EOPNOTSUPP,
      'does not offer a dirty bitmap',
    ],
  ])('is refused when %s', (_, message, errno, problem) => {
    expect(() => decodeDmaUnmap(bytes(message))).toThrow(problem);
    expect(() => decodeDmaUnmap(bytes(message))).toThrow(expect.objectContaining({ errno, fatal: false }));
  });
});
