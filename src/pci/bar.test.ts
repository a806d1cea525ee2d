import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { END_OF_SPACE, LAST_ADDRESS } from '../address/index.ts';
import { decodeBar, type UnmappedReason } from './bar.ts';
import { barFlags, type BarType } from '../pci-layout/index.ts';

const GIB_4 = 1n << 32n;
const TOP_BIT = 1n << 63n;

/** Whether a machine has BARs at address 0. */
const [PC, VIRT] = [false, true];

/** Where the BAR answers, or why it does not. */
function decoded(
  type: BarType,
  register: bigint,
  size: bigint,
  addressZeroAllowed = PC,
): bigint | UnmappedReason {
  const { address, unmapped } = decodeBar(type, register, size, addressZeroAllowed);
  expect((address === undefined) !== (unmapped === undefined)).toBe(true);
  return address ?? unmapped!;
}

describe('barFlags', () => {
  it.each([
    ['io', false, 0b0001],
    ['io', true, 0b0001],
    ['mem32', false, 0b0000],
    ['mem32', true, 0b1000],
    ['mem64', false, 0b0100],
    ['mem64', true, 0b1100],
  ] as const)('of a BAR that is %s, prefetchable %s, are %i', (type, prefetchable, flags) => {
    expect(barFlags({ type, prefetchable })).toBe(flags);
  });
});

describe('a BAR is where its register says', () => {
  it.each([
    ['mem32', 0xd000_0000n, 0x1000n, 0xd000_0000n],
    // Flag bits and bits below the size do not count.
    ['mem32', 0xd000_0008n, 0x1000n, 0xd000_0000n],
    ['mem32', 0xd000_7ff8n, 0x1_0000n, 0xd000_0000n],
    ['mem64', 0x2100_0000_000cn, 0x1_0000n, 0x2100_0000_0000n],
    ['io', 0xc001n, 0x20n, 0xc000n],
    ['io', 0xc01dn, 0x4n, 0xc01cn],
    // A memory BAR may have less than 16 bytes in QEMU, and then every bit but the lowest counts.
    ['mem32', 0xd000_0002n, 0x2n, 0xd000_0002n],
    ['mem32', 0x1000n, 0x1000n, 0x1000n],
  ] as const)('%s at 0x%s with %i bytes', (type, register, size, address) => {
    expect(decoded(type, register, size)).toBe(address);
  });
});

describe('a BAR is not mapped', () => {
  it.each(['io', 'mem32', 'mem64'] as const)(
    '%s: at address 0, unless the machine has BARs there',
    (type) => {
      expect(decoded(type, 0n, 0x100n)).toBe('address-zero');
      // What is below the size is no address.
      expect(decoded(type, 0xffn, 0x100n)).toBe('address-zero');
      expect(decoded(type, 0n, 0x100n, VIRT)).toBe(0n);
    },
  );

  it.each(['io', 'mem32', 'mem64'] as const)('%s: when it has a single byte', (type) => {
    expect(decoded(type, 0xd000_0000n, 1n)).toBe('wraps');
    expect(decoded(type, 0n, 1n, VIRT)).toBe('wraps');
    expect(decoded(type, 0xd000_0000n, 2n)).toBe(0xd000_0000n);
  });

  it('when it wraps around the end of the space', () => {
    expect(decoded('mem64', 0n, END_OF_SPACE, VIRT)).toBe('ends-at-top');
    expect(decoded('mem64', TOP_BIT, TOP_BIT)).toBe('ends-at-top');
    expect(decoded('mem64', TOP_BIT - 1n, TOP_BIT, VIRT)).toBe(0n);
  });

  it.each([0x1000n, 0x1_0000n, 0x4000_0000n])(
    'when it is a 32-bit or I/O BAR of %i bytes whose last byte is that below 4G',
    (size) => {
      const last = GIB_4 - size;
      for (const type of ['mem32', 'io'] as const) {
        expect(decoded(type, last, size)).toBe('ends-beyond-32-bits');
        expect(decoded(type, last - size, size)).toBe(last - size);
      }
      expect(decoded('mem64', last, size)).toBe(last);
    },
  );

  it('when it is a 32-bit BAR of 4G or more', () => {
    expect(decoded('mem32', 0n, GIB_4, VIRT)).toBe('ends-beyond-32-bits');
    expect(decoded('mem32', 0n, 2n * GIB_4, VIRT)).toBe('ends-beyond-32-bits');
    expect(decoded('mem32', 0n, GIB_4 / 2n, VIRT)).toBe(0n);
    expect(decoded('mem64', 0n, GIB_4, VIRT)).toBe(0n);
  });

  it.each([0x10n, 0x1000n, GIB_4, 1n << 40n])(
    'when it is a 64-bit BAR of %i bytes that ends at the last address',
    (size) => {
      expect(decoded('mem64', LAST_ADDRESS, size)).toBe('ends-at-top');
      expect(decoded('mem64', END_OF_SPACE - size, size)).toBe('ends-at-top');
      expect(decoded('mem64', END_OF_SPACE - 2n * size, size)).toBe(END_OF_SPACE - 2n * size);
    },
  );
});

describe('a 64-bit BAR has no boundary', () => {
  it.each([
    ['4G', GIB_4],
    ['2^47', 1n << 47n],
    ['2^63', TOP_BIT],
  ])('at %s', (_, at) => {
    for (const address of [at - 0x1000n, at, at + 0x1000n]) {
      expect(decoded('mem64', address, 0x1000n)).toBe(address);
    }
  });

  it('while sizing it: the low half all ones, then the high half (pci fact 4.6)', () => {
    const size = 0x1_0000n;
    expect(decoded('mem64', 0x2100_ffff_ffffn, size)).toBe(0x2100_ffff_0000n);
    expect(decoded('mem64', 0xffff_ffff_0000_0000n, size)).toBe(0xffff_ffff_0000_0000n);
    expect(decoded('mem64', 0xffff_ffff_ffff_ffffn, size)).toBe('ends-at-top');
  });
});

describe('for every register and size', () => {
  const size = fc.integer({ min: 0, max: 63 }).map((bits) => 1n << BigInt(bits));
  const register = fc.oneof(
    fc.bigInt(0n, LAST_ADDRESS),
    fc.bigInt(0n, GIB_4 + 0x1000n),
    fc.bigInt(LAST_ADDRESS - 0x10_0000n, LAST_ADDRESS),
  );
  const type = fc.constantFrom<BarType>('io', 'mem32', 'mem64');

  it('a mapped BAR is aligned to its size, has two bytes or more and ends before the end of its space', () => {
    fc.assert(
      fc.property(type, register, size, fc.boolean(), (kind, value, bytes, addressZeroAllowed) => {
        const wide = kind === 'mem64' ? value : BigInt.asUintN(32, value);
        const { address } = decodeBar(kind, wide, bytes, addressZeroAllowed);
        const base = wide - (wide % bytes);
        const limit = kind === 'mem64' ? END_OF_SPACE : GIB_4;
        const expected =
          bytes > 1n && base + bytes < limit && (base !== 0n || addressZeroAllowed) ? base : undefined;
        expect(address).toBe(expected);
      }),
      { numRuns: 2000 },
    );
  });
});
