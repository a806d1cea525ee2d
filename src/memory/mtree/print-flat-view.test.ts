import { describe, expect, it } from 'vitest';
import { END_OF_SPACE, offset } from '../../address/index.ts';
import { MemoryRegion } from '../memory-region.ts';
import { MemoryTopology } from '../memory-topology.ts';
import { form11, form2_11, form3_1, form4_1, form5_0, mtreeForms } from './mtree-form.ts';
import { printFlatViews } from './print-flat-view.ts';
import { rangeType, regionType } from './region-type.ts';

describe('printFlatViews', () => {
  it('prints nothing without address spaces', () => {
    expect(printFlatViews([], form11)).toBe('');
  });

  it('prints the text of QEMU 11.1.3 for a device on q35 (memory fact 8.11)', () => {
    const topology = new MemoryTopology();
    const system = MemoryRegion.container('system', END_OF_SPACE);
    const base = MemoryRegion.io('vfio-user:/run/x.sock base BAR 1', 0x10000n);
    const bar = MemoryRegion.io('vfio-user:/run/x.sock BAR 1', 0x10000n);
    const mmap = MemoryRegion.ramDevice('vfio-user:/run/x.sock BAR 1 mmaps[0]', 0x10000n);
    topology.addSubregion(bar, mmap, offset(0n));
    topology.addSubregion(base, bar, offset(0n));
    topology.addSubregion(base, MemoryRegion.io('msix-table', 0x600n), offset(0xe000n));
    topology.addSubregion(base, MemoryRegion.io('VFIO MSIX PBA', 0x10n), offset(0xf000n), 1);
    topology.addSubregion(system, base, offset(0x210000000000n), 1);
    topology.addSubregion(system, MemoryRegion.container('pci', END_OF_SPACE), offset(0n), -1);
    topology.createAddressSpace('memory', system);
    expect(printFlatViews(topology.addressSpaces, form11)).toBe(`FlatView #0
 AS "memory", root: system
 Root memory region: system
  0000210000000000-000021000000dfff (prio 0, ramd): vfio-user:/run/x.sock BAR 1 mmaps[0]
  000021000000e000-000021000000e5ff (prio 0, i/o): msix-table
  000021000000e600-000021000000efff (prio 0, ramd): vfio-user:/run/x.sock BAR 1 mmaps[0] @000000000000e600
  000021000000f000-000021000000f00f (prio 1, i/o): VFIO MSIX PBA
  000021000000f010-000021000000ffff (prio 0, ramd): vfio-user:/run/x.sock BAR 1 mmaps[0] @000000000000f010

`);
  });

  it('numbers views by their first address space, and names the target of an alias at the root', () => {
    const topology = new MemoryTopology();
    const ram = MemoryRegion.ram('ram', 0x1000n);
    const master = MemoryRegion.container('bus master container', END_OF_SPACE);
    topology.createAddressSpace('dev', master);
    topology.createAddressSpace('memory', ram);
    topology.createAddressSpace('whole', MemoryRegion.alias('all', ram, offset(0n), 0x1000n));
    topology.createAddressSpace('other', MemoryRegion.container('nothing', 1n));
    topology.createAddressSpace('part', MemoryRegion.alias('half', ram, offset(0x800n), 0x800n));
    expect(printFlatViews(topology.addressSpaces, form11)).toBe(`FlatView #0
 AS "dev", root: bus master container
 AS "other", root: nothing
 Root memory region: (none)
  No rendered FlatView

FlatView #1
 AS "memory", root: ram
 AS "whole", root: all, alias ram
 Root memory region: ram
  0000000000000000-0000000000000fff (prio 0, ram): ram

FlatView #2
 AS "part", root: half, alias ram
 Root memory region: half
  0000000000000000-00000000000007ff (prio 0, ram): ram @0000000000000800

`);
  });

  it('prints nv- for persistent memory from 3.1 on, and rom for a range behind a read-only alias', () => {
    const topology = new MemoryTopology();
    const nvdimm = MemoryRegion.ram('nvdimm', 0x2000n, { nonvolatile: true });
    const system = MemoryRegion.container('system', 0x10000n);
    const locked = MemoryRegion.alias('locked', nvdimm, offset(0n), 0x1000n, { readonly: true });
    topology.addSubregion(system, locked, offset(0n));
    topology.addSubregion(
      system,
      MemoryRegion.alias('open', nvdimm, offset(0x1000n), 0x1000n),
      offset(0x1000n),
    );
    topology.createAddressSpace('memory', system);
    expect(printFlatViews(topology.addressSpaces, form3_1)).toContain(`
  0000000000000000-0000000000000fff (prio 0, nv-rom): nvdimm
  0000000000001000-0000000000001fff (prio 0, nv-ram): nvdimm @0000000000001000
`);
    expect(printFlatViews(topology.addressSpaces, form2_11)).toContain('(prio 0, rom): nvdimm\n');
  });

  it('names the accelerator once for each space in which it has a slot, from 4.1 on', () => {
    const topology = new MemoryTopology();
    const ram = MemoryRegion.ram('pc.ram', 0x1000n);
    for (const name of ['memory', 'cpu-memory-0', 'dev']) topology.createAddressSpace(name, ram);
    const hasMemslot = ({ name }: { name: string }) => name !== 'dev';
    const lineOf = (form: (typeof mtreeForms)[number], options = {}) =>
      printFlatViews(topology.addressSpaces, form, options).split('\n')[5];
    const line = '  0000000000000000-0000000000000fff (prio 0, ram): pc.ram';
    expect(lineOf(form3_1, { hasMemslot })).toBe(line);
    expect(lineOf(form4_1, { hasMemslot })).toBe(`${line} kvm kvm`);
    expect(lineOf(form5_0, { hasMemslot })).toBe(`${line} KVM KVM`);
    expect(lineOf(form5_0)).toBe(line);
  });

  it('prints a range that ends at 2^64', () => {
    const topology = new MemoryTopology();
    const io = MemoryRegion.io('io', END_OF_SPACE);
    const space = topology.createAddressSpace('memory', io);
    expect(printFlatViews([space], form11)).toContain(
      '\n  0000000000000000-ffffffffffffffff (prio 0, container): io\n',
    );
  });
});

