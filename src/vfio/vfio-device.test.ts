import { describe, expect, it } from 'vitest';
import { hex, offset } from '../address/index.ts';
import { PciRegister, splitLocator, type BarAttributes } from '../pci-layout/index.ts';
import { Errno } from '../host/index.ts';
import { dmaBufOf } from './dma-buf.ts';
import { DmaListener } from './dma-listener.ts';
import { DeviceRefused, VmmAbort } from './failure.ts';
import type { Revision } from './revision.ts';
import { REVISIONS } from './revisions/index.ts';
import {
  IO,
  MEM32,
  MEM64,
  P16K,
  P4K,
  P64K,
  RecordingIommu,
  plug,
  revision,
  type Bench,
  type FakeBar,
  type FakeDevice,
} from './testing/fakes.ts';

const DOES_NOT_FIT =
  "failed to add PCI capability 0x11[0xc0]@0x40: table & pba overlap, or they don't fit in BARs, or don't align";
const PLAIN_IDS = REVISIONS.map(({ id }) => id).filter((id) => !id.includes('+'));
const WRAPPED = ['qemu-2.12', 'qemu-6.0', 'qemu-11.1'];

/** The value that the device's constructor throws; `undefined` if it throws nothing. */
function failureOf(fake: FakeDevice, bench: Bench = {}): unknown {
  try {
    plug(fake, bench);
  } catch (error) {
    return error;
  }
  return undefined;
}

/** Plugs the device in, puts BAR 0 at 0xd0000000 and switches memory on. */
function mapped(fake: FakeDevice, bench: Bench = {}) {
  const made = plug(fake, bench);
  made.device.setBar(0, 0xd000_0000n);
  made.device.setMemoryEnabled(true);
  return made;
}

/** The flat ranges of the device with BAR 0 at 0xd0000000. */
const viewOf = (fake: FakeDevice, bench: Bench = {}): string[] => mapped(fake, bench).view();

/** The flat ranges of the device in revision `id`, with BAR 0 at 0xd0000000. */
const viewIn = (id: string, fake: FakeDevice, bench: Bench = {}): string[] =>
  viewOf(fake, { ...bench, revision: revision(id) });

/** Registers a DMA listener on the device's bus; returns the host that notes the listener's calls. */
function withDma(made: ReturnType<typeof plug>, hostPageSize: bigint, id = 'qemu-11.1') {
  const iommu = new RecordingIommu(P4K);
  const listener = new DmaListener({
    name: 'container',
    revision: revision(id),
    iommuType: 'type1',
    iommu,
    hostPageSize,
    targetPageSize: P4K,
    emit: () => undefined,
  });
  made.topology.registerListener(listener, made.space);
  return iommu;
}

describe('the regions of BARs (vfio facts 5.1 to 5.4)', () => {
  it('are named after the device, one for each BAR of non-zero size', () => {
    const { device } = plug({ bars: { 0: { size: P4K }, 3: { size: P64K } } });
    expect(device.regions.map(({ bar }) => bar?.name)).toEqual([
      'nic BAR 0',
      undefined,
      undefined,
      'nic BAR 3',
      undefined,
      undefined,
    ]);
    expect(device.regions.map(({ base }) => base?.name)).toEqual([
      'nic base BAR 0',
      undefined,
      undefined,
      'nic base BAR 3',
      undefined,
      undefined,
    ]);
    expect(device.regions[0]!.bar!.owner).toBe('dev0');
    expect(device.regions[0]!.base!.owner).toBe('dev0');
    expect(device.pci.bars.map(({ index, region }) => [index, region.name])).toEqual([
      [0, 'nic base BAR 0'],
      [3, 'nic base BAR 3'],
    ]);
  });

  it.each(['qemu-2.11', 'seed-v2'])('have no wrapper in %s', (id) => {
    const { device } = plug({ bars: { 0: { size: P4K } } }, { revision: revision(id) });
    expect(device.pci.bars[0]!.region).toBe(device.regions[0]!.bar);
    expect(device.layers[0]!.map(({ region }) => region)).toEqual(['nic BAR 0', 'nic BAR 0 mmaps[0]']);
  });

  it('are listed as layers of the BAR, outermost first', () => {
    const sparse = [
      [0x2000n, 0x1000n],
      [0x8000n, 0x2000n],
    ] as const;
    const { device } = plug({ bars: { 1: { size: P64K, sparse }, 2: { size: P4K, mmap: false } } });
    expect(device.layers).toEqual([
      [],
      [
        { region: 'nic base BAR 1', offset: 0n },
        { region: 'nic BAR 1', offset: 0n },
        { region: 'nic BAR 1 mmaps[0]', offset: 0x2000n },
        { region: 'nic BAR 1 mmaps[1]', offset: 0x8000n },
      ],
      [
        { region: 'nic base BAR 2', offset: 0n },
        { region: 'nic BAR 2', offset: 0n },
      ],
      [],
      [],
      [],
      // The expansion ROM.
      [],
    ]);
  });

  it('are device memory where the host mmaps, and I/O elsewhere', () => {
    const sparse = [
      [0x2000n, 0x1000n],
      [0x8000n, 0x1800n],
    ] as const;
    expect(viewOf({ bars: { 0: { size: P64K, sparse } } })).toEqual([
      'd0000000+2000 io nic BAR 0 @0',
      'd0002000+1000 ramd nic BAR 0 mmaps[0] @0',
      'd0003000+5000 io nic BAR 0 @3000',
      'd0008000+1800 ramd nic BAR 0 mmaps[1] @0',
      'd0009800+6800 io nic BAR 0 @9800',
    ]);
    expect(viewOf({ bars: { 0: { size: P64K } } })).toEqual(['d0000000+10000 ramd nic BAR 0 mmaps[0] @0']);
  });

  it('hide what an area has beyond the BAR', () => {
    const sparse = [
      [0xf000n, 0x9000n],
      [0x2_0000n, 0x1000n],
    ] as const;
    const { device, view } = mapped({ bars: { 0: { size: P64K, sparse } } });
    expect(view()).toEqual(['d0000000+f000 io nic BAR 0 @0', 'd000f000+1000 ramd nic BAR 0 mmaps[0] @0']);
    expect(device.regions[0]!.mmaps.map(({ region }) => [region!.name, region!.size])).toEqual([
      ['nic BAR 0 mmaps[0]', 0x9000n],
      ['nic BAR 0 mmaps[1]', 0x1000n],
    ]);
  });

  it('show the later one of two areas that overlap, up to 10.2', () => {
    const sparse = [
      [0x2000n, 0x4000n],
      [0x1000n, 0x2000n],
    ] as const;
    expect(viewIn('qemu-6.0', { bars: { 0: { size: 0x8000n, sparse } } })).toEqual([
      'd0000000+1000 io nic BAR 0 @0',
      'd0001000+2000 ramd nic BAR 0 mmaps[1] @0',
      'd0003000+3000 ramd nic BAR 0 mmaps[0] @1000',
      'd0006000+2000 io nic BAR 0 @6000',
    ]);
    expect(failureOf({ bars: { 0: { size: 0x8000n, sparse } } })).toBeInstanceOf(DeviceRefused);
  });

  it.each([
    ['the host offers no mmap', { mmap: false }, {}],
    ['the user sets x-no-mmap', {}, { options: { noMmap: true } }],
  ])('are all I/O if %s', (_, bar, bench) => {
    const { view, log, device } = mapped({ bars: { 0: { size: P64K, ...bar } } }, bench);
    expect(view()).toEqual(['d0000000+10000 io nic BAR 0 @0']);
    expect(log.events).toEqual([]);
    expect(device.regions[0]!.mmaps).toEqual([]);
  });

  it('are not checked for areas that overlap if the user sets x-no-mmap', () => {
    const sparse = [
      [0n, 0x2000n],
      [0x1000n, 0x2000n],
    ] as const;
    expect(failureOf({ bars: { 0: { size: P64K, sparse } } }, { options: { noMmap: true } })).toBeUndefined();
  });

  it('are all I/O if the host refuses one mmap, and QEMU prints a message', () => {
    const sparse = [
      [0n, 0x1000n],
      [0x4000n, 0x1000n],
      [0x8000n, 0x1000n],
    ] as const;
    const { view, log, device } = mapped({
      bars: { 0: { size: P64K, sparse }, 2: { size: P4K } },
      refusesMmap: (bar, area) => bar === 0 && area.offset === 0x4000n,
    });
    expect(view()).toEqual(['d0000000+10000 io nic BAR 0 @0']);
    expect(log.events).toEqual([
      { type: 'mmap', device: 'dev0', bar: 0, offset: 0n, size: 0x1000n, errno: 0 },
      { type: 'mmap', device: 'dev0', bar: 0, offset: 0x4000n, size: 0x1000n, errno: 22 },
      { type: 'munmap', device: 'dev0', bar: 0, offset: 0n, size: 0x1000n },
      { type: 'message', text: 'Failed to mmap nic BAR 0. Performance may be slow' },
      { type: 'mmap', device: 'dev0', bar: 2, offset: 0n, size: P4K, errno: 0 },
    ]);
    expect(device.regions[0]!.mmaps.every(({ region }) => region === undefined)).toBe(true);
    expect(device.layers[0]!.map(({ region }) => region)).toEqual(['nic base BAR 0', 'nic BAR 0']);
    device.setBar(2, 0xe000_0000n);
    expect(view()[1]).toBe('e0000000+1000 ramd nic BAR 2 mmaps[0] @0');
  });

  it.each([
    ['qemu-2.11', P4K, [P4K, P4K, P4K]],
    ['qemu-6.0', P64K, [P64K, P64K, P64K]],
    ['qemu-11.1', P4K, [P4K, 32n << 20n, 1n << 30n]],
    ['qemu-11.1', P64K, [P64K, 32n << 20n, 1n << 30n]],
  ])('are mmapped at the alignment of %s on host pages of %i bytes', (id, hostPageSize, expected) => {
    const bars = { 0: { size: 0x800n }, 2: { size: 32n << 20n }, 4: { size: 4n << 30n } };
    const { reserved } = plug({ bars }, { revision: revision(id), hostPageSize });
    expect(reserved).toEqual([
      [0x800n, expected[0]],
      [32n << 20n, expected[1]],
      [4n << 30n, expected[2]],
    ]);
  });

  it('are mmapped at the alignment of the area, not of the BAR, in 11.1', () => {
    const sparse = [
      [0n, 0x6000n],
      [0x8000n, 0x8000n],
    ] as const;
    const { reserved } = plug({ bars: { 0: { size: P64K, sparse } } });
    expect(reserved).toEqual([
      [0x6000n, 0x2000n],
      [0x8000n, 0x8000n],
    ]);
  });

  it.each([P4K, P64K])('are ports for an I/O BAR of %i bytes, not memory', (size) => {
    const { device, view } = plug({ bars: { 0: { size, attributes: IO, mmap: size >= P4K } } });
    device.setBar(0, size);
    device.setMemoryEnabled(true);
    expect(device.pci.bars[0]!.address).toBeUndefined();
    device.writeConfig(PciRegister.COMMAND, 2, 1);
    expect(device.pci.bars[0]!.address).toBe(size);
    expect(view()).toEqual([]);
  });

  it('are ports for an I/O BAR below a page, which is not stretched into memory', () => {
    const { device, view } = plug({ bars: { 0: { size: 0x100n, attributes: IO } } });
    device.setBar(0, 0xc000n);
    device.writeConfig(PciRegister.COMMAND, 2, 1);
    expect(view()).toEqual([]);
  });
});

