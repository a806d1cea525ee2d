import { describe, expect, it } from 'vitest';
import { decodeScenario, type Operation } from '../scenario/index.ts';
import { describeOperation, describeScenario } from './describe-scenario.ts';

const scenario = (rest: Record<string, unknown> = {}) =>
  decodeScenario({
    version: 1,
    machine: { type: 'virt', ram: '0x80000000', hostPageSize: '0x10000', guestPageSize: '0x1000' },
    host: { kernel: 'msix-mappable', iommu: { type: 'type1', pageSizes: ['0x10000', '0x20000000'] } },
    devices: [],
    ...rest,
  });

const device = (rest: Record<string, unknown> = {}) => ({ id: 'dev0', bars: [], ...rest });

describe('describeScenario', () => {
  it('tells the faults of the host', () => {
    const faults = [
      { request: 'dma-map', answer: 'ENOMEM', at: '0xe0000000', nth: 2 },
      { request: 'reset', answer: 'never', device: 'dev0' },
    ];
    const host = { kernel: '6.12', iommu: { type: 'type1' }, faults };
    expect(describeScenario(scenario({ host, devices: [device()] }))[1]).toBe(
      'host     Linux 6.12, type1 with pages of 4 KiB, dma-map number 2 at 0xe0000000 fails with ENOMEM, ' +
        'reset of dev0 is never answered',
    );
  });

  it('lists machine, host, devices and steps', () => {
    const whole = scenario({
      devices: [
        device({
          bars: [
            { index: 0, size: '0x2000000', type: 'mem64p' },
            { index: 2, size: '0x100', type: 'io' },
          ],
          msix: { vectors: 64, tableBar: 0, tableOffset: '0x2000', pbaBar: 0, pbaOffset: '0x3000' },
          options: { 'x-msix-relocation': 'auto', 'x-no-mmap': false },
        }),
        device({ id: 'dev1' }),
      ],
      operations: [
        { op: 'set-bar', device: 'dev0', bar: 0, address: '0x8000000000' },
        { op: 'enable-memory', device: 'dev0' },
      ],
    });
    expect(describeScenario(whole, 2).join('\n')).toMatchInlineSnapshot(`
      "machine  virt, 2 GiB RAM, host page 64 KiB, guest page 4 KiB
      host     msix-mappable kernel, type1 with pages of 64 KiB, 512 MiB
      dev0     BAR 0  32 MiB mem64p
               BAR 2  256 bytes io
               MSI-X  64 vectors, table BAR 0+0x2000, PBA BAR 0+0x3000
               x-msix-relocation=auto
               x-no-mmap=false
      dev1     no BARs
      steps    1 set-bar dev0 BAR 0 to 0x8000000000
               2 enable-memory dev0   <-- here"
    `);
  });

  const machineLine = (machine: Record<string, unknown>, step?: number): string =>
    describeScenario(scenario({ machine: { type: 'pc', ram: '0x10000000', ...machine } }), step)[0]!;

  it("names the MSI-X emulation only where it is not the machine's default", () => {
    expect(machineLine({})).not.toContain('MSI-X');
    expect(machineLine({ msixEmulation: 'on' })).toContain(', MSI-X emulation on');
    expect(machineLine({ msixEmulation: 'off' })).toContain(', MSI-X emulation off');
  });

  it('marks the machine for step 0, and no line for a step after the last one', () => {
    expect(machineLine({}, 0)).toMatch(/ {3}<-- here$/);
    expect(describeScenario(scenario(), 1).join('\n')).not.toContain('<--');
    expect(describeScenario(scenario()).join('\n')).not.toContain('<--');
  });

  const hostLine = (iommu: Record<string, unknown>): string =>
    describeScenario(scenario({ host: { kernel: 'sparse-msix', iommu: { type: 'type1', ...iommu } } }))[1]!;

  it('lists apertures and limits of the IOMMU', () => {
    expect(hostLine({ maxMappings: 0, maxWindows: 2, apertures: [{ start: 0, end: '0xffff' }] })).toBe(
      'host     sparse-msix kernel, type1 with pages of 4 KiB, aperture 0x0-0xffff, at most 0 mappings, at most 2 windows',
    );
  });

  it('lists at most four page sizes, and counts the others', () => {
    const pageSizes = Array.from({ length: 6 }, (_, index) => `0x${(0x1000 << index).toString(16)}`);
    expect(hostLine({ pageSizes: pageSizes.slice(0, 4) })).toMatch(/pages of 4 KiB, 8 KiB, 16 KiB, 32 KiB$/);
    expect(hostLine({ pageSizes })).toMatch(/pages of 4 KiB, 8 KiB, 16 KiB, 32 KiB and 2 more sizes$/);
  });

  const barLine = (bar: Record<string, unknown>): string =>
    describeScenario(
      scenario({ devices: [device({ bars: [{ index: 5, size: '0x1000', type: 'mem32', ...bar }] })] }),
    )[2]!.slice(9);

  it('says whether a BAR can be mmapped, and lists its sparse areas', () => {
    expect(barLine({})).toBe('BAR 5  4 KiB mem32');
    expect(barLine({ mmap: false })).toBe('BAR 5  4 KiB mem32, no mmap');
    expect(barLine({ type: 'io', size: 1 })).toBe('BAR 5  1 byte io');
    expect(barLine({ sparse: [] })).toBe('BAR 5  4 KiB mem32, sparse areas none');
    expect(
      barLine({
        sparse: [
          { offset: 0, size: 8 },
          { offset: '0x800', size: '0x100' },
        ],
      }),
    ).toBe('BAR 5  4 KiB mem32, sparse areas 0x0+0x8 0x800+0x100');
  });

  it('shows an MSI-X table and a PBA in BARs that do not exist', () => {
    const msix = { vectors: 1, tableBar: 7, tableOffset: '0xfffffff8', pbaBar: 6, pbaOffset: 0 };
    expect(describeScenario(scenario({ devices: [device({ msix })] }))[2]).toBe(
      'dev0     MSI-X  1 vector, table BAR 7+0xfffffff8, PBA BAR 6+0x0',
    );
  });

  it('says that a device has no BARs', () => {
    expect(describeScenario(scenario({ devices: [device()] }))[2]).toBe('dev0     no BARs');
  });
});