describe('regionType', () => {
  it('gives the type of each kind of region', () => {
    const topology = new MemoryTopology();
    const flash = MemoryRegion.romDevice('flash', 1n);
    const regions = [
      MemoryRegion.container('', 1n),
      MemoryRegion.io('', 1n),
      MemoryRegion.ram('', 1n),
      MemoryRegion.rom('', 1n),
      MemoryRegion.ramDevice('', 1n),
      MemoryRegion.ramDevice('', 1n, { readonly: true }),
      flash,
      MemoryRegion.romDevice('', 1n, { readonly: true }),
      MemoryRegion.iommu('', 1n),
      MemoryRegion.alias('', flash, offset(0n), 1n),
    ];
    expect(regions.map((region) => regionType(region, form2_11))).toEqual([
      'i/o',
      'i/o',
      'ram',
      'rom',
      'ramd',
      'ramd',
      'romd',
      'romd',
      'i/o',
      'i/o',
    ]);
    expect(regions.map((region) => regionType(region, form11))).toEqual([
      'container',
      'container',
      'ram',
      'rom',
      'ramd',
      'ramd',
      'romd',
      'romd',
      'container',
      'romd',
    ]);
    topology.setRomdMode(flash, false);
    expect(regionType(flash, form2_11)).toBe('i/o');
    expect(regionType(flash, form11)).toBe('container');
  });
});

describe('rangeType', () => {
  it('gives the type at the time of rendering', () => {
    const topology = new MemoryTopology();
    const flash = MemoryRegion.romDevice('flash', 1n);
    const space = topology.createAddressSpace('memory', flash);
    const [range] = space.view.ranges;
    topology.setRomdMode(flash, false);
    expect(rangeType(range!, form11)).toBe('romd');
    expect(rangeType(space.view.ranges[0]!, form11)).toBe('container');
    topology.setReadonly(flash, true);
    expect(rangeType(space.view.ranges[0]!, form11)).toBe('rom');
  });
});
