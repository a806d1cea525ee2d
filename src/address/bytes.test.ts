import { describe, expect, it } from 'vitest';
import { bytes } from './bytes.ts';

describe('bytes', () => {
  it.each([
    [0n, '0 bytes'],
    [1n, '1 byte'],
    [2n, '2 bytes'],
    [1023n, '1023 bytes'],
    [1024n, '1 KiB'],
    [1025n, '1025 bytes'],
    [6144n, '6 KiB'],
    [6656n, '6656 bytes'],
    [0x1_0000n, '64 KiB'],
    [1n << 20n, '1 MiB'],
    [(1n << 20n) + 1024n, '1025 KiB'],
    [0x8000_0000n, '2 GiB'],
    [1n << 40n, '1 TiB'],
    [1n << 50n, '1 PiB'],
    [1n << 63n, '8 EiB'],
    [1n << 64n, '16 EiB'],
    [(1n << 64n) - 1n, '0xffffffffffffffff bytes'],
    [99_999n, '99999 bytes'],
    [100_001n, '97 KiB + 673 bytes'],
    [134_266_876n << 10n, '128 GiB + 49148 KiB'],
    [3_144_960n << 10n, '2 GiB + 1023 MiB + 256 KiB'],
    [(1n << 40n) + (1n << 30n) + (1n << 27n) + 1n, '0x10048000001 bytes'],
    [(1n << 40n) + (1n << 30n) + (1n << 10n), '1 TiB + 1 GiB + 1 KiB'],
    [-4096n, '-4 KiB'],
    [1n << 70n, '1024 EiB'],
    [(1n << 70n) + 1n, '1024 EiB + 1 byte'],
    [100_000n << 60n, '100000 EiB'],
  ])('writes %d as %s', (count, text) => {
    expect(bytes(count)).toBe(text);
  });
});
