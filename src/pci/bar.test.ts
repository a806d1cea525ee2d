import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { END_OF_SPACE, LAST_ADDRESS } from '../address/index.ts';
import type { BarType } from '../pci-layout/index.ts';
import { decodeBar, type UnmappedReason } from './bar.ts';

const GIB_4 = 1n << 32n;
const TOP_BIT = 1n << 63n;

/** Whether the machine allows a BAR at address 0. */
const [PC, VIRT] = [false, true];

/** The address at which the BAR answers, or why it answers nowhere. */
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

describe('a BAR answers at the address in its register', () => {
  it.each([
    ['mem32', 0xd000_0000n, 0x1000n, 0xd000_0000n],
    // Flag bits and bits below the size do not count.
    ['mem32', 0xd000_0008n, 0x1000n, 0xd000_0000n],
    ['mem32', 0xd000_7ff8n, 0x1_0000n, 0xd000_0000n],
    ['mem64', 0x2100_0000_000cn, 0x1_0000n, 0x2100_0000_0000n],
    ['io', 0xc001n, 0x20n, 0xc000n],
    ['io', 0xc01dn, 0x4n, 0xc01cn],
    // QEMU allows memory BARs of less than 16 bytes; then flag bits count as address bits.
    ['mem32', 0xd000_0002n, 0x2n, 0xd000_0002n],
    ['mem32', 0x1000n, 0x1000n, 0x1000n],
  ] as const)('%s with register %i and %i bytes', (type, register, size, address) => {
    expect(decoded(type, register, size)).toBe(address);
  });
});

describe('a BAR answers nowhere', () => {
  it.each(['io', 'mem32', 'mem64'] as const)('at address 0, unless the machine allows that: %s', (type) => {
    expect(decoded(type, 0n, 0x100n)).toBe('address-zero');
    // Bits below the size do not count.
    expect(decoded(type, 0xffn, 0x100n)).toBe('address-zero');
    expect(decoded(type, 0n, 0x100n, VIRT)).toBe(0n);
  });

  it.each(['io', 'mem32', 'mem64'] as const)('if it has a single byte: %s', (type) => {
    expect(decoded(type, 0xd000_0000n, 1n)).toBe('wraps');
    expect(decoded(type, 0n, 1n, VIRT)).toBe('wraps');
    expect(decoded(type, 0xd000_0000n, 2n)).toBe(0xd000_0000n);
  });

  it('if it ends at 2^64', () => {
    expect(decoded('mem64', 0n, END_OF_SPACE, VIRT)).toBe('ends-at-top');
    expect(decoded('mem64', TOP_BIT, TOP_BIT)).toBe('ends-at-top');
    expect(decoded('mem64', TOP_BIT - 1n, TOP_BIT, VIRT)).toBe(0n);
  });

  it.each([0x1000n, 0x1_0000n, 0x4000_0000n])(
    'if it is a 32-bit or I/O BAR of %i bytes that ends at 4 GiB',
    (size) => {
      const last = GIB_4 - size;
      for (const type of ['mem32', 'io'] as const) {
        expect(decoded(type, last, size)).toBe('ends-beyond-32-bits');
        expect(decoded(type, last - size, size)).toBe(last - size);
      }
      expect(decoded('mem64', last, size)).toBe(last);
    },
  );

  it('if it is a 32-bit BAR of 4 GiB or more', () => {
    expect(decoded('mem32', 0n, GIB_4, VIRT)).toBe('ends-beyond-32-bits');
    expect(decoded('mem32', 0n, 2n * GIB_4, VIRT)).toBe('ends-beyond-32-bits');
    expect(decoded('mem32', 0n, GIB_4 / 2n, VIRT)).toBe(0n);
    expect(decoded('mem64', 0n, GIB_4, VIRT)).toBe(0n);
  });

  it.each([0x10n, 0x1000n, GIB_4, 1n << 40n])(
    'if it is a 64-bit BAR of %i bytes that ends at 2^64',
    (size) => {
      expect(decoded('mem64', LAST_ADDRESS, size)).toBe('ends-at-top');
      expect(decoded('mem64', END_OF_SPACE - size, size)).toBe('ends-at-top');
      expect(decoded('mem64', END_OF_SPACE - 2n * size, size)).toBe(END_OF_SPACE - 2n * size);
    },
  );
});

describe('a 64-bit BAR answers', () => {
  it.each([
    ['4 GiB', GIB_4],
    ['2^47', 1n << 47n],
    ['2^63', TOP_BIT],
  ])('below, at and above %s', (_, at) => {
    for (const address of [at - 0x1000n, at, at + 0x1000n]) {
      expect(decoded('mem64', address, 0x1000n)).toBe(address);
    }
  });

  it('at two other addresses while the guest sizes it, and then nowhere (pci fact 4.6)', () => {
    const size = 0x1_0000n;
    expect(decoded('mem64', 0x2100_ffff_ffffn, size)).toBe(0x2100_ffff_0000n);
    expect(decoded('mem64', 0xffff_ffff_0000_0000n, size)).toBe(0xffff_ffff_0000_0000n);
    expect(decoded('mem64', 0xffff_ffff_ffff_ffffn, size)).toBe('ends-at-top');
  });
});

describe('for any register and size', () => {
  const size = fc.integer({ min: 0, max: 63 }).map((bits) => 1n << BigInt(bits));
  const register = fc.oneof(
    fc.bigInt(0n, LAST_ADDRESS),
    fc.bigInt(0n, GIB_4 + 0x1000n),
    fc.bigInt(LAST_ADDRESS - 0x10_0000n, LAST_ADDRESS),
  );
  const type = fc.constantFrom<BarType>('io', 'mem32', 'mem64');

  it('a BAR answers if it has two bytes or more, ends before the end of its space, and may be at its address', () => {
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
