import { describe, expect, it } from 'vitest';
import { Errno } from './errno.ts';
import { otherRegionInfo } from './vfio-pci-other-regions.ts';

const [ROM, CONFIG, VGA] = [6, 7, 8];
const KIB = 1024n;
const noMmap = { mmap: false };

describe('otherRegionInfo', () => {
  it.each([256n, 4096n])(
    'reports %s bytes of configuration space to read and write (host fact R4.3.2)',
    (bytes) => {
      expect(otherRegionInfo(CONFIG, { configSize: bytes, romSize: 0n })).toEqual({
        size: bytes,
        flags: { read: true, write: true, ...noMmap },
        capabilities: [],
      });
    },
  );

  it('reports the ROM of an e1000e, 256 KiB to read (host fact R4.3.3)', () => {
    expect(otherRegionInfo(ROM, { configSize: 4096n, romSize: 256n * KIB })).toEqual({
      size: 256n * KIB,
      flags: { read: true, write: false, ...noMmap },
      capabilities: [],
    });
  });

  it('reports an absent ROM with size 0 and no flags (host fact R4.3.3)', () => {
    expect(otherRegionInfo(ROM, { configSize: 4096n, romSize: 0n })).toEqual({
      size: 0n,
      flags: { read: false, write: false, ...noMmap },
      capabilities: [],
    });
  });

  it.each([
    ['VGA', VGA],
    ['the first region of a vendor', 9],
    ['the highest index', 0xffff_ffff],
  ])('refuses %s (host fact R4.3.2)', (_, index) => {
    expect(otherRegionInfo(index, { configSize: 4096n, romSize: 256n * KIB })).toBe(Errno.EINVAL);
  });
});
