import { describe, expect, it } from 'vitest';
import { END_OF_SPACE, LAST_ADDRESS, offset } from '../../address/index.ts';
import { MemoryRegion } from '../memory-region.ts';
import { MemoryTopology } from '../memory-topology.ts';
import { form10, form11, form2_11, form3_1, form5_0, form5_1, form7_0 } from './mtree-form.ts';
import { printFlatViews } from './print-flat-view.ts';
import { printTree } from './print-tree.ts';

const at = (address: bigint) => offset(address);

/** Adds `region` to `container`, and returns it. */
function put(
  topology: MemoryTopology,
  container: MemoryRegion,
  region: MemoryRegion,
  address: bigint,
  priority = 0,
): MemoryRegion {
  topology.addSubregion(container, region, at(address), priority);
  return region;
}

interface SeedMachine {
  readonly topology: MemoryTopology;
  readonly pci: MemoryRegion;
  readonly bar1: MemoryRegion;
}

/** The pseries machine of the seed thread: RAM, the PHB's window, and two BARs. */
function seedMachine(): SeedMachine {
  const topology = new MemoryTopology();
  const system = MemoryRegion.container('system', END_OF_SPACE);
  const pci = MemoryRegion.container('pci@800000020000000.mmio', END_OF_SPACE);
  put(topology, system, MemoryRegion.ram('ppc_spapr.ram', 0x80000000n), 0n);
  const window = MemoryRegion.alias('pci@800000020000000.mmio64-alias', pci, at(0x210000000000n), 1n << 40n);
  put(topology, system, window, 0x210000000000n);
  const bar1 = put(topology, pci, MemoryRegion.io('0001:03:00.0 BAR 1', 0x10000n), 0x210000000000n, 1);
  const bar3 = put(topology, pci, MemoryRegion.io('0001:03:00.0 BAR 3', 0x40000n), 0x210000040000n, 1);
  put(topology, bar3, MemoryRegion.ramDevice('0001:03:00.0 BAR 3 mmaps[0]', 0x40000n), 0n);
  topology.createAddressSpace('memory', system);
  topology.createAddressSpace('cpu-memory', system);
  return { topology, pci, bar1 };
}

/** Adds table and PBA where the device of the seed thread has them; the PBA is disabled. */
function addMsix(topology: MemoryTopology, container: MemoryRegion): MemoryRegion {
  const table = put(topology, container, MemoryRegion.io('msix-table', 0x600n), 0xe000n);
  const pba = put(topology, container, MemoryRegion.io('msix-pba', 0x10n), 0xf000n);
  topology.setEnabled(pba, false);
  return table;
}

const sectionOf = (topology: MemoryTopology): string => {
  const text = printTree(topology.addressSpaces, form2_11);
  return text.slice(text.indexOf('memory-region: '));
};

