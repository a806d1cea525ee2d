import { describe, expect, it } from 'vitest';
import { offset } from '../address/index.ts';
import { beginsInTable, isTableAccess } from './table-access.ts';

const access = (at: bigint, width: number) => ({ offset: offset(at), width, write: false });

describe('trapped accesses of cloud-hypervisor', () => {
  it('go to the table by their first byte', () => {
    const table = { start: 0x100n, end: 0x140n };
    expect(beginsInTable(access(0x100n, 8), table)).toBe(true);
    expect(beginsInTable(access(0x13cn, 8), table)).toBe(true);
    expect(beginsInTable(access(0xfcn, 8), table)).toBe(false);
    expect(beginsInTable(access(0x140n, 4), table)).toBe(false);
  });

  it.each([
    [0x0n, 4, true],
    [0xcn, 4, true],
    [0x18n, 8, true],
    [0xcn, 8, false],
    [0x4n, 8, false],
    [0x2n, 4, false],
    [0x0n, 2, false],
    [0x0n, 1, false],
  ])('of a table at %s of %i bytes are answered: %s', (at, width, answers) => {
    expect(isTableAccess(access(at, width))).toBe(answers);
  });
});
