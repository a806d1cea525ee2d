import { describe, expect, it } from 'vitest';
import { hostAddress, hex16, isAligned, offset } from '../address/index.ts';
import { MemoryRegion, MemoryTopology, form11, rangeType, type AddressSpace } from '../memory/index.ts';
import { findRevision } from '../vfio/index.ts';
import { RAM_ALIGNMENT, TARGET_PAGE_SIZE, buildMachine, type Machine } from './index.ts';

type MachineType = Parameters<typeof buildMachine>[0];

const MIB = 1n << 20n;
const GIB = 1n << 30n;

function build(type: MachineType, ram: bigint, revision = 'qemu-11.1', hostPageSize = 0x1000n) {
  const topology = new MemoryTopology();
  const reserved: [size: bigint, alignment: bigint][] = [];
  const machine = buildMachine(type, {
    topology,
    ram,
    hostPageSize,
    rules: findRevision(revision)!.machine,
    reserve: (size, alignment) => {
      reserved.push([size, alignment]);
      return hostAddress(BigInt(reserved.length) << 48n);
    },
  });
  return { machine, topology, reserved };
}

/** The ranges of an address space as `info mtree -f` prints them. */
const rows = (space: AddressSpace): string[] =>
  space.view.ranges.map((range) => {
    const { start, end, priority, region, offset: at } = range;
    const place = `${hex16(start)}-${hex16(end - 1n)}`;
    const where = at === 0n ? '' : ` @${hex16(at)}`;
    return `${place} (prio ${priority}, ${rangeType(range, form11)}): ${region.name}${where}`;
  });

/** The ranges of system memory whose name begins with one of these. */
const rowsOf = (machine: Machine, ...names: string[]): string[] =>
  rows(machine.memory).filter((row) => names.some((name) => row.includes(`: ${name}`)));

/** Where in system memory a BAR at bus address `address` is visible. */
function barAt(machine: Machine, address: bigint, size: bigint): string[] {
  const bar = MemoryRegion.ramDevice('bar', size);
  machine.bus.topology.addSubregion(machine.bus.memory, bar, offset(address), 1);
  const shown = rowsOf(machine, 'bar').map((row) => row.replace(' (prio 1, ramd): bar', ''));
  machine.bus.topology.removeSubregion(bar);
  return shown;
}

// The rows below were read from QEMU 11.1.3; there, RAM had the name of its memory back end.
const FIRMWARE_AND_CHIP_SET = [
  '00000000fec00000-00000000fec00fff (prio 0, i/o): ioapic',
  '00000000fed00000-00000000fed003ff (prio 0, i/o): hpet',
  '00000000fee00000-00000000feefffff (prio 4096, i/o): apic-msi',
  '00000000fffc0000-00000000ffffffff (prio 0, rom): pc.bios',
];

const BIOS_AREA = [
  '0000000000000000-00000000000bffff (prio 0, ram): pc.ram',
  '00000000000c0000-00000000000dffff (prio 1, rom): pc.rom',
  '00000000000e0000-00000000000fffff (prio 0, rom): pc.bios @0000000000020000',
];