describe('printTree and printFlatViews print the dumps of the seed thread in the form of 2.11', () => {
  it('as they were before the patch', () => {
    const { topology, bar1 } = seedMachine();
    addMsix(topology, bar1);
    expect(sectionOf(topology)).toBe(`memory-region: pci@800000020000000.mmio
  0000000000000000-ffffffffffffffff (prio 0, i/o): pci@800000020000000.mmio
    0000210000000000-000021000000ffff (prio 1, i/o): 0001:03:00.0 BAR 1
      000021000000e000-000021000000e5ff (prio 0, i/o): msix-table
      000021000000f000-000021000000f00f (prio 0, i/o): msix-pba [disabled]
    0000210000040000-000021000007ffff (prio 1, i/o): 0001:03:00.0 BAR 3
      0000210000040000-000021000007ffff (prio 0, ramd): 0001:03:00.0 BAR 3 mmaps[0]

`);
    expect(printFlatViews(topology.addressSpaces, form2_11)).toBe(`FlatView #0
 AS "memory", root: system
 AS "cpu-memory", root: system
 Root memory region: system
  0000000000000000-000000007fffffff (prio 0, ram): ppc_spapr.ram
  0000210000000000-000021000000dfff (prio 1, i/o): 0001:03:00.0 BAR 1
  000021000000e000-000021000000e5ff (prio 0, i/o): msix-table
  000021000000e600-000021000000ffff (prio 1, i/o): 0001:03:00.0 BAR 1 @000000000000e600
  0000210000040000-000021000007ffff (prio 0, ramd): 0001:03:00.0 BAR 3 mmaps[0]

`);
  });

  it('as they were after the patch', () => {
    const { topology, bar1 } = seedMachine();
    const mmap = put(topology, bar1, MemoryRegion.ramDevice('0001:03:00.0 BAR 1 mmaps[0]', 0x10000n), 0n);
    const table = addMsix(topology, mmap);
    topology.setEnabled(table, false);
    expect(sectionOf(topology)).toBe(`memory-region: pci@800000020000000.mmio
  0000000000000000-ffffffffffffffff (prio 0, i/o): pci@800000020000000.mmio
    0000210000000000-000021000000ffff (prio 1, i/o): 0001:03:00.0 BAR 1
      0000210000000000-000021000000ffff (prio 0, ramd): 0001:03:00.0 BAR 1 mmaps[0]
        000021000000e000-000021000000e5ff (prio 0, i/o): msix-table [disabled]
        000021000000f000-000021000000f00f (prio 0, i/o): msix-pba [disabled]
    0000210000040000-000021000007ffff (prio 1, i/o): 0001:03:00.0 BAR 3
      0000210000040000-000021000007ffff (prio 0, ramd): 0001:03:00.0 BAR 3 mmaps[0]

`);
    // The thread has this view as number 2, because QEMU numbers views in the order of a hash table.
    expect(printFlatViews(topology.addressSpaces, form2_11)).toBe(`FlatView #0
 AS "memory", root: system
 AS "cpu-memory", root: system
 Root memory region: system
  0000000000000000-000000007fffffff (prio 0, ram): ppc_spapr.ram
  0000210000000000-000021000000ffff (prio 0, ramd): 0001:03:00.0 BAR 1 mmaps[0]
  0000210000040000-000021000007ffff (prio 0, ramd): 0001:03:00.0 BAR 3 mmaps[0]

`);
  });

  it('as they were after the patch with MSI-X emulation enabled', () => {
    const { topology, bar1 } = seedMachine();
    const mmap = put(topology, bar1, MemoryRegion.ramDevice('0001:03:00.0 BAR 1 mmaps[0]', 0x10000n), 0n);
    addMsix(topology, mmap);
    expect(sectionOf(topology)).toBe(`memory-region: pci@800000020000000.mmio
  0000000000000000-ffffffffffffffff (prio 0, i/o): pci@800000020000000.mmio
    0000210000000000-000021000000ffff (prio 1, i/o): 0001:03:00.0 BAR 1
      0000210000000000-000021000000ffff (prio 0, ramd): 0001:03:00.0 BAR 1 mmaps[0]
        000021000000e000-000021000000e5ff (prio 0, i/o): msix-table
        000021000000f000-000021000000f00f (prio 0, i/o): msix-pba [disabled]
    0000210000040000-000021000007ffff (prio 1, i/o): 0001:03:00.0 BAR 3
      0000210000040000-000021000007ffff (prio 0, ramd): 0001:03:00.0 BAR 3 mmaps[0]

`);
    expect(printFlatViews(topology.addressSpaces, form2_11)).toBe(`FlatView #0
 AS "memory", root: system
 AS "cpu-memory", root: system
 Root memory region: system
  0000000000000000-000000007fffffff (prio 0, ram): ppc_spapr.ram
  0000210000000000-000021000000dfff (prio 0, ramd): 0001:03:00.0 BAR 1 mmaps[0]
  000021000000e000-000021000000e5ff (prio 0, i/o): msix-table
  000021000000e600-000021000000ffff (prio 0, ramd): 0001:03:00.0 BAR 1 mmaps[0] @000000000000e600
  0000210000040000-000021000007ffff (prio 0, ramd): 0001:03:00.0 BAR 3 mmaps[0]

`);
  });
});

