import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { END_OF_SPACE, LAST_ADDRESS } from './address.ts';
import { hex, hex16, parseHex } from './hex.ts';

describe('hex', () => {
  it.each([
    [0n, '0x0'],
    [0xabcdefn, '0xabcdef'],
    [1n << 32n, '0x100000000'],
    [LAST_ADDRESS, '0xffffffffffffffff'],
    [END_OF_SPACE, '0x10000000000000000'],
  ])('of %d is %s', (value, text) => {
    expect(hex(value)).toBe(text);
  });
});

describe('hex16', () => {
  it.each([
    [0n, '0000000000000000'],
    [0xe000n, '000000000000e000'],
    [LAST_ADDRESS, 'ffffffffffffffff'],
  ])('of %d is %s', (value, text) => {
    expect(hex16(value)).toBe(text);
  });
});

describe('parseHex', () => {
  it('reads what hex writes', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: END_OF_SPACE }), (value) => {
        expect(parseHex(hex(value))).toBe(value);
        expect(parseHex(hex(value).replace('0x', '0x0'))).toBe(value);
        expect(parseHex(hex(value).toUpperCase().replace('0X', '0x'))).toBe(value);
      }),
      { seed: 0x4e8, numRuns: 300 },
    );
  });

  it.each([
    [0, 0n],
    [-0, 0n],
    [0x1000, 0x1000n],
    [Number.MAX_SAFE_INTEGER, 0x1f_ffff_ffff_ffffn],
    ['0x0', 0n],
    ['0x00000000000000000e', 0xen],
    ['0xffffffffffffffff', LAST_ADDRESS],
    ['0x10000000000000000', END_OF_SPACE],
    ['0x010000000000000000', END_OF_SPACE],
  ])('reads %j', (value, expected) => {
    expect(parseHex(value)).toBe(expected);
  });

  it.each([
    -1,
    1.5,
    NaN,
    Infinity,
    Number.MAX_SAFE_INTEGER + 1,
    '',
    '0x',
    '10',
    '0X10',
    'ff',
    '-0x1',
    '0x-1',
    ' 0x1',
    '0x1 ',
    '0x1\n',
    '0x1_000',
    '0xg',
    '0b1',
    '0x10000000000000001',
    '0x20000000000000000',
    '0x000000000000000000001',
    undefined,
    null,
    true,
    {},
    ['0x1'],
    0x1000n,
  ])('refuses %s', (value) => {
    expect(parseHex(value)).toBeUndefined();
  });
});
