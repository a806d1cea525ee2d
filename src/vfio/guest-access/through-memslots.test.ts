import { describe, expect, it } from 'vitest';
import { gpa, hostAddress, offset } from '../../address/index.ts';
import type { Memslot } from '../../host/index.ts';
import { accessThroughMemslots, type CpuAccess } from './through-memslots.ts';

const slot = (at: bigint, size: bigint, more: Partial<Memslot> = {}): Memslot => ({
  slot: 0,
  gpa: gpa(at),
  size,
  hostAddress: hostAddress(0x7f00_0000_0000n),
  readonly: false,
  logDirtyPages: false,
  backing: { region: 'mem', owner: 'dev0', offset: offset(0x100n) },
  ...more,
});

/** The parts of an access as `ADDRESS+SIZE kind`, with the offset of memory. */
function partsOf(access: CpuAccess, slots: readonly Memslot[]): readonly string[] {
  const parts = accessThroughMemslots(access, slots, ({ address, width }) => [
    { address, size: width, reached: { kind: 'nothing' } },
  ]);
  return parts.map(({ address, size, reached }) => {
    const place = reached.kind === 'memory' ? ` ${reached.region}@${reached.offset.toString(16)}` : '';
    return `${address.toString(16)}+${size} ${reached.kind}${place}`;
  });
}

const read = (address: bigint, width = 8): CpuAccess => ({ address, width, write: false });

describe('an access through memslots', () => {
  it('reaches the memory of the slot at the offset of its backing', () => {
    expect(partsOf(read(0x1010n), [slot(0x1000n, 0x1000n)])).toEqual(['1010+8 memory mem@110']);
  });

  it('exits where no slot is', () => {
    expect(partsOf(read(0x2000n), [slot(0x1000n, 0x1000n)])).toEqual(['2000+8 nothing']);
    expect(partsOf(read(0xff8n), [slot(0x1000n, 0x1000n)])).toEqual(['ff8+8 nothing']);
  });

  it('is cut at the edges of slots', () => {
    const slots = [slot(0x1000n, 0x1000n), slot(0x2004n, 0x1000n)];
    expect(partsOf(read(0x1ffdn), slots)).toEqual([
      '1ffd+3 memory mem@10fd',
      '2000+4 nothing',
      '2004+1 memory mem@100',
    ]);
  });

  it('ends where a slot begins, and begins where one ends', () => {
    const slots = [slot(0x1000n, 0x1000n)];
    expect(partsOf(read(0xff8n), slots)).toEqual(['ff8+8 nothing']);
    expect(partsOf(read(0xff9n), slots)).toEqual(['ff9+7 nothing', '1000+1 memory mem@100']);
    expect(partsOf(read(0x1ff8n), slots)).toEqual(['1ff8+8 memory mem@10f8']);
    expect(partsOf(read(0x2000n), slots)).toEqual(['2000+8 nothing']);
  });

  it('is whole where slots lie elsewhere', () => {
    const slots = [slot(0x8000n, 0x1000n), slot(0n, 0x1000n)];
    expect(partsOf(read(0x1000n), slots)).toEqual(['1000+8 nothing']);
  });

  it('exits for a write to a read-only slot, and not for a read', () => {
    const slots = [slot(0x1000n, 0x1000n, { readonly: true })];
    expect(partsOf({ ...read(0x1000n), write: true }, slots)).toEqual(['1000+8 nothing']);
    expect(partsOf(read(0x1000n), slots)).toEqual(['1000+8 memory mem@100']);
  });
});