describe('the memory map of pc and q35', () => {
  it('pc with 6 GiB has RAM below 3 GiB and above 4 GiB', () => {
    const { machine } = build('pc', 6n * GIB);
    expect(rows(machine.memory)).toEqual([
      ...BIOS_AREA,
      '0000000000100000-00000000bfffffff (prio 0, ram): pc.ram @0000000000100000',
      ...FIRMWARE_AND_CHIP_SET,
      '0000000100000000-00000001bfffffff (prio 0, ram): pc.ram @00000000c0000000',
    ]);
  });

  it('q35 with 6 GiB, after its first reset, has RAM below 2 GiB and above 4 GiB', () => {
    const { machine } = build('q35', 6n * GIB);
    machine.reset();
    expect(rows(machine.memory)).toEqual([
      ...BIOS_AREA,
      '0000000000100000-000000007fffffff (prio 0, ram): pc.ram @0000000000100000',
      ...FIRMWARE_AND_CHIP_SET,
      '0000000100000000-00000001ffffffff (prio 0, ram): pc.ram @0000000080000000',
    ]);
  });

  it('q35 before its first reset has RAM in the BIOS area', () => {
    const { machine } = build('q35', 2n * GIB);
    expect(rows(machine.memory)).toEqual([
      '0000000000000000-000000007fffffff (prio 0, ram): pc.ram',
      ...FIRMWARE_AND_CHIP_SET,
    ]);
  });

  it('the first reset of q35 and of pseries is one commit, each later one of pseries two, others change nothing', () => {
    for (const [type, expected] of [
      ['q35', [1, 0]],
      ['pc', [0, 0]],
      ['generic', [0, 0]],
      ['virt', [0, 0]],
      ['pseries', [1, 2]],
    ] as const) {
      const { machine, topology } = build(type, 2n * GIB);
      let commits = 0;
      topology.registerListener(
        { name: 'counter', priority: 0, commit: () => void commits++ },
        machine.memory,
      );
      const counts = [0, 1].map(() => {
        commits = 0;
        machine.reset();
        return commits;
      });
      expect(counts).toEqual(expected);
    }
  });

  // Sizes on both sides of the limits: 2816 MiB for q35, 3.5 GiB for pc.
  it.each([
    ['q35', 0xafe0_0000n, 0xafe0_0000n],
    ['q35', 0xaffff000n, 0xaffff000n],
    ['q35', 0xb000_0000n, 0x8000_0000n],
    ['q35', 0xb010_0000n, 0x8000_0000n],
    ['q35', 300n * GIB, 0x8000_0000n],
    ['pc', 0xdfe0_0000n, 0xdfe0_0000n],
    ['pc', 0xdfff_f000n, 0xdfff_f000n],
    ['pc', 0xe000_0000n, 0xc000_0000n],
    ['pc', 300n * GIB, 0xc000_0000n],
    ['pc', 512n * MIB, 512n * MIB],
  ] as const)('%s with %i bytes of RAM has %i of them below 4 GiB', (type, ram, below) => {
    const { machine } = build(type, ram);
    machine.reset();
    const above = ram - below;
    expect(rowsOf(machine, 'pc.ram')).toEqual([
      '0000000000000000-00000000000bffff (prio 0, ram): pc.ram',
      `0000000000100000-${hex16(below - 1n)} (prio 0, ram): pc.ram @0000000000100000`,
      ...(above === 0n
        ? []
        : [`0000000100000000-${hex16(4n * GIB + above - 1n)} (prio 0, ram): pc.ram @${hex16(below)}`]),
    ]);
  });

  it.each(['pc', 'q35'] as const)(
    '%s: DMA reaches what the CPU reaches, and no BAR may be at address 0',
    (type) => {
      const { machine } = build(type, 2n * GIB);
      expect(machine.bus.dmaSpace).toBe(machine.memory);
      expect(machine.bus.addressZeroAllowed).toBe(false);
      expect(machine.optsOutOfMsixEmulation).toBe(false);
    },
  );

  it.each(['pc', 'q35'] as const)('%s: a BAR is visible where there is neither RAM nor a chip', (type) => {
    const { machine } = build(type, 2n * GIB);
    machine.reset();
    expect(barAt(machine, 0xd000_0000n, 0x1000n)).toEqual(['00000000d0000000-00000000d0000fff']);
    expect(barAt(machine, 0x2100_0000_0000n, 0x1000n)).toEqual(['0000210000000000-0000210000000fff']);
    expect(barAt(machine, 0x1000_0000n, 0x1000n)).toEqual([]);
    expect(barAt(machine, 0xfec0_0000n, 0x2000n)).toEqual([
      '00000000fec01000-00000000fec01fff @0000000000001000',
    ]);
    expect(barAt(machine, 0xfee0_0000n, 0x1000n)).toEqual([]);
    // The BIOS is a region of the PCI space with priority 0, so the BAR hides it.
    expect(barAt(machine, 0xfffc_0000n, 0x1000n)).toEqual(['00000000fffc0000-00000000fffc0fff']);
  });

  it.each(['pc', 'q35'] as const)(
    '%s: a BAR is visible from 0xa0000 to 0xfffff (machine fact 11.1)',
    (type) => {
      const { machine } = build(type, 2n * GIB);
      machine.reset();
      expect(barAt(machine, 0xc_0000n, 0x4_0000n)).toEqual(['00000000000c0000-00000000000fffff']);
      expect(barAt(machine, 0xa_0000n, 0x2_0000n)).toEqual(['00000000000a0000-00000000000bffff']);
      expect(barAt(machine, 0x8_0000n, 0x8_0000n)).toEqual([
        '00000000000a0000-00000000000fffff @0000000000020000',
      ]);
      expect(barAt(machine, 0x10_0000n, 0x1000n)).toEqual([]);
    },
  );

  it('q35: before the first reset a BAR is visible only from 0xa0000 to 0xbffff', () => {
    const { machine } = build('q35', 2n * GIB);
    expect(barAt(machine, 0xc_0000n, 0x4_0000n)).toEqual([]);
    expect(barAt(machine, 0xa_0000n, 0x2_0000n)).toEqual(['00000000000a0000-00000000000bffff']);
  });
});

