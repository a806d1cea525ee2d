import { describe, expect, it } from 'vitest';
import { runOnModel } from '../model/index.ts';
import { decodeScenario } from '../scenario/index.ts';
import { NEWEST } from '../vfio/index.ts';
import { unseenBarLines } from './unseen-bars.ts';

const linesFor = (type: string, address: string, more: object = {}) =>
  unseenBarLines(
    runOnModel(
      decodeScenario({
        version: 1,
        machine: { type, ram: '0x10000000' },
        host: { kernel: '6.12', iommu: { type: 'type1' } },
        devices: [{ id: 'dev0', bars: [{ index: 0, size: '0x1000', type: 'mem64' }], ...more }],
        operations: [
          { op: 'set-bar', device: 'dev0', bar: 0, address },
          { op: 'enable-memory', device: 'dev0' },
        ],
      }),
      NEWEST,
    ),
  );

describe('a BAR that the CPU does not see is named', () => {
  it('on virt above the window of 512 GiB', () => {
    expect(linesFor('virt', '0x10000000000')).toEqual([
      'the CPU sees nothing of dev0 BAR 0 at [0x10000000000, 0x10000000fff]: it lies outside every PCI window of the machine',
    ]);
  });

  it('on q35 below RAM', () => {
    expect(linesFor('q35', '0x2000000')).toEqual([
      'the CPU sees nothing of dev0 BAR 0 at [0x2000000, 0x2000fff]: other regions lie over it',
    ]);
  });
});

describe('no BAR is named', () => {
  it.each([
    ['virt', '0x8000000000'],
    ['pseries', '0x80000000'],
    ['q35', '0xc0000000'],
  ])('on %s with the BAR at %s', (type, address) => {
    expect(linesFor(type, address)).toEqual([]);
  });

  it('where the emulated MSI-X table fills the BAR', () => {
    const msix = { vectors: 2, tableBar: 0, tableOffset: '0x0', pbaBar: 0, pbaOffset: '0x800' };
    expect(linesFor('q35', '0xc0000000', { msix })).toEqual([]);
  });
});
