import { describe, expect, it } from 'vitest';
import { readSource, type ReadSource } from './read-source.ts';
import {
  BRIDGE,
  DENIED,
  DISK_V,
  DISTORTIONS,
  FLAT,
  NIC,
  TREE,
  WITHOUT_SIZES,
  configBytes,
  hexRows,
} from './testing/texts.ts';

const read = (text: string): ReadSource => readSource({ name: 'text', text });

describe.each(Object.entries({ NIC, DISK_V, DENIED, WITHOUT_SIZES, BRIDGE, TREE, FLAT }))(
  'readSource reads %s the same',
  (_, text) => {
    const plain = read(text);

    it('as text without distortions: a device or a dump', () => {
      expect(plain.devices.length + Number(plain.dump !== undefined)).toBe(1);
      expect(plain.dump?.faults ?? []).toEqual([]);
    });

    it.each(Object.entries(DISTORTIONS))('with %s', (__, distort) => {
      const found = read(distort(text));
      expect(found.devices.map((device) => ({ ...device, title: '' }))).toEqual(
        plain.devices.map((device) => ({ ...device, title: '' })),
      );
      expect(found.dump?.tree).toEqual(plain.dump?.tree);
      expect(found.dump?.views).toEqual(plain.dump?.views);
    });

    it('with its indent lost, where the addresses say what lies in what', () => {
      const found = read(
        text
          .split('\n')
          .map((line) => line.trimStart())
          .join('\n'),
      );
      expect(found.devices).toEqual(plain.devices);
      expect(found.dump?.views).toEqual(plain.dump?.views);
    });
  },
);