describe('the memory map of virt', () => {
  it('with 2 GiB is that of QEMU 11.1.3', () => {
    const { machine } = build('virt', 2n * GIB);
    const all = rows(machine.memory);
    expect(all.filter((row) => !row.includes('virtio-mmio'))).toEqual([
      '0000000000000000-0000000003ffffff (prio 0, romd): virt.flash0',
      '0000000004000000-0000000007ffffff (prio 0, romd): virt.flash1',
      '0000000008000000-0000000008000fff (prio 0, i/o): gic_dist',
      '0000000008010000-0000000008011fff (prio 0, i/o): gic_cpu',
      '0000000008020000-0000000008020fff (prio 0, i/o): gicv2m',
      '0000000009000000-0000000009000fff (prio 0, i/o): pl011',
      '0000000009010000-0000000009010fff (prio 0, i/o): pl031',
      '0000000009020000-0000000009020007 (prio 0, i/o): fwcfg.data',
      '0000000009020008-0000000009020009 (prio 0, i/o): fwcfg.ctl',
      '0000000009020010-0000000009020017 (prio 0, i/o): fwcfg.dma',
      '0000000009030000-0000000009030fff (prio 0, i/o): pl061',
      '0000000010000000-000000003efeffff (prio 0, container): gpex_mmio_window @0000000010000000',
      '000000003eff0000-000000003effffff (prio 0, i/o): gpex_ioport_window',
      '0000000040000000-00000000bfffffff (prio 0, ram): mach-virt.ram',
      '0000004010000000-000000401fffffff (prio 0, container): pcie-mmcfg-mmio',
      '0000008000000000-000000ffffffffff (prio 0, container): gpex_mmio_window @0000008000000000',
    ]);
    const virtio = all.filter((row) => row.includes('virtio-mmio'));
    expect(virtio).toHaveLength(32);
    expect([virtio[0], virtio[31]]).toEqual([
      '000000000a000000-000000000a0001ff (prio 0, i/o): virtio-mmio',
      '000000000a003e00-000000000a003fff (prio 0, i/o): virtio-mmio',
    ]);
  });

  // The addresses were read from QEMU 11.1.3.
  it.each([
    [512n * MIB, 0x40_1000_0000n, 0x80_0000_0000n],
    [255n * GIB, 0x40_1000_0000n, 0x80_0000_0000n],
    [255n * GIB + MIB, 0x40_5000_0000n, 0x80_0000_0000n],
    [300n * GIB, 0x4b_5000_0000n, 0x80_0000_0000n],
    [511n * GIB, 0x80_1000_0000n, 0x100_0000_0000n],
    [520n * GIB, 0x82_5000_0000n, 0x100_0000_0000n],
  ])('with %i bytes of RAM has ECAM at %i and the high window at %i', (ram, ecam, high) => {
    const { machine } = build('virt', ram);
    expect(rowsOf(machine, 'mach-virt.ram', 'pcie-mmcfg-mmio', 'gpex_mmio_window').slice(1)).toEqual([
      `0000000040000000-${hex16(GIB + ram - 1n)} (prio 0, ram): mach-virt.ram`,
      `${hex16(ecam)}-${hex16(ecam + 256n * MIB - 1n)} (prio 0, container): pcie-mmcfg-mmio`,
      `${hex16(high)}-${hex16(high + 512n * GIB - 1n)} (prio 0, container): gpex_mmio_window @${hex16(high)}`,
    ]);
  });

  it('has empty containers, which no flat range shows', () => {
    const { machine } = build('virt', 2n * GIB);
    const placeOf = (name: string): bigint | undefined =>
      machine.system.subregions.find((region) => region.name === name)?.address;
    expect(placeOf('platform bus')).toBe(0x0c00_0000n);
    expect(placeOf('cxl_host_reg')).toBe(0x40_0400_0000n);
  });

  it('shows BARs in its two windows only, clipped to these', () => {
    const { machine } = build('virt', 2n * GIB);
    expect(machine.bus.addressZeroAllowed).toBe(true);
    expect(machine.bus.dmaSpace).toBe(machine.memory);
    expect(machine.optsOutOfMsixEmulation).toBe(false);
    expect(barAt(machine, 0x2000_0000n, 0x1000n)).toEqual(['0000000020000000-0000000020000fff']);
    expect(barAt(machine, 0x80_0000_0000n, 0x1000n)).toEqual(['0000008000000000-0000008000000fff']);
    expect(barAt(machine, 0x3e00_0000n, 0x200_0000n)).toEqual(['000000003e000000-000000003efeffff']);
    expect(barAt(machine, 0n, 4n * GIB)).toEqual(['0000000010000000-000000003efeffff @0000000010000000']);
    for (const outside of [0n, 0x4000_0000n, 0x40_2000_0000n, 0x2100_0000_0000n]) {
      expect(barAt(machine, outside, 0x1000n)).toEqual([]);
    }
  });

  it('shows I/O ports in system memory', () => {
    const { machine, topology } = build('virt', 2n * GIB);
    topology.addSubregion(machine.bus.io, MemoryRegion.io('ports', 0x20n), offset(0x1000n), 1);
    expect(rowsOf(machine, 'ports')).toEqual(['000000003eff1000-000000003eff101f (prio 1, i/o): ports']);
  });
});