describe('printTree', () => {
  it('prints nothing without address spaces', () => {
    expect(printTree([], form11)).toBe('');
  });

  it('prints container for a region outside any container from 11 on, and the target type of an alias from 5.0 on', () => {
    const topology = new MemoryTopology();
    const system = MemoryRegion.container('system', END_OF_SPACE);
    const ram = MemoryRegion.ram('pc.ram', 0x2000n);
    const inner = put(topology, system, MemoryRegion.container('pci', 0x10000n), 0x10000n, -1);
    put(topology, system, MemoryRegion.alias('low', ram, at(0x1000n), 0x1000n), 0n);
    put(topology, system, MemoryRegion.alias('window', inner, at(0n), 0x1000n), 0x1000n, 2);
    put(topology, system, MemoryRegion.alias('twice', system.subregions[1]!, at(0n), 0x1000n), 0x2000n);
    topology.createAddressSpace('memory', system);
    const lines = (type: string, low: string) => `address-space: memory
  0000000000000000-ffffffffffffffff (prio 0, ${type}): system
    0000000000000000-0000000000000fff (prio 0, ${low}): alias low @pc.ram 0000000000001000-0000000000001fff
    0000000000001000-0000000000001fff (prio 2, i/o): alias window @pci 0000000000000000-0000000000000fff
    0000000000002000-0000000000002fff (prio 0, ${low}): alias twice @low 0000000000000000-0000000000000fff
    0000000000010000-000000000001ffff (prio -1, i/o): pci

memory-region: pc.ram
  0000000000000000-0000000000001fff (prio 0, ram): pc.ram

memory-region: pci
  0000000000010000-000000000001ffff (prio -1, i/o): pci

memory-region: low
  0000000000000000-0000000000000fff (prio 0, ${low}): alias low @pc.ram 0000000000001000-0000000000001fff

`;
    expect(printTree(topology.addressSpaces, form2_11)).toBe(lines('i/o', 'i/o'));
    expect(printTree(topology.addressSpaces, form5_0)).toBe(lines('i/o', 'ram'));
    expect(printTree(topology.addressSpaces, form10)).toBe(lines('i/o', 'ram'));
    expect(printTree(topology.addressSpaces, form11)).toBe(lines('container', 'ram'));
  });

  it('omits disabled regions from 5.1 on, but neither their children nor the targets of their aliases', () => {
    const topology = new MemoryTopology();
    const io = MemoryRegion.io('io', 0x10000n);
    const shown = MemoryRegion.io('shown', 8n);
    const pm = put(topology, io, MemoryRegion.container('ich9-pm', 0x80n), 0x600n);
    put(topology, pm, MemoryRegion.io('acpi-evt', 4n), 0n);
    topology.setEnabled(pm, false);
    const alias = put(topology, io, MemoryRegion.alias('unused', shown, at(0n), 8n), 0x700n);
    topology.setEnabled(alias, false);
    topology.createAddressSpace('I/O', io);
    const all = `address-space: I/O
  0000000000000000-000000000000ffff (prio 0, i/o): io
    0000000000000600-000000000000067f (prio 0, i/o): ich9-pm [disabled]
      0000000000000600-0000000000000603 (prio 0, i/o): acpi-evt
    0000000000000700-0000000000000707 (prio 0, i/o): alias unused @shown 0000000000000000-0000000000000007 [disabled]

memory-region: shown
  0000000000000000-0000000000000007 (prio 0, i/o): shown

`;
    expect(printTree(topology.addressSpaces, form5_0)).toBe(all);
    expect(printTree(topology.addressSpaces, form5_1, { disabled: true })).toBe(all);
    expect(printTree(topology.addressSpaces, form5_1, { disabled: false })).toBe(`address-space: I/O
  0000000000000000-000000000000ffff (prio 0, i/o): io
      0000000000000600-0000000000000603 (prio 0, i/o): acpi-evt

memory-region: shown
  0000000000000000-0000000000000007 (prio 0, i/o): shown

`);
  });

  it('marks regions that wrap behind the indent up to 5.0, and before it, even without a line, from 5.1 on', () => {
    const topology = new MemoryTopology();
    const system = MemoryRegion.container('system', END_OF_SPACE);
    const window = put(topology, system, MemoryRegion.container('window', END_OF_SPACE), 0x600000000n);
    put(topology, window, MemoryRegion.io('wraps', 0x10n), LAST_ADDRESS);
    const hidden = put(topology, system, MemoryRegion.container('hidden', END_OF_SPACE), 0x700000000n);
    topology.setEnabled(hidden, false);
    topology.createAddressSpace('memory', system);
    expect(printTree(topology.addressSpaces, form5_0)).toBe(`address-space: memory
  0000000000000000-ffffffffffffffff (prio 0, i/o): system
    [DETECTED OVERFLOW!] 0000000600000000-00000005ffffffff (prio 0, i/o): window
      [DETECTED OVERFLOW!] 00000005ffffffff-000000060000000e (prio 0, i/o): wraps
    [DETECTED OVERFLOW!] 0000000700000000-00000006ffffffff (prio 0, i/o): hidden [disabled]

`);
    expect(printTree(topology.addressSpaces, form5_1)).toBe(`address-space: memory
  0000000000000000-ffffffffffffffff (prio 0, i/o): system
[DETECTED OVERFLOW!]     0000000600000000-00000005ffffffff (prio 0, i/o): window
[DETECTED OVERFLOW!]       00000005ffffffff-000000060000000e (prio 0, i/o): wraps
[DETECTED OVERFLOW!]${' '}
`);
  });

  it('groups address spaces by root from 7.0 on, with sorted names', () => {
    const topology = new MemoryTopology();
    const system = MemoryRegion.container('system', 0x1000n);
    const io = MemoryRegion.container('io', 0x10n);
    topology.createAddressSpace('memory', system);
    topology.createAddressSpace('I/O', io);
    topology.createAddressSpace('cpu-memory-0', system);
    const tree = '  0000000000000000-0000000000000fff (prio 0, i/o): system';
    const ports = 'address-space: I/O\n  0000000000000000-000000000000000f (prio 0, i/o): io\n\n';
    expect(printTree(topology.addressSpaces, form5_1)).toBe(
      `address-space: memory\n${tree}\n\n${ports}address-space: cpu-memory-0\n${tree}\n\n`,
    );
    expect(printTree(topology.addressSpaces, form7_0)).toBe(
      `address-space: cpu-memory-0\naddress-space: memory\n${tree}\n\n${ports}`,
    );
  });

  it('prints nv- for persistent memory from 3.1 on', () => {
    const topology = new MemoryTopology();
    const nvdimm = MemoryRegion.ram('nvdimm', 0x1000n, { nonvolatile: true });
    topology.createAddressSpace('memory', MemoryRegion.alias('view', nvdimm, at(0n), 0x1000n));
    expect(printTree(topology.addressSpaces, form2_11)).not.toContain('nv-');
    expect(printTree(topology.addressSpaces, form3_1)).toContain('(prio 0, nv-ram): nvdimm');
    expect(printTree(topology.addressSpaces, form3_1)).toContain('(prio 0, i/o): alias view');
  });

  it('sorts siblings by address, then by priority, then in rendering order', () => {
    const topology = new MemoryTopology();
    const root = MemoryRegion.container('root', 0x10000n);
    put(topology, root, MemoryRegion.io('last', 1n), 0x2000n, 5);
    put(topology, root, MemoryRegion.io('low', 1n), 0x1000n, -1);
    put(topology, root, MemoryRegion.io('older', 1n), 0x1000n, 1);
    put(topology, root, MemoryRegion.io('newer', 1n), 0x1000n, 1);
    put(topology, root, MemoryRegion.io('empty', 0n), 0x800n);
    topology.createAddressSpace('memory', root);
    const order = [...printTree(topology.addressSpaces, form11).matchAll(/: (\w+)$/gm)].map(
      ([, name]) => name,
    );
    expect(order).toEqual(['memory', 'root', 'empty', 'newer', 'older', 'low', 'last']);
    expect(printTree(topology.addressSpaces, form11)).toContain(
      '0000000000000800-0000000000000800 (prio 0, i/o): empty',
    );
  });
});