describe('the bits of COMMAND for memory and for ports (PCI 3.0, 6.2.2)', () => {
  it.each([
    ['neither', false, false, []],
    ['memory', true, false, [0]],
    ['ports', false, true, [2]],
    ['both', true, true, [0, 2]],
  ] as const)(
    'let the BARs of their kind decode, each without the other: %s',
    (_, memory, ports, decoding) => {
      const { device } = plug({ bars: { 0: { size: P4K }, 2: { size: 0x20n, attributes: IO } } });
      device.setBar(0, 0xd000_0000n);
      device.setBar(2, 0xc000n);
      device.setMemoryEnabled(true);
      device.setIoEnabled(true);
      if (!memory) device.setMemoryEnabled(false);
      if (!ports) device.setIoEnabled(false);
      expect(device.barRegisters).toMatchObject([
        { bar: 0, address: 0xd000_0000n },
        { bar: 2, address: 0xc000n },
      ]);
      const decodes = device.barRegisters.filter((one) => one.decoding).map(({ bar }) => bar);
      expect(decodes).toEqual(decoding);
      expect(device.pci.bars.map((bar) => bar.address !== undefined)).toEqual([memory, ports]);
    },
  );
});

describe('a BAR whose size is no power of two', () => {
  it.each(PLAIN_IDS)('ends the VMM in %s', (id) => {
    const failure = failureOf({ bars: { 2: { size: 0x3000n } } }, { revision: revision(id) });
    expect(failure).toBeInstanceOf(VmmAbort);
    expect(failure).toMatchObject({
      site: 'bar-size-assertion',
      message: 'BAR 2 has 12288 bytes, which is no power of two',
    });
  });

  it('does not end the VMM if early set-up refuses the device', () => {
    const bars = { 0: { size: 0x3000n } };
    expect(failureOf({ bars, msix: [1, 0, 0n, 0, 0x3000n] })).toBeInstanceOf(DeviceRefused);
    expect(failureOf({ bars, msix: [1, 5, 0n, 0, 0n] })).toMatchObject({ site: 'bar-size-assertion' });
  });
});

