import { describe, expect, it } from 'vitest';
import { END_OF_SPACE, offset } from '../../address/index.ts';
import { FlatView, MemoryRegion, MemoryTopology } from '../../memory/index.ts';
import type { MsixLayout } from '../../pci-layout/index.ts';
import type { VfioDevice } from '../vfio-device.ts';
import type { AccessRules } from './access-rules.ts';
import { accessMemory } from './memory-access.ts';
import { QEMU_ACCESS } from './qemu-access.ts';

const AT = 0x1_0000n;
const PAGE = 0x1000n;

/** Eight vectors: a table of 0x80 bytes, a PBA of 8 bytes. */
const LAYOUT: MsixLayout = {
  vectors: 8,
  tableBar: 2,
  tableOffset: offset(0x800n),
  pbaBar: 4,
  pbaOffset: offset(0x40n),
};

/** The part of a device that an access looks at: BAR 1 is at hand, and a quirk lies over it. */
const device = (more: object = {}): VfioDevice =>
  ({
    id: 'dev0',
    configSize: 0x100n,
    quirks: [{ region: 'a quirk', bar: 0, offset: 0x8_8000n }],
    regions: [
      { index: 0, bar: undefined },
      { index: 1, bar: { name: 'nic BAR 1' } },
    ],
    msixRegions: LAYOUT,
    ...more,
  }) as unknown as VfioDevice;

interface Options {
  readonly write?: boolean;
  readonly width?: number;
  readonly device?: VfioDevice;
  readonly rules?: Partial<AccessRules>;
}

/** What an access `at` bytes into a region reaches, as `SIZE kind name @offset`. The region lies at 0x10000. */
function reach(region: MemoryRegion, at: bigint, options: Options = {}): readonly string[] {
  const { write = false, width = 4, rules } = options;
  const topology = new MemoryTopology();
  const root = MemoryRegion.container('root', END_OF_SPACE);
  topology.addSubregion(root, region, offset(AT));
  const view = FlatView.render(root);
  const environment = {
    rules: { ...QEMU_ACCESS, ...rules },
    rangeAt: (address: bigint) => view.at(address),
    deviceOf: (id: string | undefined) => (id === 'dev0' ? (options.device ?? device()) : undefined),
  };
  const parts = accessMemory({ address: AT + at, width, write }, environment);
  return parts.map(({ size, reached: { kind, ...place } }) => {
    const { offset: found, ...rest } = place as { offset?: bigint };
    const words = Object.values(rest)
      .filter((value) => value !== undefined)
      .map((value) => (typeof value === 'string' ? value : JSON.stringify(value)));
    return [`${size} ${kind}`, ...words, ...(found === undefined ? [] : [`@${found.toString(16)}`])].join(
      ' ',
    );
  });
}

const own = (name: string, size = PAGE): MemoryRegion => MemoryRegion.io(name, size, { owner: 'dev0' });

describe('an access that exits to QEMU', () => {
  it('reaches memory, and nothing by a write to read-only memory', () => {
    expect(reach(MemoryRegion.ram('ram', PAGE), 0x10n)).toEqual(['4 memory ram @10']);
    expect(reach(MemoryRegion.ram('ram', PAGE), 0x10n, { write: true })).toEqual(['4 memory ram @10']);
    expect(reach(MemoryRegion.rom('rom', PAGE), 0x10n)).toEqual(['4 memory rom @10']);
    expect(reach(MemoryRegion.rom('rom', PAGE), 0x10n, { write: true })).toEqual(['4 nothing']);
  });

  it('reads a ROM device as memory in romd_mode, and does not write it so', () => {
    expect(reach(MemoryRegion.romDevice('flash', PAGE), 0n)).toEqual(['4 memory flash @0']);
    expect(reach(MemoryRegion.romDevice('flash', PAGE), 0n, { write: true })).toEqual(['4 nothing']);
    const inCommandMode = MemoryRegion.romDevice('flash', PAGE);
    new MemoryTopology().setRomdMode(inCommandMode, false);
    expect(reach(inCommandMode, 0n)).toEqual(['4 registers flash @0']);
  });

  it('reaches registers of a region that belongs to no device', () => {
    expect(reach(MemoryRegion.io('uart', PAGE), 8n)).toEqual(['4 registers uart @8']);
  });

  it('is cut to aligned pieces for registers, and not for memory', () => {
    expect(reach(MemoryRegion.io('uart', PAGE), 2n, { width: 8 })).toEqual([
      '2 registers uart @2',
      '4 registers uart @4',
      '2 registers uart @8',
    ]);
    expect(reach(MemoryRegion.ram('ram', PAGE), 2n, { width: 8 })).toEqual(['8 memory ram @2']);
  });

  it('reaches nothing byte by byte where no region answers', () => {
    expect(reach(MemoryRegion.io('uart', PAGE), PAGE - 2n)).toEqual([
      '2 registers uart @ffe',
      '1 nothing',
      '1 nothing',
    ]);
  });

  it('of memory ends where its section ends, and goes on in the next section', () => {
    expect(reach(MemoryRegion.ram('ram', PAGE), PAGE - 3n, { width: 8 })).toEqual([
      '2 memory ram @ffd',
      '1 memory ram @fff',
      ...Array.from({ length: 5 }, () => '1 nothing'),
    ]);
  });

  it('of a region that is not clamped ends with the region', () => {
    const rules = { clampsToSection: () => false };
    expect(reach(MemoryRegion.ram('ram', PAGE), PAGE - 4n, { width: 8, rules })[0]).toBe('4 memory ram @ffc');
    expect(reach(MemoryRegion.ram('ram', PAGE), PAGE - 8n, { width: 8, rules })).toEqual([
      '8 memory ram @ff8',
    ]);
  });
});