describe('the memory map of pseries', () => {
  it('with 2 GiB is that of QEMU 11.1.3', () => {
    const { machine } = build('pseries', 2n * GIB);
    expect(rows(machine.memory)).toEqual([
      '0000000000000000-000000007fffffff (prio 0, ram): ppc_spapr.ram',
      '0006010000000000-000601003fffffff (prio 0, i/o): xive.esb-emulated',
      '0006010040000000-000601007fffffff (prio 0, i/o): xive.end',
      '0006030203180000-00060302031bffff (prio 0, i/o): xive.tima',
    ]);
    expect(machine.optsOutOfMsixEmulation).toBe(true);
  });

  it('has no XIVE registers before QEMU 3.1', () => {
    const { machine } = build('pseries', 2n * GIB, 'qemu-2.12');
    expect(rows(machine.memory)).toHaveLength(1);
  });

  it.each([0x1000n, 0x1_0000n])(
    'has an address space for DMA with an MSI doorbell of one host page (%i bytes), and a TCE window from a reset on',
    (page) => {
      const { machine } = build('pseries', 2n * GIB, 'qemu-11.1', page);
      const { dmaSpace } = machine.bus;
      expect(dmaSpace).not.toBe(machine.memory);
      expect(dmaSpace.name).toBe('pci@800000020000000');
      const doorbell = `0000040000000000-${hex16((1n << 42n) + page - 1n)} (prio 0, i/o): msi`;
      expect(rows(dmaSpace)).toEqual([doorbell]);
      machine.reset();
      const window = '0000000000000000-000000003fffffff (prio 0, i/o): tce-iommu-80000000';
      expect(rows(dmaSpace)).toEqual([window, doorbell]);
      expect(dmaSpace.view.ranges[0]!.region.isIommu).toBe(true);
    },
  );

  it('shows BARs in two windows, of which the lower one shifts addresses', () => {
    const { machine } = build('pseries', 2n * GIB);
    expect(machine.bus.addressZeroAllowed).toBe(true);
    expect(barAt(machine, 0x9000_0000n, 0x1000n)).toEqual(['0000200090000000-0000200090000fff']);
    expect(barAt(machine, 0xffff_f000n, 0x2000n)).toEqual(['00002000fffff000-00002000ffffffff']);
    expect(barAt(machine, 0x2100_0000_0000n, 0x1000n)).toEqual(['0000210000000000-0000210000000fff']);
    expect(barAt(machine, 0x21ff_ffff_f000n, 0x2000n)).toEqual(['000021fffffff000-000021ffffffffff']);
    for (const outside of [0n, 0x7fff_f000n, 0x2000_9000_0000n, 0x20ff_ffff_f000n, 0x2200_0000_0000n]) {
      expect(barAt(machine, outside, 0x1000n)).toEqual([]);
    }
  });

  it('shows I/O ports in system memory', () => {
    const { machine, topology } = build('pseries', 2n * GIB);
    topology.addSubregion(machine.bus.io, MemoryRegion.io('ports', 0x20n), offset(0x1000n), 1);
    expect(rowsOf(machine, 'ports')).toEqual(['0000200000001000-000020000000101f (prio 1, i/o): ports']);
  });

  it('shows BARs in the address space for DMA only in the proposal for that', () => {
    for (const [id, expected] of [
      ['seed-v2', []],
      ['seed-v2+phb-mmio-alias', ['0000210000000000-000021000000ffff (prio 1, ramd): bar']],
      ['seed-v2+no-mmio-dma-map', ['0000210000000000-000021000000ffff (prio 1, ramd): bar']],
    ] as const) {
      const { machine } = build('pseries', 2n * GIB, id);
      const bar = MemoryRegion.ramDevice('bar', 0x1_0000n);
      machine.bus.topology.addSubregion(machine.bus.memory, bar, offset(0x2100_0000_0000n), 1);
      expect(rows(machine.bus.dmaSpace).filter((row) => row.includes(': bar'))).toEqual(expected);
    }
  });
});