describe('the regions of the emulated MSI-X table and PBA (vfio facts 5.11 and 5.14)', () => {
  const seed: FakeDevice = {
    bars: { 0: { size: P64K, msixMappable: true } },
    msix: [96, 0, 0xe000n, 0, 0xf000n],
  };
  const parents = (id: string, fake = seed): (string | undefined)[] => {
    const { device } = mapped(fake, { revision: revision(id) });
    const { mmaps, bar, base } = device.regions[0]!;
    return [...new Set([mmaps[0]?.region, bar, base])].flatMap((region) =>
      region?.subregions.some(({ name }) => name === 'msix-table') ? [region.name] : [],
    );
  };

  it.each([
    ['qemu-2.11', 'nic BAR 0'],
    ['seed-v2', 'nic BAR 0 mmaps[0]'],
    ['qemu-2.12', 'nic base BAR 0'],
    ['qemu-6.0', 'nic base BAR 0'],
    ['qemu-11.1', 'nic base BAR 0'],
  ])('lie in %s in %s', (id, parent) => {
    expect(parents(id)).toEqual([parent]);
  });

  it.each([
    ['the fix-up has cut', { size: P64K }],
    ['cannot be mmapped', { size: P64K, mmap: false }],
    ['has sparse areas', { size: P64K, msixMappable: true, sparse: [[0n, 0x1000n]] as const }],
  ])('lie in the BAR itself in seed-v2, for a BAR that %s', (_, bar) => {
    expect(parents('seed-v2', { ...seed, bars: { 0: bar } })).toEqual(['nic BAR 0']);
  });

  it.each(PLAIN_IDS)('are enabled for the table and disabled for the PBA in %s', (id) => {
    const { device } = plug(seed, { revision: revision(id) });
    const { mmaps, bar, base } = device.regions[0]!;
    const added = [...new Set([mmaps[0]?.region, bar, base])].flatMap((region) => region?.subregions ?? []);
    const state = (name: string) => {
      const { kind, size, enabled, priority, address, owner } = added.find((region) => region.name === name)!;
      return { kind, size, enabled, priority, address, owner };
    };
    const common = { kind: 'io', priority: 0, owner: 'dev0' };
    expect(state('msix-table')).toEqual({ ...common, size: 0x600n, enabled: true, address: 0xe000n });
    expect(state('msix-pba')).toEqual({ ...common, size: 0x10n, enabled: false, address: 0xf000n });
  });

  it.each(['seed-v2', ...WRAPPED])('trap the table and not the PBA in %s', (id) => {
    expect(viewIn(id, seed)).toEqual([
      'd0000000+e000 ramd nic BAR 0 mmaps[0] @0',
      'd000e000+600 io msix-table @0',
      'd000e600+1a00 ramd nic BAR 0 mmaps[0] @e600',
    ]);
  });

  it('lie in pages that are not mmapped before the seed patch', () => {
    expect(viewIn('qemu-2.11', seed)).toEqual([
      'd0000000+e000 ramd nic BAR 0 mmaps[0] @0',
      'd000e000+600 io msix-table @0',
      'd000e600+a00 io nic BAR 0 @e600',
      'd000f000+1000 ramd nic BAR 0 mmaps[1] @0',
    ]);
  });

  it('may lie in two BARs', () => {
    const { device, view } = mapped({
      bars: { 0: { size: P4K, msixMappable: true }, 2: { size: P4K } },
      msix: [1, 0, 0x10n, 2, 0xff8n],
    });
    expect(view()[1]).toBe('d0000010+10 io msix-table @0');
    expect(device.regions[2]!.base!.subregions.map(({ name }) => name)).toEqual(['msix-pba', 'nic BAR 2']);
  });

  it('come with a trapped region over the PBA of a vfio-user device', () => {
    expect(viewOf(seed, { vfioUser: true })).toEqual([
      'd0000000+e000 ramd nic BAR 0 mmaps[0] @0',
      'd000e000+600 io msix-table @0',
      'd000e600+a00 ramd nic BAR 0 mmaps[0] @e600',
      'd000f000+10 io VFIO MSIX PBA @0',
      'd000f010+ff0 ramd nic BAR 0 mmaps[0] @f010',
    ]);
    const { device } = plug(seed, { vfioUser: true });
    const pba = device.regions[0]!.base!.subregions.find(({ name }) => name === 'VFIO MSIX PBA')!;
    expect([pba.priority, pba.enabled, pba.size]).toEqual([1, true, 0x10n]);
  });

  it('come with that region even if the machine opts out of emulation', () => {
    expect(viewOf(seed, { vfioUser: true, machineOptsOutOfMsixEmulation: true })).toEqual([
      'd0000000+f000 ramd nic BAR 0 mmaps[0] @0',
      'd000f000+10 io VFIO MSIX PBA @0',
      'd000f010+ff0 ramd nic BAR 0 mmaps[0] @f010',
    ]);
  });

  it('do not appear in memory for an I/O BAR', () => {
    const fake: FakeDevice = { bars: { 0: { size: 0x100n, attributes: IO } }, msix: [1, 0, 0n, 0, 0x10n] };
    expect(viewOf(fake, { vfioUser: true })).toEqual([]);
  });

  it('trap nothing for a table that wraps around 4 GiB', () => {
    expect(viewOf({ ...seed, msix: [1, 0, 0xffff_fff8n, 0, 0n] })).toEqual([
      'd0000000+10000 ramd nic BAR 0 mmaps[0] @0',
    ]);
  });

  it.each([
    ['overlap', [96, 0, 0xe000n, 0, 0xe5f8n]],
    ['end beyond the BAR', [96, 0, 0xfa08n, 0, 0n]],
    ['leave no room for the PBA in the BAR', [96, 0, 0n, 0, 0xfff8n]],
  ] as const)('are refused with the device if they %s', (_, msix) => {
    for (const id of PLAIN_IDS) {
      const failure = failureOf({ ...seed, msix }, { revision: revision(id) });
      expect(failure).toBeInstanceOf(DeviceRefused);
      expect(failure).toEqual({ message: DOES_NOT_FIT });
    }
  });

  it.each([
    ['that does not exist', [1, 3, 0n, 0, 0n]],
    ['register that is the upper half of a BAR', [1, 1, 0n, 0, 0n]],
  ] as const)('end the VMM if the table’s BIR names a BAR %s', (_, msix) => {
    for (const id of PLAIN_IDS) {
      const failure = failureOf({ ...seed, msix }, { revision: revision(id) });
      expect(failure).toBeInstanceOf(VmmAbort);
      expect(failure).toMatchObject({ site: 'msix-init-segfault' });
    }
  });

  it('end the VMM for a BIR of 6 in qemu-6.0, which does not check it', () => {
    expect(failureOf({ ...seed, msix: [1, 6, 0n, 0, 0n] }, { revision: revision('qemu-6.0') })).toMatchObject(
      {
        site: 'msix-init-segfault',
      },
    );
    expect(failureOf({ ...seed, msix: [1, 6, 0n, 0, 0n] })).toMatchObject({
      message: 'invalid MSI-X BIR, table_bar=6 pba_bar=0',
    });
  });

  /** A device whose only area has the BAR's size, on a host that refuses its mmap. */
  const refused: FakeDevice = {
    bars: { 0: { size: P64K, sparse: [[0x800n, P64K]] }, 2: { size: P4K } },
    msix: [1, 0, 0n, 2, 0n],
    refusesMmap: (bar) => bar === 0,
  };

  it('do not fit into an area whose mmap the host refused, in seed-v2', () => {
    expect(failureOf(refused, { revision: revision('seed-v2') })).toEqual({ message: DOES_NOT_FIT });
  });
});

describe('the opt-out from MSI-X emulation (vfio fact 5.12)', () => {
  const fake: FakeDevice = {
    bars: { 0: { size: P64K, msixMappable: true } },
    msix: [96, 0, 0xe000n, 0, 0xf000n],
  };
  const direct = ['d0000000+10000 ramd nic BAR 0 mmaps[0] @0'];
  const off = { machineOptsOutOfMsixEmulation: true };
  const TABLE = { bar: 0, offset: 0xe000n };

  it.each(['seed-v2', 'seed-v2+machine-property', 'seed-v2+machine-class-method', ...WRAPPED])(
    'is taken by a machine that asks for it, in %s',
    (id) => {
      expect(viewIn(id, fake, off)).toEqual(direct);
      const { device } = mapped(fake, { ...off, revision: revision(id) });
      expect(device.emulatedTable).toBeUndefined();
      expect(device.msixLayout).toMatchObject({ tableBar: 0, tableOffset: 0xe000n });
      expect(viewIn(id, fake)).toHaveLength(3);
      expect(plug(fake, { revision: revision(id) }).device.emulatedTable).toEqual(TABLE);
      // These revisions ignore the device's own property.
      expect(viewIn(id, fake, { options: { noMsixEmulation: true } })).toHaveLength(3);
    },
  );

  it('does not exist in qemu-2.11', () => {
    expect(viewIn('qemu-2.11', fake, off)).toEqual(viewIn('qemu-2.11', fake));
    expect(plug(fake, { ...off, revision: revision('qemu-2.11') }).device.emulatedTable).toEqual(TABLE);
  });

  it.each([
    [undefined, false, false],
    [undefined, true, true],
    [true, false, true],
    [false, true, false],
  ])(
    'by a device property: device %s, machine %s, opts out %s',
    (noMsixEmulation, machineOptsOut, expected) => {
      const bench = { machineOptsOutOfMsixEmulation: machineOptsOut, options: { noMsixEmulation } };
      const view = viewIn('seed-v2+device-property', fake, bench);
      if (expected) expect(view).toEqual(direct);
      else expect(view).toHaveLength(3);
      const { device } = plug(fake, { ...bench, revision: revision('seed-v2+device-property') });
      expect(device.emulatedTable).toEqual(expected ? undefined : TABLE);
    },
  );

  it.each(['seed-v2+skip-in-msix-init', 'seed-v2+table-beyond-bar', 'seed-v2+reserved-bir'])(
    'makes no regions in %s',
    (id) => {
      const { device, view } = mapped(fake, { ...off, revision: revision(id) });
      expect(view()).toEqual(direct);
      expect(device.regions[0]!.mmaps[0]!.region!.subregions).toEqual([]);
      expect(device.emulatedTable).toBeUndefined();
      expect(device.msixState).toBeDefined();
      expect(viewIn(id, fake)).toHaveLength(3);
      expect(plug(fake, { revision: revision(id) }).device.emulatedTable).toEqual(TABLE);
    },
  );

  it('skips the check of the layout if no regions are made', () => {
    const bad = { ...fake, msix: [96, 3, 0n, 0, 0n] } as const;
    expect(failureOf(bad, { ...off, revision: revision('seed-v2+skip-in-msix-init') })).toBeUndefined();
  });

  it.each([
    ['seed-v2+skip-in-msix-init', 0xe000, 0xf000],
    ['seed-v2+table-beyond-bar', 0xff_0000, 0xff_f000],
    ['seed-v2+reserved-bir', 0xe007, 0xf007],
  ])('leaves a capability in %s with the table at %i and the PBA at %i', (id, table, pba) => {
    const { device } = plug(fake, { ...off, revision: revision(id) });
    expect([0x44, 0x48].map((at) => device.pci.config.read(at, 4))).toEqual([table, pba]);
    const on = plug(fake, { revision: revision(id) });
    expect([0x44, 0x48].map((at) => on.device.pci.config.read(at, 4))).toEqual([0xe000, 0xf000]);
  });
});

