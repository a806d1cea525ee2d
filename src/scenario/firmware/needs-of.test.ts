import { describe, expect, it } from 'vitest';
import { decodeScenario } from '../decode-scenario.ts';
import { byRealism, isRealistic, needsOf, realismText } from './needs-of.ts';

interface Parts {
  readonly machine?: object;
  readonly host?: object;
  readonly iommu?: object;
  readonly device?: object;
  readonly operations?: readonly object[];
}

const PLACED = [
  { op: 'set-bar', device: 'dev0', bar: 0, address: '0xc0000000' },
  { op: 'enable-memory', device: 'dev0' },
];

const scenario = ({ machine, host, iommu, device, operations = PLACED }: Parts = {}) =>
  decodeScenario({
    version: 1,
    machine: { type: 'q35', ram: '0x10000000', ...machine },
    revision: 'qemu-11.1',
    host: { kernel: '6.12', iommu: { type: 'type1', pageSizes: ['0x1000'], ...iommu }, ...host },
    devices: [{ id: 'dev0', bars: [{ index: 0, size: '0x1000', type: 'mem64' }], ...device }],
    operations,
  });

const setBar = (address: string, device = 'dev0') => ({ op: 'set-bar', device, bar: 0, address });
const enable = { op: 'enable-memory', device: 'dev0' };

/** The last 64 KiB below 1 MiB, as firmware makes them read-only. */
const SHADOW = {
  op: 'add-region',
  name: 'shadow',
  kind: 'readonly-ram',
  address: '0xf0000',
  size: '0x10000',
  priority: 1,
};

describe('a real machine can show a scenario', () => {
  it.each<[string, Parts]>([
    ['with a BAR in the low window', {}],
    ['with a 64-bit BAR above 4 GiB', { operations: [setBar('0x100000000'), enable] }],
    ['with a lock limit', { host: { memlock: '0x1000' } }],
    ['with a device that the user relocates', { device: { options: { 'x-msix-relocation': 'bar2' } } }],
    ['with a reset', { operations: [...PLACED, { op: 'reset' }, ...PLACED] }],
    [
      'with a 64-bit BAR that moves while memory is disabled',
      { operations: [...PLACED, { op: 'disable-memory', device: 'dev0' }, setBar('0xc0001000'), enable] },
    ],
    [
      'with a device that is plugged in later',
      { operations: [{ op: 'hotplug', device: 'dev0' }, ...PLACED] },
    ],
    [
      'with the shadow of firmware',
      { operations: [SHADOW, { ...SHADOW, name: 'o', address: '0xc4000', size: '0x4000' }, ...PLACED] },
    ],
    ['of arm64 with pages of 64 KiB', { machine: { type: 'virt', hostPageSize: '0x10000' }, operations: [] }],
  ])('%s', (_, parts) => {
    expect(needsOf(scenario(parts))).toEqual([]);
    expect(isRealistic(scenario(parts))).toBe(true);
    expect(realismText(needsOf(scenario(parts)))).toBe('seen on a machine as firmware sets it up');
  });
});