describe('readSource reads a device from', () => {
  it('lspci -vv: the BARs, and not those of its virtual functions', () => {
    const [device] = read(NIC).devices;
    expect(device).toMatchObject({
      address: '05:00.0',
      vendorId: 0x1234,
      deviceId: 0x5678,
      bars: [
        { index: 0, size: 0x40_0000n, width: 64, prefetchable: true, address: 0x60_0480_0000n },
        { index: 4, size: 0x4000n, width: 64 },
      ],
      msix: { vectors: 64, table: { bar: 4, offset: 0n }, pba: { bar: 4, offset: 0x2000n } },
      capabilities: 'in full',
      driver: 'testnic',
      iommuGroup: '23',
    });
  });

  it('lspci -v: indexes are counted, two for a BAR of 64 bits', () => {
    expect(read(DISK_V).devices[0]).toMatchObject({
      countedIndexes: true,
      capabilities: 'names',
      bars: [{ index: 0 }, { index: 2, space: 'io' }],
      msix: { vectors: 33, table: undefined, pba: undefined },
    });
  });

  it('lspci -v -xxx: the registers give the indexes and the place of the table', () => {
    const text = `02:00.0 Class 0108: 1234:5678\n\tMemory at 50000000 (64-bit, prefetchable) [size=64K]\n${hexRows(configBytes())}\n`;
    expect(read(text).devices[0]).toMatchObject({
      countedIndexes: false,
      bars: [{ index: 0, size: 0x1_0000n }],
      msix: { vectors: 9, table: { bar: 0, offset: 0x2000n }, pba: { bar: 0, offset: 0x3000n } },
    });
  });

  it.each([
    [
      'xxd',
      (row: string, at: number) =>
        `${at.toString(16).padStart(8, '0')}: ${row
          .replaceAll(' ', '')
          .replaceAll(/(.{4})/g, '$1 ')
          .trim()}  ................`,
    ],
    [
      'hexdump -C',
      (row: string, at: number) =>
        `${at.toString(16).padStart(8, '0')}  ${row.slice(0, 23)}  ${row.slice(24)}  |................|`,
    ],
    ['od -Ax -tx1', (row: string, at: number) => `${at.toString(16).padStart(6, '0')} ${row}`],
  ])('%s of a configuration space', (_, form) => {
    const text = hexRows(configBytes())
      .split('\n')
      .map((row, index) => form(row.slice(4), index * 16))
      .join('\n');
    expect(read(text).devices[0]).toMatchObject({ vendorId: 0x1234, msix: { vectors: 9 } });
  });

  it('raw bytes of a configuration space', () => {
    const { devices } = readSource({
      name: 'config',
      text: '',
      config: configBytes(),
      address: '0000:01:00.0',
    });
    expect(devices[0]).toMatchObject({
      address: '0000:01:00.0',
      deviceId: 0x5678,
      bars: [{ index: 0, width: 64 }],
    });
  });

  it('bytes that are all ones: the device does not answer', () => {
    const { devices } = readSource({ name: 'config', text: '', config: new Uint8Array(256).fill(0xff) });
    expect(devices[0]?.isSilent).toBe(true);
  });

  it('the file `resource` of sysfs', () => {
    const text = [
      '0x0000006004800000 0x0000006004bfffff 0x000000000014220c',
      '0x0000000000000000 0x0000000000000000 0x0000000000000000',
      '0x0000000000003000 0x00000000000030ff 0x0000000000040101',
    ].join('\n');
    expect(read(text).devices[0]?.bars).toMatchObject([
      { index: 0, size: 0x40_0000n, width: 64, prefetchable: true },
      { index: 2, size: 0x100n, space: 'io' },
    ]);
  });

  it.each([
    [
      'a domain of five digits',
      '10000:e1:00.0 Class: x\n\tRegion 0: Memory at 50000000 (32-bit, non-prefetchable) [size=4K]',
      '10000:e1:00.0',
    ],
    [
      'a list mark',
      '- 01:00.0 VGA compatible controller: x\n  Memory at 50000000 (32-bit, non-prefetchable) [size=4K]',
      '01:00.0',
    ],
    [
      'capital letters',
      '0A:00.1 VGA: x\n  Memory at 50000000 (32-bit, non-prefetchable) [size=4K]',
      '0a:00.1',
    ],
  ])('a heading with %s', (_, text, address) => {
    expect(read(text).devices[0]?.address).toBe(address);
  });

  it.each([
    [
      '[virtual] in front',
      '[virtual] Memory at 50000000 (64-bit, prefetchable) [size=16K]',
      0x4000n,
      0x5000_0000n,
    ],
    ['no address', 'Memory at <unassigned> (64-bit, prefetchable) [size=1M]', 0x10_0000n, undefined],
    [
      'an ignored address',
      'Memory at <ignored> (64-bit, prefetchable) [disabled] [size=2G]',
      0x8000_0000n,
      undefined,
    ],
    ['a size in bytes', 'Memory at 000001f0 (32-bit, non-prefetchable) [virtual] [size=8]', 8n, 0x1f0n],
    [
      'a size in terabytes',
      'Memory at 4000000000000000 (64-bit, prefetchable) [size=2T]',
      1n << 41n,
      1n << 62n,
    ],
  ])('a BAR with %s', (_, line, size, address) => {
    expect(read(`01:00.0 Class: x\n\tRegion 2: ${line}`).devices[0]?.bars).toMatchObject([
      { index: 2, size, address },
    ]);
  });

  it('the BARs of Enhanced Allocation', () => {
    const text =
      '01:00.0 Class: x\n\tCapabilities: [98] Enhanced Allocation (EA): NumEntries=1\n\t\tEntry 0: Enable+ Writable- EntrySize=3\n\t\t\t BAR Equivalent Indicator: BAR 4\n\t\t\t PrimaryProperties: memory space, non-prefetchable\n\t\t\t SecondaryProperties: entry unavailable for use, PrimaryProperties should be used\n\t\t\t Base: 843060000000\n\t\t\t MaxOffset: 000fffff\n';
    expect(read(text).devices[0]?.bars).toMatchObject([
      { index: 4, size: 0x10_0000n, address: 0x8430_6000_0000n },
    ]);
  });
});