describe('describeOperation', () => {
  it.each<[Operation, string]>([
    [
      { op: 'set-bar', device: 'a', bar: 5, address: (1n << 64n) - 1n },
      'set-bar a BAR 5 to 0xffffffffffffffff',
    ],
    [{ op: 'size-bar', device: 'a', bar: 0 }, 'size-bar a BAR 0'],
    [{ op: 'enable-memory', device: 'a' }, 'enable-memory a'],
    [{ op: 'disable-memory', device: 'a' }, 'disable-memory a'],
    [{ op: 'enable-io', device: 'a' }, 'enable-io a'],
    [{ op: 'make-readonly', name: 'r' }, 'make-readonly r'],
    [{ op: 'shift-alias', name: 'r', by: 0x2000n }, 'shift-alias r by 8 KiB'],
    [{ op: 'enable-msix', device: 'a' }, 'enable-msix a'],
    [{ op: 'disable-msix', device: 'a' }, 'disable-msix a'],
    [{ op: 'mask-vector', device: 'a', vector: 3, masked: true }, 'mask-vector a 3'],
    [{ op: 'mask-vector', device: 'a', vector: 0, masked: false }, 'unmask-vector a 0'],
    [{ op: 'hotplug', device: 'a' }, 'hotplug a'],
    [{ op: 'unplug', device: 'a' }, 'unplug a'],
    [
      { op: 'create-dma-window', pageSize: 0x1_0000n, size: 1n << 38n },
      'create-dma-window of 256 GiB in pages of 64 KiB',
    ],
    [{ op: 'reset' }, 'reset'],
    [{ op: 'begin' }, 'begin'],
    [{ op: 'commit' }, 'commit'],
    [{ op: 'remove-region', name: 'r' }, 'remove-region r'],
    [
      { op: 'add-region', name: 'r', kind: 'rom', address: 8n, size: 0x11000n, priority: 0 },
      'add-region r: 68 KiB of rom at 0x8',
    ],
    [
      { op: 'add-region', name: 'r', kind: 'io', address: 0n, size: 1n << 64n, priority: -3 },
      'add-region r: 16 EiB of io at 0x0, priority -3',
    ],
  ])('%o', (operation, text) => {
    expect(describeOperation(operation)).toBe(text);
  });
});