describe('an access to a device', () => {
  it('reaches its BAR by the region of the BAR, and nothing by a region without callbacks', () => {
    expect(reach(own('nic BAR 1'), 0x20n)).toEqual(['4 device dev0 1 @20']);
    expect(reach(own('nic base BAR 1'), 0x20n)).toEqual(['4 nothing']);
  });

  it('reaches configuration space by a quirk, as far as the device has some', () => {
    expect(reach(own('a quirk'), 0x10n)).toEqual(['4 config-space dev0 @10']);
    expect(reach(own('a quirk'), 0xfcn)).toEqual(['4 config-space dev0 @fc']);
    expect(reach(own('a quirk'), 0x100n)).toEqual(['4 nothing']);
    expect(reach(own('another quirk'), 0x10n)).toEqual(['4 nothing']);
  });

  it('reaches the emulated table', () => {
    expect(reach(own('msix-table', 0x80n), 0x10n)).toEqual(['4 msix-table dev0 @10']);
    expect(reach(own('msix-table', 0x80n), 0x10n, { write: true })).toEqual(['4 msix-table dev0 @10']);
    expect(reach(own('msix-table', 0x80n), 0x10n, { width: 2 })).toEqual(['2 nothing']);
  });

  it('reaches the emulated PBA by a read, for which QEMU polls the vectors, and nothing by a write', () => {
    expect(reach(own('msix-pba', 8n), 0n)).toEqual(['4 msix-pba dev0 {"first":0,"end":8} @0']);
    expect(reach(own('msix-pba', 8n), 4n)).toEqual(['4 msix-pba dev0 {"first":8,"end":8} @4']);
    expect(reach(own('msix-pba', 8n), 0n, { write: true })).toEqual(['4 nothing']);
  });

  it('polls no vectors before a write to the PBA that a patch accepts', () => {
    const rules = { accepts: () => true };
    expect(reach(own('msix-pba', 8n), 0n, { rules, write: true })).toEqual(['4 msix-pba dev0 @0']);
  });

  it('reads the PBA of a vfio-user device from the device, and does not write it (vfio fact 5.14)', () => {
    expect(reach(own('VFIO MSIX PBA', 8n), 0n)).toEqual(['4 device dev0 4 @40']);
    expect(reach(own('VFIO MSIX PBA', 8n), 0n, { write: true })).toEqual(['4 nothing']);
  });

  it('without MSI-X has neither table nor PBA', () => {
    for (const name of ['msix-table', 'msix-pba', 'VFIO MSIX PBA'])
      expect(reach(own(name), 0n, { device: device({ msixRegions: undefined }) })).toEqual(['4 nothing']);
  });

  it('to a mirror may be routed to the device by a patch, at the offset in the BAR', () => {
    const rules = { route: () => 'device' as const };
    expect(reach(own('a quirk'), 0x10n, { rules })).toEqual(['4 device dev0 0 @88010']);
  });

  it('may be routed to configuration space by a patch', () => {
    const rules = { route: () => 'config-space' as const };
    expect(reach(own('nic BAR 1'), 0x40n, { rules })).toEqual(['4 config-space dev0 @40']);
    expect(reach(own('nic BAR 1'), 0x100n, { rules })).toEqual(['4 nothing']);
  });

  it('may be routed elsewhere by a patch, at the offset in the BAR', () => {
    const toDevice = { route: () => 'device' as const };
    expect(reach(own('msix-table', 0x80n), 0x10n, { rules: toDevice })).toEqual(['4 device dev0 2 @810']);
    const toTable = { route: () => 'table' as const };
    expect(reach(own('nic BAR 1'), 0x808n, { rules: toTable })).toEqual(['4 msix-table dev0 @8']);
    const toPba = { route: () => 'pba' as const };
    expect(reach(own('nic BAR 1'), 0x40n, { rules: toPba })).toEqual([
      '4 msix-pba dev0 {"first":0,"end":8} @0',
    ]);
    const plain = device({ msixRegions: undefined });
    expect(reach(own('nic BAR 1'), 0x40n, { rules: toPba, device: plain })).toEqual(['4 device dev0 1 @40']);
  });
});
