import { describe, expect, it } from 'vitest';
import { hex } from '../address/index.ts';
import { MemoryRegion } from '../memory/index.ts';
import { DirtyRanges, threeRanges } from './dirty-ranges.ts';
import type { ListenerRules } from './listener-rules.ts';
import { sectionOf } from './testing/fakes.ts';

const [MIB, GIB] = [1n << 20n, 1n << 30n];
const RAM = MemoryRegion.ram('ram', 64n * GIB);
const BAR = MemoryRegion.ramDevice('dev0 BAR 0 mmaps[0]', GIB, { owner: 'dev0' });

/** The ranges that pieces of these regions, at these addresses and of these sizes, are joined to. */
function joined(
  pieces: readonly (readonly [MemoryRegion, bigint, bigint])[],
  rule: ListenerRules['dirtyRange'] = threeRanges,
): readonly string[] {
  const ranges = new DirtyRanges(rule);
  for (const [region, start, size] of pieces) ranges.add(sectionOf(region, start, size, 0n), { start, size });
  return ranges.all.map(({ start, end }) => `${hex(start)} to ${hex(end)}`);
}

describe('the ranges in which devices log what they write (vfio fact 6.15)', () => {
  it('are one below 4 GiB, one above, and one for BARs above', () => {
    const low = [RAM, 0n, 2n * GIB] as const;
    const small = [BAR, 3n * GIB, MIB] as const;
    const high = [RAM, 4n * GIB, 6n * GIB] as const;
    const top = [BAR, 1n << 45n, MIB] as const;
    expect(joined([low, small, high, top])).toEqual([
      '0x0 to 0xc0100000',
      '0x100000000 to 0x280000000',
      '0x200000000000 to 0x200000100000',
    ]);
    expect(joined([top, high])).toEqual(['0x100000000 to 0x280000000', '0x200000000000 to 0x200000100000']);
    expect(joined([])).toEqual([]);
  });

  it('tell pieces apart by their last address, and BARs by their first', () => {
    expect(
      joined([
        [RAM, 4n * GIB - MIB, MIB],
        [RAM, 8n * GIB, MIB],
      ]),
    ).toHaveLength(2);
    expect(
      joined([
        [RAM, 4n * GIB - MIB, 2n * MIB],
        [RAM, 8n * GIB, MIB],
      ]),
    ).toEqual(['0xfff00000 to 0x200100000']);
    expect(
      joined([
        [BAR, 4n * GIB - MIB, 2n * MIB],
        [RAM, 8n * GIB, MIB],
      ]),
    ).toEqual(['0xfff00000 to 0x200100000']);
    expect(
      joined([
        [BAR, 4n * GIB, MIB],
        [RAM, 8n * GIB, MIB],
      ]),
    ).toHaveLength(2);
  });

  it('are named by what they hold', () => {
    const nameOf = (region: MemoryRegion, start: bigint, size: bigint) =>
      threeRanges(sectionOf(region, start, size, 0n), { start, size });
    expect(nameOf(RAM, 0n, 4n * GIB)).toBe('below 4 GiB');
    expect(nameOf(RAM, 0n, 4n * GIB + 1n)).toBe('above 4 GiB');
    expect(nameOf(BAR, 4n * GIB - 1n, MIB)).toBe('device memory above 4 GiB');
    expect(nameOf(BAR, 4n * GIB - 2n, MIB)).toBe('above 4 GiB');
    expect(nameOf(BAR, 3n * GIB, MIB)).toBe('below 4 GiB');
  });

  it('grow at either end, and come by rising start', () => {
    const pieces = [
      [RAM, 6n * GIB, MIB],
      [RAM, 5n * GIB, MIB],
      [RAM, 7n * GIB, MIB],
      [RAM, GIB, MIB],
    ] as const;
    expect(joined(pieces)).toEqual(['0x40000000 to 0x40100000', '0x140000000 to 0x1c0100000']);
  });

  it('leave out what the rule leaves out', () => {
    expect(
      joined(
        [
          [RAM, 0n, GIB],
          [BAR, GIB, GIB],
        ],
        ({ region }) => (region === BAR ? undefined : 'ram'),
      ),
    ).toEqual(['0x0 to 0x40000000']);
  });
});
