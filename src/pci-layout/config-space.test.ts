import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BAR_COUNT, ConfigSpace, PciRegister, barRegister, type AccessWidth } from './index.ts';

describe('barRegister', () => {
  it('is the offset of each of the six BAR registers', () => {
    expect(Array.from({ length: BAR_COUNT }, (_, index) => barRegister(index))).toEqual([
      0x10, 0x14, 0x18, 0x1c, 0x20, 0x24,
    ]);
  });
});

describe('ConfigSpace', () => {
  it('is all zero and read-only at first', () => {
    const config = new ConfigSpace();
    for (let at = 0; at < 256; at += 4) {
      config.write(at, 4, 0xffff_ffff);
      expect(config.read(at, 4)).toBe(0);
    }
  });

  it('is little-endian', () => {
    const config = new ConfigSpace();
    config.set(0x40, 4, 0x8765_4321);
    expect([0x40, 0x41, 0x42, 0x43].map((at) => config.read(at, 1))).toEqual([0x21, 0x43, 0x65, 0x87]);
    expect([0x40, 0x41, 0x42].map((at) => config.read(at, 2))).toEqual([0x4321, 0x6543, 0x8765]);
    expect(config.read(0x40, 4)).toBe(0x8765_4321);
    config.set(0x41, 1, 0xff);
    config.set(0x42, 2, 0x1234);
    expect(config.read(0x40, 4)).toBe(0x1234_ff21);
  });

  it('lets software change only the bits that were made writable', () => {
    const config = new ConfigSpace();
    config.set(0x10, 4, 0xc);
    config.setWritable(0x10, 4, 0xffff_0000);
    config.write(0x10, 4, 0xffff_ffff);
    expect(config.read(0x10, 4)).toBe(0xffff_000c);
    config.write(0x10, 4, 0x1234_5678);
    expect(config.read(0x10, 4)).toBe(0x1234_000c);
    config.write(0x12, 1, 0xff);
    expect(config.read(0x10, 4)).toBe(0x12ff_000c);
    config.write(0x10, 2, 0);
    expect(config.read(0x10, 4)).toBe(0x12ff_000c);
  });

  it('can make writable bits read-only again', () => {
    const config = new ConfigSpace();
    config.setWritable(PciRegister.COMMAND, 2, 0x407);
    config.setWritable(PciRegister.COMMAND, 1, 0x2);
    config.write(PciRegister.COMMAND, 2, 0xffff);
    expect(config.read(PciRegister.COMMAND, 2)).toBe(0x402);
  });

  it('clears the writable bits and leaves the read-only bits', () => {
    const config = new ConfigSpace();
    config.set(0x10, 4, 0x0000_0004);
    config.setWritable(0x10, 4, 0xffff_fff0);
    config.write(0x10, 4, 0xd000_0000);
    config.clearWritten(0x10, 4);
    expect(config.read(0x10, 4)).toBe(4);
  });

  it('does not change a dword by writes to its neighbours', () => {
    const config = new ConfigSpace();
    config.setWritable(0x10, 4, 0xffff_ffff);
    config.setWritable(0x18, 4, 0xffff_ffff);
    config.write(0x14, 4, 0xffff_ffff);
    expect([0x10, 0x14, 0x18].map((at) => config.read(at, 4))).toEqual([0, 0, 0]);
  });

  it('behaves like an array of bytes with a mask of writable bits for each', () => {
    const at = fc
      .tuple(fc.constantFrom<AccessWidth>(1, 2, 4), fc.nat(255))
      .map(([width, place]): [number, AccessWidth] => [place - (place % width), width]);
    const access = fc.record({
      at,
      kind: fc.constantFrom('set', 'setWritable', 'write', 'clearWritten'),
      value: fc.nat(0xffff_ffff),
    });
    fc.assert(
      fc.property(fc.array(access, { maxLength: 60 }), (accesses) => {
        const config = new ConfigSpace();
        const bytes = new Uint8Array(256);
        const masks = new Uint8Array(256);
        for (const {
          at: [place, width],
          kind,
          value,
        } of accesses) {
          if (kind === 'clearWritten') config.clearWritten(place, width);
          else config[kind as 'set' | 'setWritable' | 'write'](place, width, value);
          for (let index = 0; index < width; index++) {
            const byte = kind === 'clearWritten' ? 0 : (value >>> (8 * index)) & 0xff;
            const mask = masks[place + index]!;
            if (kind === 'setWritable') masks[place + index] = byte;
            else if (kind === 'set') bytes[place + index] = byte;
            else bytes[place + index] = (bytes[place + index]! & ~mask) | (byte & mask);
          }
        }
        const view = new DataView(bytes.buffer);
        for (let place = 0; place < 256; place += 4) {
          expect(config.read(place, 4)).toBe(view.getUint32(place, true));
          expect(config.read(place + 2, 2)).toBe(view.getUint16(place + 2, true));
          expect(config.read(place + 3, 1)).toBe(bytes[place + 3]);
        }
      }),
      { numRuns: 200 },
    );
  });
});
