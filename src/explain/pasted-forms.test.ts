import { describe, expect, it } from 'vitest';
import type { DeviceAnswer } from './device/explain-device.ts';
import { explain } from './index.ts';
import type { DumpAnswer } from './mtree/explain-dump.ts';

const answersTo = (text: string) => explain([{ name: 'the text', text }]).answers;
const dumpIn = (text: string): DumpAnswer =>
  answersTo(text).find((one): one is DumpAnswer => one.kind === 'dump')!;
const deviceIn = (text: string): DeviceAnswer =>
  answersTo(text).find((one): one is DeviceAnswer => one.kind === 'device')!;
const mapped = (text: string): readonly string[] =>
  dumpIn(text).ranges.flatMap(({ range, dma }) =>
    dma?.startsWith('mapped') === true ? [`${range.start.toString(16)} ${range.name}`] : [],
  );

const RAM = '  0000000000000000-00000000bfffffff (prio 0, ram): pc.ram';
const BAR = '  00000000fe000000-00000000fe003fff (prio 0, ramd): 0000:01:00.0 BAR 0 mmaps[0]';
const VIEW = `FlatView #0\n AS "memory", root: system\n Root memory region: system\n`;

describe('explain reads a dump', () => {
  it.each([
    ['with prompts of hmp-shell', `hmp_shell/windows10> info mtree -f\n${VIEW}${RAM}\n${BAR}\n`],
    [
      'by virsh',
      `[root@host ~]# virsh qemu-monitor-command win10 --hmp 'info mtree -f'\n${VIEW}${RAM}\n${BAR}\n`,
    ],
    [
      'behind the banner of the monitor',
      `QEMU 9.2.0 monitor - type 'help' for more information\n(qemu) info mtree -f\n${VIEW}${RAM}\n${BAR}\n(qemu) quit\n`,
    ],
    ['with owners', `${VIEW}${RAM} owner:{obj path=/objects/pc.ram}\n${BAR} owner:{dev id=hostdev0}\n`],
    [
      'with its dispatch tree, which is no rest of a line',
      `(qemu) info mtree -f -d\n${VIEW}${RAM}\n${BAR}\n  Dispatch\n    Physical sections\n      #0 @0000000000000000..ffffffffffffffff (noname) [unassigned]\n    Nodes (9 bits per level, 6 levels) ptr=[3] skip=4\n      [0]\n          0       skip=3  ptr=[3]\n`,
    ],
    [
      'in a session of QMP',
      `{"QMP": {"version": {"qemu": {"micro": 0, "minor": 2, "major": 9}}}}\n{"execute": "human-monitor-command", "arguments": {"command-line": "info mtree -f"}}\n${JSON.stringify({ return: `${VIEW}${RAM}\n${BAR}\n`.replaceAll('\n', '\r\n'), id: 'libvirt-12' })}\n`,
    ],
    [
      'whose new lines stand behind a plus',
      `${VIEW}${RAM}\n   ...\n-  00000000fe000000-00000000fe003fff (prio 0, i/o): 0000:01:00.0 BAR 0\n+${BAR}\n`,
    ],
    [
      'with marks of Markdown',
      `${VIEW}${RAM}\n${BAR}\n`.replaceAll('[', '\\[').replaceAll(']', '\\]').replaceAll('"', '\\"'),
    ],
  ])('%s', (_, text) => {
    expect(mapped(text).map((line) => line.replaceAll('\\', ''))).toEqual([
      '0 pc.ram',
      'fe000000 0000:01:00.0 BAR 0 mmaps[0]',
    ]);
    expect(dumpIn(text).notes.join()).not.toContain('wrapped');
  });

  it('of which a writer shows several parts, each with its own indent', () => {
    const text = `I see:
      0000004800040000-0000004800047fff (prio 1, i/o): 0000:c8:00.0 base BAR 0
        0000004800040000-0000004800047fff (prio 0, i/o): 0000:c8:00.0 BAR 0
          0000004800040000-0000004800047fff (prio 0, ramd): 0000:c8:00.0 BAR 0 mmaps[0]
        0000004800043000-0000004800043fff (prio 0, i/o): msix-table
and
    0000004800068000-000000480006bfff (prio 1, i/o): 0000:03:00.0 base BAR 0
      0000004800068000-000000480006bfff (prio 0, i/o): 0000:03:00.0 BAR 0
        0000004800068000-000000480006bfff (prio 0, ramd): 0000:03:00.0 BAR 0 mmaps[0]
      000000480006b000-000000480006bfff (prio 0, i/o): msix-table
`;
    expect(mapped(text)).toEqual([
      '4800040000 0000:c8:00.0 BAR 0 mmaps[0]',
      '4800044000 0000:c8:00.0 BAR 0 mmaps[0]',
      '4800068000 0000:03:00.0 BAR 0 mmaps[0]',
    ]);
  });

  it('of riscv, whose BARs stand behind an alias of the PCI window', () => {
    const text = `address-space: memory
  0000000000000000-ffffffffffffffff (prio 0, i/o): system
    0000000080000000-00000000ffffffff (prio 0, ram): riscv_virt_board.ram
    0000000400000000-00000007ffffffff (prio 0, i/o): alias pcie-mmio-high @gpex_mmio_window 0000000400000000-00000007ffffffff

memory-region: gpex_mmio_window
  0000000000000000-ffffffffffffffff (prio 0, i/o): gpex_mmio_window
    0000000400000000-0000000400003fff (prio 1, i/o): 0000:01:00.0 base BAR 0
      0000000400000000-0000000400003fff (prio 0, ramd): 0000:01:00.0 BAR 0 mmaps[0]
`;
    expect(mapped(text)).toEqual(['80000000 riscv_virt_board.ram', '400000000 0000:01:00.0 BAR 0 mmaps[0]']);
  });

  it('of a machine without a name, whose RAM no x86 has there', () => {
    const text = `${VIEW}  0000000080000000-00000000ffffffff (prio 0, ram): board.ram\n`;
    const { host, refusal } = dumpIn(text);
    expect(host).toMatchObject({ host: { id: 'arm64-4k' } });
    expect(refusal).toBeUndefined();
  });

  it('of POWER, and says that devices see another view', () => {
    const text = `${VIEW}  0000000000000000-00000000ffffffff (prio 0, ram): ppc_spapr.ram kvm\n`;
    expect(dumpIn(text).missing).toContain('DMA windows');
  });

  it('of empty spaces, and says so', () => {
    const text = 'FlatView #0\n AS "hpb", root: bus master container\n No rendered FlatView\n';
    expect(dumpIn(text).missing).toContain('no range of memory');
  });
});

