import { describe, expect, it } from 'vitest';
import { offset } from '../address/index.ts';
import { EMSGSIZE } from './error-number.ts';
import { decodeRegionRead, decodeRegionWrite, encodeRegionAccess } from './region-access.ts';
import { bytes, text } from './testing/bytes.ts';

// The fields are u64 offset, u32 region, u32 count, data.
describe('REGION_READ', () => {
  it('has the offset, the region and the number of bytes', () => {
    expect(decodeRegionRead(bytes('0001000001000000 07000000 04000000'))).toEqual({
      offset: 0x1_0000_0100n,
      region: 7,
      count: 4,
    });
  });

  it('has a reply with the same fields and the bytes', () => {
    const access = { offset: offset(0x100n), region: 7, count: 2 };
    expect(text(encodeRegionAccess(access, bytes('abcd')))).toBe('00010000 00000000 07000000 02000000 abcd');
  });

  it('accepts 1 MiB, which the server announces, and refuses one byte more', () => {
    expect(decodeRegionRead(bytes('0000000000000000 00000000 00001000')).count).toBe(0x100000);
    expect(() => decodeRegionRead(bytes('0000000000000000 00000000 01001000'))).toThrow(
      expect.objectContaining({ errno: EMSGSIZE }),
    );
  });

  it('is refused with data', () => {
    expect(() => decodeRegionRead(bytes('0000000000000000 07000000 01000000 00'))).toThrow('payload of 17');
  });
});

describe('REGION_WRITE', () => {
  it('has the same fields and the data', () => {
    const write = decodeRegionWrite(bytes('0400000000000000 07000000 02000000 0200'));
    expect(write).toMatchObject({ offset: 4n, region: 7, count: 2 });
    expect(text(write.data)).toBe('0200');
  });

  it('has a reply with the same fields and no data', () => {
    const access = { offset: offset(4n), region: 7, count: 2 };
    expect(text(encodeRegionAccess(access, bytes('')))).toBe('04000000 00000000 07000000 02000000');
  });

  it.each([
    [
      'less data than its count',
      '0400000000000000 07000000 03000000 0200',
      'payload of 18 bytes, allowed 19',
    ],
    [
      'more data than its count',
      '0400000000000000 07000000 01000000 0200',
      'payload of 18 bytes, allowed 17',
    ],
    ['half of the fields', '0400000000000000', 'payload of 8 bytes'],
    ['a count of 4 GiB - 1', '0400000000000000 07000000 ffffffff 0200', '4294967295 bytes'],
  ])('with %s is refused', (_, message, problem) => {
    expect(() => decodeRegionWrite(bytes(message))).toThrow(problem);
  });
});
