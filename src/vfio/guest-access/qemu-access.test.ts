import { describe, expect, it } from 'vitest';
import { offset } from '../../address/index.ts';
import { MemoryRegion } from '../../memory/index.ts';
import { QEMU_ACCESS } from './qemu-access.ts';

const access = (at: bigint, width: number, write = false) => ({ offset: offset(at), width, write });
const REGISTERS = { widest: 8, unaligned: false };

describe('the rules of QEMU for accesses', () => {
  it.each([
    [0x0n, 8, 8],
    [0x8n, 8, 8],
    [0x4n, 8, 4],
    [0xcn, 8, 4],
    [0x2n, 8, 2],
    [0x1n, 4, 1],
    [0x8n, 7, 4],
    [0x8n, 3, 2],
  ])('registers get of an access at offset %s of %i bytes %i at once', (at, width, size) => {
    expect(QEMU_ACCESS.pieceWidth(access(at, width), REGISTERS)).toBe(size);
  });

  it('memory gets unaligned accesses whole, and callbacks no more than they take', () => {
    expect(QEMU_ACCESS.pieceWidth(access(0x3n, 8), { widest: 8, unaligned: true })).toBe(8);
    expect(QEMU_ACCESS.pieceWidth(access(0x8n, 8), { widest: 4, unaligned: false })).toBe(4);
  });

  it('only memory ends with its section', () => {
    expect(QEMU_ACCESS.clampsToSection(MemoryRegion.ramDevice('mmap', 0x1000n))).toBe(true);
    expect(QEMU_ACCESS.clampsToSection(MemoryRegion.io('registers', 0x1000n))).toBe(false);
  });

  it('the table takes 4 and 8 bytes, and the PBA no writes', () => {
    const widths = [1, 2, 4, 8];
    expect(widths.filter((width) => QEMU_ACCESS.accepts('table', access(0n, width, true), 16n))).toEqual([
      4, 8,
    ]);
    expect(widths.filter((width) => QEMU_ACCESS.accepts('pba', access(0n, width), 8n))).toEqual([4, 8]);
    expect(widths.filter((width) => QEMU_ACCESS.accepts('pba', access(0n, width, true), 8n))).toEqual([]);
  });

  it.each([
    [0n, 8, 128, { first: 0, end: 64 }],
    [8n, 8, 128, { first: 64, end: 128 }],
    [8n, 8, 100, { first: 64, end: 100 }],
    [4n, 4, 64, { first: 32, end: 64 }],
    [8n, 8, 64, { first: 64, end: 64 }],
  ])('a read of the PBA at offset %s of %i bytes with %i vectors polls %o', (at, width, vectors, polled) => {
    expect(QEMU_ACCESS.polledVectors(access(at, width), vectors)).toEqual(polled);
  });
});