describe('explain reads a device', () => {
  it('whose addresses and offsets a web page has put on lines of their own', () => {
    const text = `02:00.0 Ethernet controller: Example NIC (rev 01)
Region 0: Memory at
100001000 (64-bit, non-prefetchable) [size=4K]
Capabilities: [78] MSI-X: Enable+ Count=2 Masked-
Vector table: BAR=0 offset=
00000058
PBA: BAR=0 offset=
00000078
`;
    const { device, missing } = deviceIn(text);
    expect(missing).toEqual([]);
    expect(device.msix).toMatchObject({ table: { bar: 0, offset: 0x58n }, pba: { offset: 0x78n } });
  });

  it('behind a domain of five digits, as of VMD and Thunderbolt', () => {
    const text = `10000:e1:00.0 Non-Volatile memory controller: Example SSD (prog-if 02 [NVM Express])
\tRegion 0: Memory at 82000000 (64-bit, non-prefetchable) [size=16K]
\tCapabilities: [b0] MSI-X: Enable+ Count=65 Masked-
\t\tVector table: BAR=0 offset=00003000
\t\tPBA: BAR=0 offset=00002000
`;
    expect(deviceIn(text)).toMatchObject({ missing: [], device: { address: '10000:e1:00.0' } });
  });

  it('by `cat` of its file in sysfs, whose path names the device', () => {
    const text = `# cat /sys/bus/pci/devices/0000:3b:00.0/resource\n0x00000000d9f00000 0x00000000d9ffffff 0x0000000000140204\n${'0x0000000000000000 0x0000000000000000 0x0000000000000000\n'.repeat(5)}`;
    expect(deviceIn(text).device).toMatchObject({ address: '0000:3b:00.0', bars: [{ size: 0x10_0000n }] });
  });

  it.each([
    [
      'lspci -nnk',
      '01:00.0 VGA compatible controller [0300]: Example [10de:2204] (rev a1)\n\tSubsystem: Example\n\tKernel driver in use: vfio-pci\n',
      'BARs',
    ],
    [
      'lspci -vmm',
      'Slot:\t01:00.0\nClass:\tVGA compatible controller\nVendor:\tExample\nDevice:\tGA102\n',
      'BARs',
    ],
    [
      'lspci -x',
      '02:00.0 Non-Volatile memory controller: Example SSD\n00: 34 12 78 56 06 04 10 00 01 02 08 01 10 00 00 00\n10: 04 00 40 fe 00 00 00 00 00 00 00 00 00 00 00 00\n20: 00 00 00 00 00 00 00 00 00 00 00 00 34 12 78 56\n30: 00 00 00 00 40 00 00 00 00 00 00 00 0b 01 00 00\n',
      'the size of BAR 0',
    ],
    [
      'the lines about MSI-X',
      'Capabilities: [a0] MSI-X: Enable+ Count=64 Masked-\n        Vector table: BAR=4 offset=00000000\n        PBA: BAR=4 offset=00002000\n',
      'BARs',
    ],
    [
      'lspci -vv that was cut',
      '3b:00.0 Ethernet controller: Example\n\tRegion 0: Memory at d9f00000 (64-bit, non-prefetchable) [size=1M]\n\tCapabilities: [70] MSI-X: Enable+ Count=129 Masked-\n\t\tVector table: BAR=0 off',
      'where the MSI-X table',
    ],
  ])('of %s, and says what is missing', (_, text, missing) => {
    expect(deviceIn(text).missing.join()).toContain(missing);
  });
});