describe('the MSI-X capability', () => {
  const fake: FakeDevice = {
    bars: { 2: { size: P64K }, 4: { size: P4K } },
    msix: [3, 2, 0x8008n, 4, 0xff8n],
  };

  it('is the only one in the list, with the places of table and PBA', () => {
    const { device } = plug(fake);
    const { config } = device.pci;
    expect(config.read(PciRegister.CAPABILITY_POINTER, 1)).toBe(0x40);
    expect(config.read(0x40, 2)).toBe(0x11);
    expect(splitLocator(config.read(0x44, 4))).toEqual({ bir: 2, offset: 0x8008n });
    expect(splitLocator(config.read(0x48, 4))).toEqual({ bir: 4, offset: 0xff8n });
    expect(device.emulatedTable).toEqual({ bar: 2, offset: 0x8008n });
    device.writeConfig(0x44, 4, 0xffff_ffff);
    expect(config.read(0x44, 4)).toBe(0x800a);
  });

  it('is absent from a device without MSI-X', () => {
    const { device } = plug({ bars: { 0: { size: P4K } } });
    expect(device.pci.config.read(PciRegister.CAPABILITY_POINTER, 1)).toBe(0);
    expect([device.msixLayout, device.msixState, device.emulatedTable]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(() => device.setMsixEnabled(true)).not.toThrow();
    device.writeConfig(0x42, 2, 0xffff);
    expect(device.pci.config.read(0x42, 2)).toBe(0);
    device.reset();
  });

  it('can be switched on and off, and no region moves', () => {
    const { device, view } = plug(fake);
    device.setBar(2, 0xd000_0000n);
    device.setMemoryEnabled(true);
    const before = view();
    device.setMsixEnabled(true);
    expect(device.msixState!.enabled).toBe(true);
    device.writeConfig(0x42, 2, 0xc000);
    expect([device.msixState!.enabled, device.msixState!.functionMasked]).toEqual([true, true]);
    device.setMsixEnabled(false);
    expect([device.msixState!.enabled, device.msixState!.functionMasked]).toEqual([false, true]);
    device.msixState!.maskVector(1, false);
    expect(view()).toEqual(before);
    device.setMsixEnabled(true);
    device.reset();
    expect(device.msixState!.readControl()).toBe(2);
    expect(device.msixState!.unmaskedVectors()).toEqual([]);
  });

  it.each([
    [0x40, 4, 0x8000_0011],
    [0x43, 1, 0x80],
    [0x42, 2, 0x8000],
  ] as const)('is switched on by a write at offset %i of %i bytes', (at, width, value) => {
    const { device } = plug(fake);
    device.writeConfig(at, width, value);
    expect(device.msixState!.enabled).toBe(true);
    device.writeConfig(0x42, 1, 0);
    expect(device.msixState!.enabled).toBe(true);
    device.writeConfig(at, width, 0);
    expect(device.msixState!.enabled).toBe(false);
  });
});

describe('relocation moves table and PBA (vfio fact 5.10)', () => {
  const fake: FakeDevice = {
    bars: { 0: { size: P64K, attributes: MEM32 } },
    msix: [96, 0, 0xe000n, 0, 0xf000n],
  };
  const to = (msixRelocation: 'bar0' | 'bar2' | 'auto') => ({ options: { msixRelocation } });

  it.each(WRAPPED)('to the upper half of the BAR in %s; the mmap areas stay as they are', (id) => {
    const { device, view } = mapped(fake, { ...to('bar0'), revision: revision(id) });
    expect(view()).toEqual([
      'd0000000+e000 ramd nic BAR 0 mmaps[0] @0',
      'd000e000+1000 io nic BAR 0 @e000',
      'd000f000+1000 ramd nic BAR 0 mmaps[1] @0',
      'd0010000+600 io msix-table @0',
      'd0010600+fa00 io nic base BAR 0 @10600',
    ]);
    const { barSize, regionSize, bar, base } = device.regions[0]!;
    expect([barSize, regionSize, bar!.size, base!.size]).toEqual([0x2_0000n, P64K, P64K, 0x2_0000n]);
    expect(device.pci.bars[0]!.size).toBe(0x2_0000n);
    expect(device.emulatedTable).toEqual({ bar: 0, offset: P64K });
    expect(device.pci.config.read(0x44, 4)).toBe(0x1_0000);
    expect(device.pci.config.read(0x48, 4)).toBe(0x1_0600);
  });

  it('to a BAR of its own', () => {
    const { device, view } = plug(fake, to('bar2'));
    device.setBar(0, 0xd000_0000n);
    device.setBar(2, 0x2100_0000_0000n);
    device.setMemoryEnabled(true);
    expect(view().slice(-2)).toEqual([
      '210000000000+600 io msix-table @0',
      '210000000600+a00 io nic base BAR 2 @600',
    ]);
    expect(device.regions[2]!.bar).toBeUndefined();
    expect(device.layers[2]).toEqual([{ region: 'nic base BAR 2', offset: 0n }]);
    expect(device.pci.bars.map(({ index, size, attributes }) => [index, size, attributes.type])).toEqual([
      [0, P64K, 'mem32'],
      [2, P4K, 'mem64'],
    ]);
    // Such a BAR has no bytes of the device, so QEMU does not stretch it to a page.
    device.setBar(2, 0x2100_0000_1000n);
    expect(view().slice(-2)).toEqual([
      '210000001000+600 io msix-table @0',
      '210000001600+a00 io nic base BAR 2 @600',
    ]);
  });

  it('and then accepts a PBA beyond its BAR, since 4.1', () => {
    const broken: FakeDevice = { ...fake, msix: [96, 0, 0xe000n, 0, P64K] };
    expect(failureOf(broken, { ...to('bar0'), revision: revision('qemu-2.12') })).toBeInstanceOf(
      DeviceRefused,
    );
    expect(failureOf(broken, { ...to('bar0'), revision: revision('qemu-6.0') })).toBeUndefined();
    expect(failureOf(broken, to('bar0'))).toBeUndefined();
  });

  it.each(['qemu-2.11', 'seed-v2'])('not in %s, which has no such property', (id) => {
    expect(viewIn(id, fake, to('bar0'))).toEqual(viewIn(id, fake));
    expect(failureOf(fake, { ...to('auto'), revision: revision(id) })).toBeUndefined();
  });

  it('nowhere for `auto`, which refuses the device', () => {
    expect(failureOf(fake, to('auto'))).toEqual({
      message: 'No automatic MSI-X relocation available for device 0000:0000',
    });
  });

  it('not for a device without MSI-X', () => {
    const { device } = plug({ bars: fake.bars }, to('bar2'));
    expect(device.pci.bars).toHaveLength(1);
    expect(failureOf({ bars: fake.bars }, to('auto'))).toBeUndefined();
  });
});

describe('the guest', () => {
  it('programs the low half of a 64-bit BAR first, then the high half', () => {
    const { device } = plug({
      bars: { 0: { size: P4K, attributes: MEM64 }, 2: { size: P4K, attributes: MEM32 } },
    });
    device.setBar(0, 0x2100_0000_1000n);
    device.setBar(2, 0xffff_ffff_d000_0000n);
    expect([0x10, 0x14, 0x18, 0x1c].map((at) => device.pci.config.read(at, 4))).toEqual([
      0x1004, 0x2100, 0xd000_0000, 0,
    ]);
    // The device has no BAR 4, so its register is not writable.
    device.setBar(4, 0xd000_0000n);
    expect(device.pci.config.read(0x20, 4)).toBe(0);
  });

  it('moves a 64-bit BAR twice if memory is enabled (machine fact 11.4)', () => {
    const made = plug({ bars: { 0: { size: P64K } } });
    const iommu = withDma(made, P4K);
    made.device.setMemoryEnabled(true);
    made.device.setBar(0, 0x2100_d000_0000n);
    expect(iommu.take()).toEqual([
      'map 0xd0000000 0x10000 rw',
      'unmap 0xd0000000 0x10000',
      'map 0x2100d0000000 0x10000 rw',
    ]);
  });

  it('sizes a BAR, which returns to its address', () => {
    const made = plug({
      bars: { 0: { size: P64K, attributes: MEM64 }, 2: { size: P64K, attributes: MEM32 } },
    });
    const { device } = made;
    device.setBar(0, 0x2100_0000_0000n);
    device.setBar(2, 0xd000_0000n);
    device.sizeBar(0);
    device.sizeBar(2);
    device.sizeBar(5);
    device.setMemoryEnabled(true);
    expect(device.pci.bars.map(({ address }) => address)).toEqual([0x2100_0000_0000n, 0xd000_0000n]);
    const iommu = withDma(made, P4K);
    iommu.take();
    // All ones in the low half move the BAR within 4 GiB; in the high half, above 2^63.
    device.sizeBar(0);
    expect(iommu.take()).toEqual([
      'unmap 0x210000000000 0x10000',
      'map 0x2100ffff0000 0x10000 rw',
      'unmap 0x2100ffff0000 0x10000',
      'map 0x210000000000 0x10000 rw',
      'unmap 0x210000000000 0x10000',
      'map 0x210000000000 0x10000 rw',
    ]);
    // All ones in a 32-bit register put the BAR's end at 4 GiB, where PCI does not map it.
    device.sizeBar(2);
    expect(iommu.take()).toEqual(['unmap 0xd0000000 0x10000', 'map 0xd0000000 0x10000 rw']);
  });

  it('clears the upper half of a 64-bit BAR 5 by sizing it', () => {
    const { device } = plug({ bars: { 5: { size: P4K, attributes: MEM64 } } });
    device.setBar(5, 0x2100_d000_0000n);
    device.setMemoryEnabled(true);
    expect(device.pci.bars[0]!.address).toBe(0x2100_d000_0000n);
    device.sizeBar(5);
    device.setBar(5, 0x2100_d000_1000n);
    expect(device.pci.bars[0]!.address).toBe(0xd000_1000n);
  });

  it('switches memory without changing the other bits of COMMAND', () => {
    const { device } = plug({ bars: { 0: { size: P4K } } });
    device.writeConfig(PciRegister.COMMAND, 2, 0x405);
    device.setMemoryEnabled(true);
    expect(device.pci.config.read(PciRegister.COMMAND, 2)).toBe(0x407);
    device.setMemoryEnabled(false);
    expect(device.pci.config.read(PciRegister.COMMAND, 2)).toBe(0x405);
  });

  it('moves no BAR by a write to another register', () => {
    const { device } = plug({ bars: { 0: { size: P4K } } });
    device.writeConfig(0x3c, 1, 5);
    device.writeConfig(0x28, 4, 5);
    expect(device.pci.config.read(0x3c, 1)).toBe(0);
  });

  it('sees no BAR of an unplugged device', () => {
    const { device, view } = mapped({ bars: { 0: { size: P4K } } });
    expect(view()).toHaveLength(1);
    device.unplug();
    expect(view()).toEqual([]);
    device.unplug();
  });

  it('loses the BARs at a reset, lowest index first', () => {
    const made = plug({ bars: { 0: { size: P4K }, 2: { size: P4K } } });
    made.device.setBar(0, 0xd000_1000n);
    made.device.setBar(2, 0xd000_0000n);
    made.device.setMemoryEnabled(true);
    const iommu = withDma(made, P4K);
    iommu.take();
    made.device.reset();
    expect(iommu.take()).toEqual(['unmap 0xd0001000 0x1000', 'unmap 0xd0000000 0x1000']);
    made.device.setMemoryEnabled(true);
    expect(made.view()).toEqual([]);
  });
});

describe('a BAR smaller than a page (vfio fact 5.9)', () => {
  const X = 0xd000_0000n;
  const small: FakeDevice = { bars: { 0: { size: P4K, attributes: MEM32 } } };
  const on64K = { hostPageSize: P64K };

  /** Plugs the device in with a DMA listener, and puts its BARs at `places`. */
  function place(fake: FakeDevice, places: Readonly<Record<number, bigint>>, id = 'qemu-11.1') {
    const made = plug(fake, { ...on64K, revision: revision(id) });
    const iommu = withDma(made, P64K, id);
    for (const [index, address] of Object.entries(places)) made.device.setBar(Number(index), address);
    made.device.setMemoryEnabled(true);
    return { ...made, iommu };
  }

  it.each(WRAPPED)('is stretched to a page at a page boundary in %s', (id) => {
    const { view, device } = place(small, { 0: X }, id);
    expect(view()).toEqual(['d0000000+10000 ramd nic BAR 0 mmaps[0] @0']);
    expect([device.regions[0]!.base!.size, device.regions[0]!.base!.priority]).toEqual([P64K, 0]);
    // The size that the registers show does not change.
    expect([device.regions[0]!.barSize, device.pci.bars[0]!.size]).toEqual([P4K, P4K]);
  });

  it('is mapped for DMA with the whole page once stretched', () => {
    expect(place(small, { 0: X }).iommu.take()).toEqual(['map 0xd0000000 0x10000 rw']);
  });

  it('keeps its size off a page boundary', () => {
    const { view, iommu, device } = place(small, { 0: X + P4K });
    expect(view()).toEqual(['d0001000+1000 ramd nic BAR 0 mmaps[0] @0']);
    expect(iommu.take()).toEqual([]);
    expect([device.regions[0]!.base!.size, device.regions[0]!.base!.priority]).toEqual([P4K, 1]);
  });

  it('differs from a BAR of a page, which QEMU never stretches', () => {
    const { view, device } = place({ bars: { 0: { size: P64K, attributes: MEM32 } } }, { 0: X });
    expect(view()).toEqual(['d0000000+10000 ramd nic BAR 0 mmaps[0] @0']);
    expect(device.regions[0]!.base!.priority).toBe(1);
  });

  it('is one of 32 bytes on host pages of 4K', () => {
    const { device, view } = mapped({ bars: { 0: { size: 0x20n } } });
    expect(view()).toEqual(['d0000000+1000 ramd nic BAR 0 mmaps[0] @0']);
    device.setBar(0, 0xd000_0020n);
    expect(view()).toEqual(['d0000020+20 ramd nic BAR 0 mmaps[0] @0', 'd0000040+fe0 io nic base BAR 0 @20']);
  });

  it('leaves its wrapper a page long when it moves off the page boundary (consequence a)', () => {
    for (const memoryStaysOn of [true, false]) {
      const { device, view, iommu } = place(small, { 0: X });
      iommu.take();
      if (!memoryStaysOn) device.setMemoryEnabled(false);
      device.setBar(0, X + P4K);
      device.setMemoryEnabled(true);
      expect(iommu.take()).toEqual(['unmap 0xd0000000 0x10000']);
      expect(view()).toEqual([
        'd0001000+1000 ramd nic BAR 0 mmaps[0] @0',
        'd0002000+f000 io nic base BAR 0 @1000',
      ]);
      expect(device.regions[0]!.base!.priority).toBe(1);
      device.setBar(0, X);
      expect(view()).toEqual(['d0000000+10000 ramd nic BAR 0 mmaps[0] @0']);
      expect(iommu.take()).toEqual(['map 0xd0000000 0x10000 rw']);
    }
  });

  it('yields to another BAR in its page once it is stretched', () => {
    const two: FakeDevice = {
      bars: { 0: { size: 0x8000n, attributes: MEM32 }, 2: { size: 0x8000n, attributes: MEM32 } },
    };
    const { view, iommu, device } = place(two, { 0: X, 2: X + 0x8000n });
    expect(view()).toEqual([
      'd0000000+8000 ramd nic BAR 0 mmaps[0] @0',
      'd0008000+8000 ramd nic BAR 2 mmaps[0] @0',
    ]);
    expect(iommu.take()).toEqual([]);
    device.setBar(2, X + 0x10_0000n);
    expect(iommu.take()).toEqual(['map 0xd0000000 0x10000 rw', 'map 0xd0100000 0x10000 rw']);
  });

  it('hides its neighbour behind the tail of the wrapper (consequence a)', () => {
    const fake: FakeDevice = {
      bars: { 0: { size: 0x8000n, attributes: MEM32 }, 2: { size: P64K, attributes: MEM32 } },
    };
    const { device, view, iommu } = place(fake, { 0: X, 2: X + P64K });
    iommu.take();
    device.setBar(0, X + 0x8000n);
    expect(view()).toEqual([
      'd0008000+8000 ramd nic BAR 0 mmaps[0] @0',
      'd0010000+8000 io nic base BAR 0 @8000',
      'd0018000+8000 ramd nic BAR 2 mmaps[0] @8000',
    ]);
    expect(iommu.take()).toEqual(['unmap 0xd0000000 0x10000', 'unmap 0xd0010000 0x10000']);
    device.setBar(0, X);
    expect(iommu.take()).toEqual(['map 0xd0010000 0x10000 rw', 'map 0xd0000000 0x10000 rw']);
  });

  it('is stretched after QEMU has mapped all BARs (consequence c)', () => {
    const fake: FakeDevice = {
      bars: { 0: { size: 0x8000n, attributes: MEM32 }, 2: { size: P64K, attributes: MEM32 } },
    };
    expect(place(fake, { 0: X, 2: X + P64K }).iommu.take()).toEqual([
      'map 0xd0010000 0x10000 rw',
      'map 0xd0000000 0x10000 rw',
    ]);
  });

  it('shows around a neighbour that lies in its page', () => {
    const fake: FakeDevice = {
      bars: { 0: { size: P4K, attributes: MEM32 }, 2: { size: P16K, attributes: MEM32 } },
    };
    // The stretched BAR has priority 0, so BAR 2 with priority 1 shows in the middle of the page.
    const { view } = place(fake, { 0: X, 2: X + P16K });
    expect(view()).toEqual([
      'd0000000+4000 ramd nic BAR 0 mmaps[0] @0',
      'd0004000+4000 ramd nic BAR 2 mmaps[0] @0',
      'd0008000+8000 ramd nic BAR 0 mmaps[0] @8000',
    ]);
  });

  it.each([
    ['cannot be mmapped', { mmap: false }],
    ['has an area smaller than itself', { sparse: [[0n, 0x800n]] }],
    [
      'has two areas',
      {
        sparse: [
          [0n, 0x800n],
          [0x800n, 0x800n],
        ],
      },
    ],
    ['has an area larger than itself', { sparse: [[0n, P64K]] }],
  ] as const)('is not stretched if it %s', (_, bar) => {
    const { device, view } = place({ bars: { 0: { size: P4K, attributes: MEM32, ...bar } } }, { 0: X });
    expect(device.regions[0]!.base!.size).toBe(P4K);
    expect(device.regions[0]!.base!.priority).toBe(1);
    expect(view().at(-1)).toMatch(/^d0000[08]00\+/);
  });

  it('is not stretched if the host refused its mmap', () => {
    const { device } = place({ ...small, refusesMmap: () => true }, { 0: X });
    expect(device.regions[0]!.bar!.size).toBe(P4K);
  });

  it('with the MSI-X table is stretched only if the host reports MSIX_MAPPABLE', () => {
    const bars = (msixMappable: boolean) => ({ 0: { size: 0x8000n, attributes: MEM32, msixMappable } });
    const msix = [8, 0, 0x2000n, 0, 0x3000n] as const;
    expect(place({ bars: bars(false), msix }, { 0: X }).view()).toEqual([
      'd0000000+2000 io nic BAR 0 @0',
      'd0002000+80 io msix-table @0',
      'd0002080+5f80 io nic BAR 0 @2080',
    ]);
    const { view, iommu } = place({ bars: bars(true), msix }, { 0: X });
    expect(view()).toEqual([
      'd0000000+2000 ramd nic BAR 0 mmaps[0] @0',
      'd0002000+80 io msix-table @0',
      'd0002080+df80 ramd nic BAR 0 mmaps[0] @2080',
    ]);
    expect(iommu.take()).toEqual([]);
  });

  it.each(['qemu-2.11', 'seed-v2'])('shrinks back in %s, which has no wrapper', (id) => {
    const { device, view } = place(small, { 0: X }, id);
    expect(view()).toEqual(['d0000000+10000 ramd nic BAR 0 mmaps[0] @0']);
    expect(device.regions[0]!.bar!.priority).toBe(0);
    device.setBar(0, X + P4K);
    expect(view()).toEqual(['d0001000+1000 ramd nic BAR 0 mmaps[0] @0']);
    expect([device.regions[0]!.bar!.size, device.regions[0]!.bar!.priority]).toEqual([P4K, 1]);
  });

  it('that relocation has doubled is stretched in its own part alone', () => {
    const fake: FakeDevice = {
      bars: { 0: { size: P4K, attributes: MEM32, msixMappable: true } },
      msix: [8, 0, 0n, 0, 0x800n],
    };
    const made = plug(fake, { ...on64K, options: { msixRelocation: 'bar0' } });
    made.device.setBar(0, X);
    made.device.setMemoryEnabled(true);
    expect(made.view()).toEqual([
      'd0000000+10000 ramd nic BAR 0 mmaps[0] @0',
      'd0010000+80 io msix-table @0',
      'd0010080+ff80 io nic base BAR 0 @10080',
    ]);
    // The wrapper has 128 KiB already. QEMU still adds it again with priority 0, because the sizes differ.
    expect([made.device.regions[0]!.base!.size, made.device.regions[0]!.base!.priority]).toEqual([
      0x2_0000n,
      0,
    ]);
  });

  it('keeps a stretched wrapper over a reset', () => {
    const { device, view } = place(small, { 0: X });
    device.reset();
    expect(view()).toEqual([]);
    device.setBar(0, X + P4K);
    device.setMemoryEnabled(true);
    expect(view()).toEqual([
      'd0001000+1000 ramd nic BAR 0 mmaps[0] @0',
      'd0002000+f000 io nic base BAR 0 @1000',
    ]);
  });

  it('shrinks at a reset, except for its wrapper', () => {
    const { device } = place(small, { 0: X });
    device.reset();
    const { bar, base, mmaps } = device.regions[0]!;
    expect([bar!.size, mmaps[0]!.region!.size, base!.size]).toEqual([P4K, P4K, P64K]);
  });

  it('is stretched after QEMU has mapped all BARs, also after a reset', () => {
    const fake: FakeDevice = {
      bars: { 0: { size: P4K, attributes: MEM32 }, 2: { size: P64K, attributes: MEM32 } },
    };
    const { device, iommu } = place(fake, { 0: X, 2: X + P64K });
    const first = iommu.take();
    device.reset();
    iommu.take();
    device.setBar(0, X);
    device.setBar(2, X + P64K);
    device.setMemoryEnabled(true);
    expect(iommu.take()).toEqual(first);
  });

  it('is stretched and shrunk as sizing moves it', () => {
    const fake: FakeDevice = { bars: { 0: { size: 0x8000n, attributes: MEM64 } } };
    const { device, view, iommu } = place(fake, { 0: 0x2100_0000_0000n });
    const before = view();
    iommu.take();
    device.sizeBar(0);
    expect(view()).toEqual(before);
    // At ..ffff8000 the BAR is off the page boundary, so it is not stretched there.
    expect(iommu.take()).toEqual([
      'unmap 0x210000000000 0x10000',
      'map 0x210000000000 0x10000 rw',
      'unmap 0x210000000000 0x10000',
      'map 0x210000000000 0x10000 rw',
    ]);
  });
});

describe('a BAR', () => {
  it('is mapped at address 0 only if the machine allows that', () => {
    for (const addressZeroAllowed of [true, false]) {
      const { device, view } = plug(
        { bars: { 0: { size: P4K, attributes: MEM32 } } },
        { addressZeroAllowed },
      );
      device.setMemoryEnabled(true);
      expect(view()).toEqual(addressZeroAllowed ? ['0+1000 ramd nic BAR 0 mmaps[0] @0'] : []);
    }
  });

  it.each([
    [0xffff_f000n, false],
    [0xffff_e000n, true],
  ])('of 32 bits at address %i is mapped: %s', (address, isMapped) => {
    const { device, view } = plug({ bars: { 0: { size: P4K, attributes: MEM32 } } });
    device.setBar(0, address);
    device.setMemoryEnabled(true);
    expect(view()).toEqual(isMapped ? [`${hex(address).slice(2)}+1000 ramd nic BAR 0 mmaps[0] @0`] : []);
  });
});

describe('a rule that a patch changes', () => {
  const WITH_TABLE: FakeDevice = {
    bars: { 0: { size: P64K, attributes: MEM32, msixMappable: true } },
    msix: [8, 0, 0x8000n, 0, 0x9000n],
  };
  const withRules = (rules: Partial<ReturnType<typeof revision>['device']>): Bench => {
    const base = revision('qemu-11.1');
    return { revision: { ...base, device: { ...base.device, ...rules } } };
  };

  it('puts mmap areas into the wrapper, above the table or below the BAR', () => {
    const above = withRules({ mmapParent: ({ base }) => base, mmapPriority: 1 });
    expect(viewOf(WITH_TABLE, above)).toEqual(['d0000000+10000 ramd nic BAR 0 mmaps[0] @0']);
    const below = withRules({ mmapParent: ({ base }) => base, mmapPriority: -1 });
    expect(viewOf(WITH_TABLE, below).filter((line) => line.includes('ramd'))).toEqual([]);
  });

  it('makes the emulated table a whole page long', () => {
    const swallowing = withRules({ emulatedTableSize: (_size, hostPageSize) => hostPageSize });
    expect(viewOf(WITH_TABLE)).toContain('d0008000+80 io msix-table @0');
    expect(viewOf(WITH_TABLE, swallowing)).toContain('d0008000+1000 io msix-table @0');
  });

  it('ends the VMM when the user relocates MSI-X of a device without it', () => {
    const plain: FakeDevice = { bars: { 0: { size: P64K, attributes: MEM32 } } };
    const options = { msixRelocation: 'bar0' } as const;
    expect(failureOf(plain, { options })).toBeUndefined();
    const failure = failureOf(plain, { options, ...withRules({ relocationWithoutMsix: 'crash' }) });
    expect(failure).toBeInstanceOf(VmmAbort);
    expect(failure).toMatchObject({
      site: 'relocation-without-msix',
      message: 'relocation looks for an MSI-X capability that is not there',
    });
  });

  it('puts emulated table and PBA elsewhere than the capability says', () => {
    const { device } = plug(
      WITH_TABLE,
      withRules({
        emulatedLayout: (layout) => ({
          ...layout,
          tableOffset: layout.pbaOffset,
          pbaOffset: layout.tableOffset,
        }),
      }),
    );
    expect([device.emulatedTable, device.emulatedPba]).toEqual([
      { bar: 0, offset: 0x9000n },
      { bar: 0, offset: 0x8000n },
    ]);
    expect(device.msixLayout).toMatchObject({ tableOffset: 0x8000n, pbaOffset: 0x9000n });
  });
});

describe('the sizing of a BAR', () => {
  const sizedBy = (attributes: BarAttributes, size: bigint, index = 0) => {
    const { device, log } = plug({ bars: { [index]: { size, attributes } } });
    log.take();
    device.sizeBar(index);
    return log.take().filter(({ type }) => type === 'bar-sized');
  };

  it.each([
    ['32-bit memory', MEM32, P64K, 0xffff_fff0n, 0xffff_0000n],
    ['64-bit memory', MEM64, P64K, 0xffff_ffff_ffff_fff0n, 0xffff_ffff_ffff_0000n],
    ['64-bit memory of 8 GiB', MEM64, 1n << 33n, 0xffff_ffff_ffff_fff0n, 0xffff_fffe_0000_0000n],
    ['I/O ports', IO, 0x20n, 0xffff_fffcn, 0xffff_ffe0n],
  ])('of %s shows what was written and read, without the type bits', (_, attributes, size, wrote, read) => {
    expect(sizedBy(attributes, size)).toEqual([{ type: 'bar-sized', device: 'dev0', bar: 0, wrote, read }]);
  });

  it('shows nothing of a BAR that the device does not have', () => {
    const { device, log } = plug({ bars: { 0: { size: P4K } } });
    log.take();
    device.sizeBar(3);
    expect(log.take().filter(({ type }) => type === 'bar-sized')).toEqual([]);
  });

  it('writes the probe into the low half alone', () => {
    const { device, log } = plug({ bars: { 0: { size: P64K } } });
    log.take();
    device.sizeBar(0, 0xffff_0000n);
    const [event] = log.take().filter(({ type }) => type === 'bar-sized');
    expect(event).toMatchObject({ wrote: 0xffff_ffff_ffff_0000n, read: 0xffff_ffff_ffff_0000n });
  });
});

describe('the power state of a function', () => {
  it('takes its BARs out of the memory map in D3hot, and puts them back in D0 (11.1)', () => {
    const { device, view } = mapped({ bars: { 0: { size: P4K } } }, { pciRules: revision('qemu-11.1').pci });
    const before = view();
    expect(device.barRegisters).toEqual([{ bar: 0, address: 0xd000_0000n, decoding: true }]);
    device.setPowerState('D3hot');
    const registers = { bar: 0, address: 0xd000_0000n, decoding: true };
    expect(device.barRegisters).toEqual([{ ...registers, hasPower: false }]);
    expect(view()).toEqual([]);
    device.setPowerState('D0');
    expect(view()).toEqual(before);
    expect(device.barRegisters).toEqual([registers]);
  });
});

describe('a request for another size of a BAR (vfio fact 5.20)', () => {
  const resized = (rules: Partial<Revision['device']>, index = 0) => {
    const of = revision('qemu-11.1');
    const changed = { ...of, device: { ...of.device, ...rules } };
    const { device } = plug({ bars: { 0: { size: P4K } } }, { revision: changed });
    device.resizeBar(index, P64K);
    return [...device.resized];
  };

  it('changes nothing in QEMU', () => {
    expect(resized({})).toEqual([]);
  });

  it('is remembered of a BAR that is there, if a patch lets the guest resize as the device does', () => {
    expect(resized({ resizableBar: 'as-device' })).toEqual([[0, P64K]]);
    expect(resized({ resizableBar: 'as-device' }, 2)).toEqual([]);
  });
});

describe('the quirks of a device', () => {
  const NVIDIA = { vendor: 0x10de, isVga: true };
  const MIB16 = 16n << 20n;

  it('lie over their BAR, and belong to the device', () => {
    const { device, view, space } = mapped({ ...NVIDIA, bars: { 0: { size: MIB16, attributes: MEM32 } } });
    expect(device.quirks).toEqual([
      {
        name: 'nvidia-bar0-88000-mirror-quirk',
        offset: 0x8_8000n,
        size: 0x1000n,
        bar: 0,
        region: 'nic nvidia-bar0-88000-mirror-quirk',
      },
    ]);
    expect(view()).toContain('d0088000+1000 io nic nvidia-bar0-88000-mirror-quirk @0');
    expect(space.view.at(0xd008_8000n)?.region.owner).toBe('dev0');
  });

  it('are none over vfio-user, and of a device that is no VGA controller', () => {
    const bars = { 0: { size: MIB16, attributes: MEM32 } };
    expect(plug({ ...NVIDIA, bars }, { vfioUser: true }).device.quirks).toEqual([]);
    expect(plug({ ...NVIDIA, isVga: false, bars }).device.quirks).toEqual([]);
  });

  it('over a BAR that the device lacks end the VMM', () => {
    const of = revision('qemu-11.1');
    const quirk = { name: 'a-quirk', offset: offset(0n), size: 0x8n };
    const device = { ...of.device, quirks: ({ bar }: { bar: number }) => (bar === 5 ? [quirk] : []) };
    const failure = failureOf({ bars: { 0: { size: P4K } } }, { revision: { ...of, device } });
    expect(failure).toBeInstanceOf(VmmAbort);
    expect(failure).toMatchObject({ site: 'quirk-segfault', message: 'a-quirk: the device has no BAR 5' });
  });
});

describe('a rule of devices that a patch changes', () => {
  const withRules = (rules: Partial<Revision['device']>): Bench => {
    const base = revision('qemu-11.1');
    return { revision: { ...base, device: { ...base.device, ...rules } } };
  };
  const MSIX: FakeDevice = {
    bars: { 0: { size: P64K, attributes: MEM32, msixMappable: true } },
    msix: [8, 0, 0x8000n, 0, 0x9000n],
  };

  it.each([
    ['everything', undefined, 0, 0],
    ['nothing', 'nothing', 0xd000_0000, 2],
    ['the BARs', 'bars-only', 0, 2],
    ['COMMAND', 'command-only', 0xd000_0000, 0],
  ] as const)('restores %s at a reset', (_, resetRestores, bar, command) => {
    const rules = resetRestores === undefined ? {} : { resetRestores };
    const { device } = mapped(MSIX, withRules({ ...rules, resetStopsDecoding: false }));
    device.reset();
    expect(device.pci.config.read(PciRegister.BAR_0, 4)).toBe(bar);
    expect(device.pci.config.read(PciRegister.COMMAND, 2)).toBe(command);
  });

  it.each([true, false])('switches MSI-X off at a reset: %s', (resetsMsix) => {
    const { device } = mapped(MSIX, withRules({ resetsMsix }));
    device.setMsixEnabled(true);
    device.reset();
    expect(device.msixState!.readControl() >> 15).toBe(resetsMsix ? 0 : 1);
  });

  it.each([
    [true, '400'],
    [false, '1000'],
  ])('lets a stretched BAR shrink at a reset if decoding stops (%s)', (resetStopsDecoding, size) => {
    const small: FakeDevice = { bars: { 0: { size: 0x400n, attributes: MEM32 } } };
    const { device } = mapped(small, withRules({ resetStopsDecoding, baseRegion: false }));
    expect(device.pci.bar(0)?.region.size).toBe(P4K);
    device.reset();
    expect(device.pci.bar(0)?.region.size.toString(16)).toBe(size);
  });

  it('takes the mmaps back at an unplug, before or after the BARs', () => {
    const order = (unplugOrder: Revision['device']['unplugOrder']): readonly string[] => {
      const { device, log, view } = mapped(MSIX, withRules({ unplugOrder, releasesAreas: () => true }));
      log.take();
      const seen: string[] = [];
      const { unmapAll } = device.pci;
      device.pci.unmapAll = () => {
        seen.push(log.take().some(({ type }) => type === 'munmap') ? 'munmap first' : 'BARs first');
        unmapAll.call(device.pci);
      };
      device.unplug();
      expect(view()).toEqual([]);
      return [...seen, ...log.take().map(({ type }) => type)];
    };
    expect(order('bars-first')).toEqual(['BARs first', 'munmap']);
    expect(order('mmaps-first')).toEqual(['munmap first']);
  });

  it('releases areas for the reasons that it names', () => {
    const reasons: string[] = [];
    const { device, log } = plug(
      MSIX,
      withRules({
        releasesAreas: (why) => {
          reasons.push(why);
          return false;
        },
      }),
    );
    device.unplug();
    expect(new Set(reasons)).toEqual(new Set(['unplug']));
    expect(log.take().filter(({ type }) => type === 'munmap')).toEqual([]);
  });

  it('takes back the areas that came before a refused one', () => {
    const reasons: string[] = [];
    const fake: FakeDevice = {
      bars: {
        0: {
          size: P64K,
          attributes: MEM32,
          sparse: [
            [0n, P4K],
            [0x2000n, P4K],
            [0x4000n, P4K],
          ],
        },
      },
      refusesMmap: (_, { offset: at }) => at === 0x4000n,
    };
    const { log } = plug(
      fake,
      withRules({
        releasesAreas: (why) => {
          reasons.push(why);
          return true;
        },
      }),
    );
    expect(reasons).toEqual(['refused-area', 'refused-area']);
    expect(log.take().filter(({ type }) => type === 'munmap')).toEqual([
      { type: 'munmap', device: 'dev0', bar: 0, offset: 0n, size: P4K },
      { type: 'munmap', device: 'dev0', bar: 0, offset: 0x2000n, size: P4K },
    ]);
  });

  it('keeps the other areas when the host refuses one', () => {
    const fake: FakeDevice = {
      bars: {
        0: {
          size: P64K,
          attributes: MEM32,
          sparse: [
            [0n, P4K],
            [0x4000n, P4K],
          ],
        },
      },
      refusesMmap: (_, { offset: at }) => at === 0n,
    };
    const areas = (mmapFailure: 'no-area' | 'other-areas'): readonly string[] =>
      viewOf(fake, withRules({ mmapFailure })).filter((line) => line.includes('ramd'));
    expect(areas('other-areas')).toEqual(['d0004000+1000 ramd nic BAR 0 mmaps[1] @0']);
    expect(areas('no-area')).toEqual([]);
  });

  it.each([
    ['before-relocation', 'bar2', ['0x0+0x8000', '0x9000+0x7000']],
    ['after-relocation', 'bar2', ['0x0+0x10000']],
    ['before-relocation', 'off', ['0x0+0x8000', '0x9000+0x7000']],
    ['after-relocation', 'off', ['0x0+0x8000', '0x9000+0x7000']],
  ] as const)(
    'cuts the table out of the areas %s, with x-msix-relocation=%s',
    (fixUp, msixRelocation, areas) => {
      const { log } = plug(
        { ...MSIX, bars: { 0: { size: P64K, attributes: MEM32 } } },
        { ...withRules({ fixUp }), options: { msixRelocation } },
      );
      const mmaps = log.take().flatMap((event) => (event.type === 'mmap' ? [event] : []));
      expect(mmaps.map(({ offset: at, size }) => `${hex(at)}+${hex(size)}`)).toEqual(areas);
    },
  );
});

describe('the dma-bufs of a device (vfio fact 5.17)', () => {
  const messagesOf = (errno: Errno, exportsDmaBuf = true, sparse?: FakeBar['sparse']) => {
    const base = revision('qemu-11.1');
    const exported: string[] = [];
    const made = plug(
      {
        bars: { 0: { size: P64K, attributes: MEM32, ...(sparse && { sparse }) } },
        exportDmaBuf: (bar, areas) => {
          exported.push([bar, ...areas.map((area) => `${hex(area.offset)}+${hex(area.size)}`)].join(' '));
          return errno;
        },
      },
      { revision: { ...base, device: { ...base.device, exportsDmaBuf } } },
    );
    const texts = made.log.take().flatMap((event) => (event.type === 'message' ? [event.text] : []));
    const [area] = made.device.regions[0]!.mmaps;
    return { exported, texts, has: dmaBufOf(area!.region!) !== undefined };
  };

  it('are asked for of the areas of each BAR together', () => {
    expect(messagesOf(0)).toEqual({ exported: ['0 0x0+0x10000'], texts: [], has: true });
    const areas = [
      [0x1000n, 0x1000n],
      [0x4000n, 0x2000n],
    ] as const;
    expect(messagesOf(0, true, areas).exported).toEqual(['0 0x1000+0x1000 0x4000+0x2000']);
    expect(messagesOf(0, false)).toEqual({ exported: [], texts: [], has: false });
  });

  it('have the areas that were mmapped, and QEMU knows of each region which it is', () => {
    const base = revision('qemu-11.1');
    const asked: (readonly bigint[])[] = [];
    const plugged = (refusesMmap: FakeDevice['refusesMmap'], mmapFailure: 'other-areas' | 'no-area') => {
      const { device } = plug(
        {
          bars: {
            0: {
              size: P64K,
              attributes: MEM32,
              sparse: [
                [0n, 0x1000n],
                [0x2000n, 0x1000n],
                [0x4000n, 0x1000n],
              ],
            },
          },
          exportDmaBuf: (_bar, areas) => {
            asked.push(areas.map((area) => area.offset));
            return 0;
          },
          ...(refusesMmap && { refusesMmap }),
        },
        { revision: { ...base, device: { ...base.device, mmapFailure } } },
      );
      return device.regions[0]!.mmaps;
    };
    const mmaps = plugged((_bar, area) => area.offset === 0x2000n, 'other-areas');
    expect(asked).toEqual([[0n, 0x4000n]]);
    const known = mmaps.map(({ region }) => region && dmaBufOf(region));
    expect(known.map((exported) => exported?.area.offset)).toEqual([0n, 0x4000n]);
    expect(known[0]!.areas).toEqual(mmaps);
    asked.length = 0;
    for (const failure of ['other-areas', 'no-area'] as const) plugged(() => true, failure);
    expect(asked).toEqual([]);
  });

  it('are missing without a word on a kernel that has none', () => {
    expect(messagesOf(Errno.ENOTTY)).toMatchObject({ texts: [], has: false });
  });

  it('are missing with a message where the kernel refuses one', () => {
    expect(messagesOf(Errno.EINVAL)).toMatchObject({
      texts: ['nic BAR 0: dma-buf unavailable, P2P DMA will not work: EINVAL'],
      has: false,
    });
  });
});
