import { describe, expect, it } from 'vitest';
import { FlatViewReader } from './flat-view-reader.ts';

const text = (priority = 0, more = ''): string => `FlatView #0
 AS "I/O", root: io
 Root memory region: io
  0000000000000000-000000000000ffff (prio 0, i/o): io

FlatView #1
 AS "memory", root: system
 AS "cpu-memory-0", root: system
 Root memory region: system
  0000000000000000-00000000000bffff (prio 0, ram): pc.ram
  00000000000e0000-00000000000fffff (prio 1, rom): pc.bios @0000000000020000
  00000000e0000000-00000000e0000fff (prio ${priority}, ramd): vfio-user:/tmp/x/d0 BAR 0 mmaps[0] owner:{dev id=d0}
  00000000e0001000-00000000e0001fff (prio 0, i/o): msix-table owner:{dev id=d0}
${more}
`;

const makeReader = () =>
  new FlatViewReader(
    (name) => name.replace('vfio-user:/tmp/x/d0', 'dev0'),
    (id) => (id === 'd0' ? 'dev0' : undefined),
  );

describe('FlatViewReader', () => {
  it('names the interrupt controllers of KVM as those of a QEMU without KVM', () => {
    const lines = ['kvm-ioapic', 'kvm-apic-msi', 'kvm-other'].map(
      (name, index) => `  000000000${index}000000-000000000${index}000fff (prio 0, i/o): ${name}`,
    );
    const views = `FlatView #0\n AS "memory", root: system\n Root memory region: system\n${lines.join('\n')}\n`;
    const { memory } = makeReader().read(views);
    expect(memory.map(({ region }) => region.name)).toEqual(['ioapic', 'apic-msi', 'kvm-other']);
  });

  it('reads system memory with the names and owners of the scenario', () => {
    const { memory, dma } = makeReader().read(text());
    expect(dma).toBe(memory);
    expect(
      memory.map(({ start, end, region, offset, readonly }) => [start, end, region, offset, readonly]),
    ).toEqual([
      [0n, 0xc_0000n, { name: 'pc.ram', owner: undefined, kind: 'ram' }, 0n, false],
      [0xe_0000n, 0x10_0000n, { name: 'pc.bios', owner: undefined, kind: 'ram' }, 0x2_0000n, true],
      [
        0xe000_0000n,
        0xe000_1000n,
        { name: 'dev0 BAR 0 mmaps[0]', owner: 'dev0', kind: 'ram-device' },
        0n,
        false,
      ],
      [0xe000_1000n, 0xe000_2000n, { name: 'msix-table', owner: 'dev0', kind: 'io' }, 0n, false],
    ]);
  });

  it('gives the same objects for ranges that have not changed', () => {
    const reader = makeReader();
    const first = reader.read(text());
    expect(reader.read(text())).toBe(first);
    expect(reader.read(text(0, '\nFlatView #2\n AS "other", root: x\n Root memory region: x\n')).memory).toBe(
      first.memory,
    );
    const second = reader.read(text(1)).memory;
    expect(second).not.toBe(first.memory);
    expect(second[0]).toBe(first.memory[0]);
    expect(second[2]).not.toBe(first.memory[2]);
    expect(second[2]!.region).toBe(first.memory[2]!.region);
  });

  it('reads the DMA space of an sPAPR bridge, and its TCE windows as IOMMU regions', () => {
    const bridge = `
FlatView #2
 AS "pci@800000020000000", root: pci@800000020000000.iommu-root
 Root memory region: pci@800000020000000.iommu-root
  0000000000000000-000000003fffffff (prio 0, i/o): tce-iommu-80000000
`;
    const { memory, dma } = makeReader().read(text(0, bridge));
    expect(memory.length).toBe(4);
    expect(dma.map(({ region }) => region.kind)).toEqual(['iommu']);
  });

  it('throws for a text without system memory', () => {
    expect(() => makeReader().read('FlatView #0\n AS "I/O", root: io\n Root memory region: io\n')).toThrow(
      /no address space "memory"/,
    );
  });
});