describe('explain says in one sentence what is missing in', () => {
  it.each([
    [
      'lspci -D',
      '0000:00:00.0 Host bridge: Example\n10000:e1:00.0 Non-Volatile memory controller: Example\n',
      'names 2 devices without their BARs',
    ],
    [
      'lspci -mm',
      '00:00.0 "Host bridge" "Example" "Host Bridge" -r07 "Example" "Device 8694"\n',
      'names 1 device without their BARs',
    ],
    [
      'lspci -t',
      '-[0000:00]-+-00.0\n           +-01.0-[01]--+-00.0\n           |            \\-00.1\n           \\-1f.0\n',
      '`lspci -t`',
    ],
    ['lspci -tv', '-[0000:00]-+-00.0  Example Host Bridge\n           \\-1f.0  Example LPC\n', '`lspci -t`'],
    ['setpci', '$ setpci -s 01:00.0 CAP_MSIX+2.w\n8010\n', 'single registers'],
    [
      'the kernel that finds its devices',
      '[    0.651301] pci 0000:01:00.0: BAR 0 [mem 0xa5000000-0xa5ffffff]\n',
      'no capability',
    ],
    [
      'the same of older kernels',
      '[    0.651301] pci 0000:01:00.0: reg 0x10: [mem 0xa5000000-0xa5ffffff]\n',
      'no capability',
    ],
    [
      '/proc/iomem',
      '1800000000-2001ffffff : PCI Bus 0000:01\n  1800000000-1fffffffff : 0000:01:00.0\n',
      '/proc/iomem',
    ],
    [
      'info pci',
      '(qemu) info pci\n  Bus  0, device   3, function 0:\n    Ethernet controller: PCI device 15b3:1013\n      BAR0: 64 bit prefetchable memory at 0x8000000000 [0x8001ffffff].\n',
      '`info pci`',
    ],
    ['info qtree', 'bus: main-system-bus\n  type System\n  dev: kvm-ioapic, id ""\n', '`info qtree`'],
    ['info mem', '(qemu) info mem\n00000000c0000000-00000000c009b000 000000000009b000 -rw\n', '`info mem`'],
    [
      'pciconf',
      'ix0@pci0:3:0:0:\tclass=0x020000 rev=0x01 hdr=0x00 vendor=0x8086 device=0x1528\n',
      '`pciconf`',
    ],
    ['lshw', '  *-network\n       bus info: pci@0000:3b:00.0\n', '`lshw`'],
    [
      'a table of devices',
      '| class    | device | id           | iommugroup |\n| 0x030000 | 0x2204 | 0000:01:00.0 |         14 |\n',
      'IOMMU group',
    ],
    [
      'the XML of libvirt',
      "<hostdev mode='subsystem' type='pci' managed='yes'>\n  <driver name='vfio'/>\n</hostdev>\n",
      'XML of libvirt',
    ],
  ])('%s', (_, text, sentence) => {
    expect(() => answersTo(text)).toThrow(sentence);
  });
});