describe('readSource reads a dump', () => {
  const oneRange = '0000000000000000-0000000000000fff (prio 0, ram): r';

  it.each([
    ['without FlatView heading', ` Root memory region: system\n  ${oneRange}\n`],
    [
      'with a common indent',
      `   FlatView #3\n    AS "memory", root: system\n    Root memory region: system\n     ${oneRange}\n`,
    ],
    ['of QEMU 2.9, a view for each space', `address-space (flat view): memory\n  ${oneRange}\n\n`],
    [
      'with its dispatch tree',
      `FlatView #0\n AS "memory", root: system\n Root memory region: system\n  ${oneRange}\n  Dispatch\n    Physical sections\n      #0 @0000000000000000..ffffffffffffffff (noname) [unassigned]\n    Nodes (9 bits per level, 6 levels) ptr=[3] skip=4\n`,
    ],
  ])('of a flat view %s', (_, text) => {
    expect(read(text).dump?.views.map(({ ranges }) => ranges.map(({ name, end }) => [name, end]))).toEqual([
      [['r', 0xfffn]],
    ]);
  });

  it('with the word of KVM on a wrapped line', () => {
    const text =
      '> FlatView #0\n>  AS "memory", root: system\n>  Root memory region: system\n>   00000000febc0000-00000000febc0fff (prio 0, ramd): 0000:00:1a.0 BAR 0\n> mmaps[0] kvm\n';
    expect(read(text).dump?.views[0]?.ranges).toMatchObject([
      { name: '0000:00:1a.0 BAR 0 mmaps[0]', accelerators: ['kvm'] },
    ]);
  });

  it('of a fragment: the first line is the root of a part of a tree', () => {
    const lines = TREE.split('\n').slice(5, 9);
    const { dump } = read(lines.join('\n'));
    const [space] = dump!.tree!.addressSpaces;
    expect(space!.root.children).toMatchObject([
      { name: '0000:c8:00.0 base BAR 0', children: [{ name: '0000:c8:00.0 BAR 0' }, { name: 'msix-table' }] },
    ]);
    expect(dump!.notes.join()).toContain('fragment');
  });

  it('with blank lines inside a tree', () => {
    const text = TREE.replace('      0000004800040000', '\n      0000004800040000');
    expect(read(text).dump?.tree).toEqual(read(TREE).dump?.tree);
  });

  it('of QEMU 2.8 without types: R- is a ROM, and RW nothing that is known', () => {
    const text =
      'address-space: memory\n  0000000000000000-ffffffffffffffff (prio 0, RW): system\n    00000000fffc0000-00000000ffffffff (prio 0, R-): pc.bios\n';
    const { dump } = read(text);
    expect(dump).toMatchObject({ hasTypes: false });
    expect(dump!.tree!.addressSpaces[0]!.root.children).toMatchObject([{ name: 'pc.bios', type: 'rom' }]);
  });

  it('and says which line has a form that QEMU does not print', () => {
    const { dump } = read('address-space: memory\n  0000000000000000-0000000000000fff (prio 0, marble): r\n');
    expect(dump?.faults.join()).toContain('marble');
  });
});

describe('readSource reads a device', () => {
  it('whose lines a web form has run together', () => {
    expect(read(NIC.replaceAll(/\s+/g, ' ')).devices).toMatchObject(
      read(NIC).devices.map(({ bars, msix }) => ({ bars, msix })),
    );
  });

  it('whose last BAR stands in front of a virtual ROM, which is no mark of the BAR', () => {
    const text =
      '03:00.0 RAID bus controller: Example\n\tRegion 4: I/O ports at 1000 [size=256]\n\t[virtual] Expansion ROM at 92b00000 [disabled] [size=512K]\n';
    expect(read(text).devices[0]!.bars).toMatchObject([{ index: 4, marks: [] }]);
  });
});

describe('readSource', () => {
  it.each(['00', '0000:00'])('takes no address of a device for the number of a line: %s', (bus) => {
    const lines = ['00.0 Host bridge: A', '02.0 VGA compatible controller: B', '1f.0 ISA bridge: C'];
    const found = read(lines.map((line) => `${bus}:${line}`).join('\n'));
    expect(found.devices.map(({ address }) => address)).toEqual([
      `${bus}:00.0`,
      `${bus}:02.0`,
      `${bus}:1f.0`,
    ]);
  });

  it('reads the answer of QMP to a command of the monitor', () => {
    const text = JSON.stringify({ return: FLAT.replaceAll('\n', '\r\n'), id: 'libvirt-7' });
    expect(read(text).dump?.views).toEqual(read(FLAT).dump?.views);
  });
});