describe('the DMA window that a guest of pseries makes', () => {
  const WINDOW = 1n << 59n;
  const windows = (machine: Machine) =>
    machine.bus.dmaSpace.view.ranges
      .filter(({ region }) => region.isIommu)
      .map(({ start, end, region }) => [start, end - start, region.iommuPageSize]);
  const booted = () => {
    const { machine } = build('pseries', 2n * GIB);
    machine.reset();
    return machine;
  };

  it('begins at 2^59, beside the default window', () => {
    const machine = booted();
    machine.createDmaWindow!(0x1_0000n, 256n * GIB);
    expect(windows(machine)).toEqual([
      [0n, GIB, undefined],
      [WINDOW, 256n * GIB, 0x1_0000n],
    ]);
  });

  it('is one: a second call changes nothing', () => {
    const machine = booted();
    machine.createDmaWindow!(0x1_0000n, GIB);
    machine.createDmaWindow!(0x1000n, 2n * GIB);
    expect(windows(machine)).toEqual([
      [0n, GIB, undefined],
      [WINDOW, GIB, 0x1_0000n],
    ]);
  });

  it('has fewer than 2^32 pages', () => {
    const machine = booted();
    machine.createDmaWindow!(0x1000n, 0x1000n << 32n);
    expect(windows(machine)).toHaveLength(1);
    machine.createDmaWindow!(0x1000n, 0x1000n << 31n);
    expect(windows(machine)).toHaveLength(2);
  });

  it('goes with a reset, after which the guest may make another', () => {
    const machine = booted();
    machine.createDmaWindow!(0x1_0000n, GIB);
    machine.reset();
    expect(windows(machine)).toEqual([[0n, GIB, undefined]]);
    machine.createDmaWindow!(0x1000n, GIB);
    expect(windows(machine)).toHaveLength(2);
  });

  it('is not there on other machines', () => {
    for (const type of ['generic', 'pc', 'q35', 'virt'] as const)
      expect(build(type, 2n * GIB).machine.createDmaWindow).toBeUndefined();
  });
});