describe('no real machine shows a scenario', () => {
  const overlay = { op: 'add-region', name: 'o', kind: 'io', address: '0x0', size: '0x1', priority: 0 };
  const msix = { vectors: 1, tableBar: 7, tableOffset: '0x0', pbaBar: 0, pbaOffset: '0x0' };
  it.each<[string, Parts]>([
    ['needs an overlay of 1 byte at 0x0', { operations: [...PLACED, overlay] }],
    [
      'needs an overlay of 16 KiB at 0xf0000',
      { operations: [...PLACED, { ...SHADOW, address: '0xf0000', size: '0x4000' }] },
    ],
    ['needs an overlay of 64 KiB at 0xe0000', { operations: [...PLACED, { ...SHADOW, address: '0xe0000' }] }],
    [
      'needs an overlay of 64 KiB at 0x100000',
      { operations: [...PLACED, { ...SHADOW, address: '0x100000' }] },
    ],
    ['needs an overlay of 64 KiB at 0xf0000', { operations: [...PLACED, { ...SHADOW, kind: 'ram' }] }],
    ['needs a machine type that QEMU does not have', { machine: { type: 'generic' } }],
    ['needs a host with pages of 64 KiB for q35', { machine: { hostPageSize: '0x10000' } }],
    ['needs a guest with pages of 64 KiB on q35', { machine: { guestPageSize: '0x10000' } }],
    ['needs RAM of 0x10001000 bytes, not a multiple of 1 MiB', { machine: { ram: '0x10001000' } }],
    ['needs RAM of 0x100000 bytes, not a multiple of 64 MiB', { machine: { ram: '0x100000' } }],
    [
      'needs an IOMMU with no page below 2 MiB on a host with pages of 4 KiB',
      { iommu: { pageSizes: ['0x200000'] } },
    ],
    [
      'needs an IOMMU that translates 0x0 to 0xfffffff only',
      { iommu: { apertures: [{ start: '0x0', end: '0xfffffff' }] } },
    ],
    [
      'needs an IOMMU of another architecture for q35, which reserves 0x8000000',
      {
        iommu: {
          apertures: [
            { start: '0x0', end: '0x7ffffff' },
            { start: '0x8100000', end: '0xffffffffff' },
          ],
        },
      },
    ],
    ['needs a limit of 1 DMA mapping', { iommu: { maxMappings: 1 } }],
    [
      'needs dev0 with a BAR 0 of 8 bytes, less than the PCI specification allows',
      { device: { bars: [{ index: 0, size: '0x8', type: 'mem64' }] } },
    ],
    ['needs dev0 with an MSI-X capability that breaks the PCI specification', { device: { msix } }],
    [
      'needs dev0 with sparse areas in BAR 0 that no kernel driver offers',
      {
        device: {
          bars: [{ index: 0, size: '0x1000', type: 'mem64', sparse: [{ offset: '0x100', size: '0x100' }] }],
        },
      },
    ],
    ['needs several changes in one transaction', { operations: [{ op: 'begin' }, { op: 'commit' }] }],
    ['needs dev0 BAR 0 at 0x0, where firmware puts no BAR', { operations: [setBar('0x0'), enable] }],
    ['needs dev0 BAR 0 at 0xc0000800, off its alignment', { operations: [setBar('0xc0000800'), enable] }],
    [
      "needs dev0 BAR 0 moved while the device's memory is enabled",
      { operations: [...PLACED, setBar('0xc0001000')] },
    ],
    [
      "needs a BAR of dev0 sized while the device's memory is enabled",
      { operations: [...PLACED, { op: 'size-bar', device: 'dev0', bar: 0 }] },
    ],
    ['needs dev0 with memory enabled before BAR 0 has an address', { operations: [enable] }],
    [
      'needs dev0 with memory enabled before BAR 0 has an address',
      { operations: [...PLACED, { op: 'reset' }, enable] },
    ],
  ])('that %s', (text, parts) => {
    expect(realismText(needsOf(scenario(parts)))).toBe(text);
    expect(isRealistic(scenario(parts))).toBe(false);
  });

  it('with two BARs at one address, if both are enabled', () => {
    const bars = [{ index: 0, size: '0x1000', type: 'mem64' }];
    const both = decodeScenario({
      ...(JSON.parse(JSON.stringify({ version: 1, machine: { type: 'q35', ram: '0x10000000' } })) as object),
      host: { kernel: '6.12', iommu: { type: 'type1' } },
      devices: [
        { id: 'a', bars },
        { id: 'b', bars },
      ],
      operations: [
        setBar('0xc0000000', 'a'),
        setBar('0xc0000000', 'b'),
        { op: 'enable-memory', device: 'a' },
        { op: 'enable-memory', device: 'b' },
      ],
    });
    expect(realismText(needsOf(both))).toBe('needs a BAR 0 and b BAR 0 at one address');
    expect(needsOf({ ...both, operations: both.operations.slice(0, 3) })).toEqual([]);
  });

  it('names three needs, and counts the others', () => {
    const many = scenario({
      machine: { ram: '0x10001000', hostPageSize: '0x1000', guestPageSize: '0x4000' },
      operations: [enable, overlay],
    });
    expect(realismText(needsOf(many))).toBe(
      'needs a guest with pages of 16 KiB on q35; RAM of 0x10001000 bytes, not a multiple of 1 MiB; ' +
        'dev0 with memory enabled before BAR 0 has an address; and 1 more',
    );
  });
});

describe('byRealism', () => {
  it('puts a scenario of a real machine first, and of two others the one that needs less', () => {
    const real = scenario();
    const one = scenario({ operations: [enable] });
    const two = scenario({ operations: [enable], machine: { guestPageSize: '0x4000' } });
    expect([two, real, one].toSorted(byRealism)).toEqual([real, one, two]);
  });
});
