import { describe, expect, it } from 'vitest';
import { alignDown } from '../src/address/index.ts';
import { runOnModel } from '../src/model/index.ts';
import { unseenBars } from '../src/report/unseen-bars.ts';
import { decodeScenario, needsOf, pciWindows, type MachineType } from '../src/scenario/index.ts';
import { NEWEST } from '../src/vfio/index.ts';

const GIB = 1n << 30n;
const SIZE = 0x10_0000n;

/** A machine with one 64-bit BAR of 1 MiB at `address`. */
const withBarAt = (type: MachineType, ram: bigint, address: bigint) =>
  decodeScenario({
    version: 1,
    machine: { type, ram: `0x${ram.toString(16)}` },
    host: { kernel: '6.12', iommu: { type: type === 'pseries' ? 'spapr-tce-v2' : 'type1' } },
    devices: [{ id: 'dev0', bars: [{ index: 0, size: `0x${SIZE.toString(16)}`, type: 'mem64' }] }],
    operations: [
      { op: 'set-bar', device: 'dev0', bar: 0, address: `0x${address.toString(16)}` },
      { op: 'enable-memory', device: 'dev0' },
    ],
  });

describe.each(['pc', 'q35', 'virt', 'pseries'] as const)('the PCI windows of %s', (type) => {
  // RAM below, at and above the sizes at which a PC splits RAM at 4 GiB.
  it.each([1n, 2n, 3n, 4n, 6n, 300n])('show a BAR at both ends of each window with %i GiB of RAM', (ram) => {
    const { low, high } = pciWindows(withBarAt(type, ram * GIB, 0n));
    expect(high).toBeDefined();
    for (const { start, end } of [low, high!]) {
      for (const address of [start, alignDown(end - SIZE, SIZE)]) {
        const scenario = withBarAt(type, ram * GIB, address);
        expect(needsOf(scenario)).toEqual([]);
        expect(unseenBars(runOnModel(scenario, NEWEST))).toEqual([]);
      }
    }
  });
});

describe('a BAR outside every PCI window', () => {
  // field: the window above RAM ends at 1 TiB unless the user asks for a larger one.
  it.each<[MachineType, bigint]>([
    ['virt', 1n << 40n],
    ['virt', 0x1000n << 20n],
    ['pseries', 1n << 40n],
  ])('of %s at 0x%s is named, and is none that firmware sets up', (type, address) => {
    const scenario = withBarAt(type, GIB, address);
    expect(unseenBars(runOnModel(scenario, NEWEST))).toMatchObject([
      { device: 'dev0', bar: 0, start: address, isOutsideWindows: true },
    ]);
    expect(needsOf(scenario).map(({ kind }) => kind)).toEqual(['placement']);
  });
});