describe('the memory map of generic', () => {
  it('is RAM with a PCI space below', () => {
    const { machine } = build('generic', 256n * MIB);
    expect(rows(machine.memory)).toEqual(['0000000000000000-000000000fffffff (prio 0, ram): ram']);
    expect(machine.bus.dmaSpace).toBe(machine.memory);
    expect([machine.bus.addressZeroAllowed, machine.optsOutOfMsixEmulation]).toEqual([false, false]);
    expect(barAt(machine, 0xfff_f000n, 0x2000n)).toEqual([
      '0000000010000000-0000000010000fff @0000000000001000',
    ]);
    expect(barAt(machine, (1n << 63n) - 0x1000n, 0x1000n)).toEqual(['7ffffffffffff000-7fffffffffffffff']);
  });
});

describe('every machine', () => {
  const TYPES = ['generic', 'pc', 'q35', 'virt', 'pseries'] as const;

  it.each(TYPES)('%s is built in one transaction and has no listeners', (type) => {
    const { machine, topology } = build(type, 2n * GIB);
    expect(topology.inTransaction).toBe(false);
    expect(topology.addressSpaces.flatMap(({ listeners }) => listeners)).toEqual([]);
    expect(machine.memory.root).toBe(machine.system);
    expect(machine.bus.topology).toBe(topology);
  });

  it.each([
    ['generic', ['memory', 'cpu-memory-0', 'I/O']],
    ['pc', ['memory', 'cpu-memory-0', 'I/O']],
    ['q35', ['memory', 'cpu-memory-0', 'I/O']],
    ['virt', ['memory', 'cpu-memory-0', 'I/O']],
    ['pseries', ['memory', 'cpu-memory-0', 'I/O', 'pci@800000020000000']],
  ] as const)('%s has the address spaces %j', (type, names) => {
    expect(build(type, 2n * GIB).topology.addressSpaces.map(({ name }) => name)).toEqual(names);
    expect(build(type, 2n * GIB, 'qemu-2.11').topology.addressSpaces[1]!.name).toBe('cpu-memory');
  });

  it.each(TYPES)('%s: RAM and ROM have addresses in the VMM, aligned to huge pages', (type) => {
    const { machine, reserved } = build(type, 2n * GIB);
    expect(reserved[0]).toBeDefined();
    expect(reserved.map(([, alignment]) => alignment)).toEqual(reserved.map(() => RAM_ALIGNMENT));
    expect(reserved.filter(([size]) => size === 2n * GIB)).toHaveLength(1);
    for (const { region } of machine.memory.view.ranges) {
      if (region.isRam || region.kind === 'rom-device') expect(region.hostAddress).toBeDefined();
      else expect(region.hostAddress).toBeUndefined();
    }
  });

  it('has a target page of 4 KiB, and RAM aligned for huge pages of 2 MiB', () => {
    expect([TARGET_PAGE_SIZE, RAM_ALIGNMENT]).toEqual([0x1000n, 2n * MIB]);
    expect(isAligned(RAM_ALIGNMENT, TARGET_PAGE_SIZE)).toBe(true);
  });
});
