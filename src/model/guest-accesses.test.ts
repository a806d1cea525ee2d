import { describe, expect, it } from 'vitest';
import { decodeScenario } from '../scenario/index.ts';
import type { AccessEvent, AccessPart } from '../vfio/index.ts';
import { runOnModel } from './model-target.ts';
import { findAnyRevision } from './revisions.ts';

interface Wanted {
  readonly revision?: string;
  readonly iommu?: string;
  readonly offset: string;
  readonly width: number;
  readonly write?: boolean;
  readonly bar?: number;
  readonly enable?: boolean;
}

/** The accesses of a run: two BARs, the first with 4 entries at 0x2000 and the PBA at 0x3000, the second trapped. */
function accessesOf({ revision = 'qemu-11.1', iommu = 'type1', enable = true, bar = 0, ...access }: Wanted) {
  const device = { op: 'access-bar', device: 'dev0', bar, ...access };
  const scenario = decodeScenario({
    version: 1,
    machine: { type: 'generic', ram: '0x10000000' },
    revision,
    host: { kernel: 'msix-mappable', iommu: { type: iommu, pageSizes: ['0x1000'] } },
    devices: [
      {
        id: 'dev0',
        bars: [
          { index: 0, size: '0x10000', type: 'mem64' },
          { index: 2, size: '0x4000', type: 'mem32', mmap: false },
        ],
        msix: { vectors: 4, tableBar: 0, tableOffset: '0x2000', pbaBar: 0, pbaOffset: '0x3000' },
      },
    ],
    operations: [
      { op: 'set-bar', device: 'dev0', bar: 0, address: '0xe0000000' },
      { op: 'set-bar', device: 'dev0', bar: 2, address: '0xe1000000' },
      ...(enable ? [{ op: 'enable-memory', device: 'dev0' }] : []),
      device,
    ],
  });
  const trace = runOnModel(scenario, findAnyRevision(revision)!);
  return trace.steps.flatMap(({ events }) =>
    events.filter((event): event is AccessEvent => event.type === 'access'),
  );
}

const textOf = ({ address, size, reached }: AccessPart): string => {
  const at = 'offset' in reached ? `@${reached.offset.toString(16)}` : '';
  return `${address.toString(16)}+${size} ${reached.kind}${at}`;
};
const partsOf = (wanted: Wanted): readonly string[] =>
  accessesOf(wanted).flatMap(({ parts }) => parts.map(textOf));

describe('an access to a BAR', () => {
  it.each<readonly [string, Wanted, readonly string[]]>([
    ['an mmap through its memslot', { offset: '0x10', width: 8 }, ['e0000010+8 memory@10']],
    ['the emulated table', { offset: '0x2030', width: 8, write: true }, ['e0002030+8 msix-table@30']],
    ['an mmap without a memslot', { offset: '0x2043', width: 4 }, ['e0002043+4 memory@2043']],
    [
      'table and mmap, in pieces',
      { offset: '0x203c', width: 8 },
      ['e000203c+4 msix-table@3c', 'e0002040+4 memory@2040'],
    ],
    [
      'mmap and table, in pieces',
      { offset: '0x1ffc', width: 8 },
      ['e0001ffc+4 memory@1ffc', 'e0002000+4 msix-table@0'],
    ],
    ['nothing with a byte of the table', { offset: '0x2001', width: 1 }, ['e0002001+1 nothing']],
    ['the device by trapped registers', { bar: 2, offset: '0x10', width: 2 }, ['e1000010+2 device@10']],
    ['the PBA of the device', { offset: '0x3000', width: 8 }, ['e0003000+8 memory@3000']],
    ['the served PBA', { iommu: 'vfio-user', offset: '0x3000', width: 4 }, ['e0003000+4 device@3000']],
    [
      'nothing with a write to the served PBA',
      { iommu: 'vfio-user', offset: '0x3000', width: 4, write: true },
      ['e0003000+4 nothing'],
    ],
    ['what lies behind the BAR', { bar: 2, offset: '0x4000', width: 1 }, ['e1004000+1 nothing']],
  ])('reaches %s', (_, wanted, parts) => {
    expect(partsOf(wanted)).toEqual(parts);
  });

  it.each<readonly [string, Wanted, readonly string[]]>([
    ['the emulated table', { offset: '0x2030', width: 8 }, ['2030+8 msix-table@30']],
    [
      'nothing with an access across the end of the table',
      { offset: '0x203c', width: 8 },
      ['203c+8 nothing'],
    ],
    ['the device behind the table', { offset: '0x2040', width: 4 }, ['2040+4 device@2040']],
    ['the device by trapped registers', { bar: 2, offset: '0x10', width: 2 }, ['10+2 device@10']],
    [
      'nothing with an access across the end of the BAR',
      { bar: 2, offset: '0x3ffe', width: 4 },
      ['3ffe+4 nothing'],
    ],
  ])('of cloud-hypervisor reaches %s', (_, wanted, parts) => {
    // The VMM places the BARs by itself.
    const found = partsOf({ revision: 'cloud-hypervisor-53.0', ...wanted });
    expect(found.map((text) => text.replace(/^[0-9a-f]*?0*([0-9a-f]{1,4}\+)/, '$1'))).toEqual(parts);
  });

  it('is not made to a BAR that the guest does not see', () => {
    expect(accessesOf({ offset: '0x0', width: 4, enable: false })).toEqual([]);
    expect(accessesOf({ bar: 5, offset: '0x0', width: 4 })).toEqual([]);
  });

  it('is emitted with its address', () => {
    expect(accessesOf({ offset: '0x10', width: 4, write: true })).toMatchObject([
      { device: 'dev0', bar: 0, offset: 0x10n, width: 4, write: true, address: 0xe000_0010n },
    ]);
  });
});
