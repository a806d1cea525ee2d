import { describe, expect, it } from 'vitest';
import { findNamedHost } from '../scenario/index.ts';
import { explain, explanationText, pictureOf } from './index.ts';
import type { LogFinding } from './log/log-finding.ts';
import { FLAT, NIC } from './testing/texts.ts';

const findingsIn = (text: string, beside: readonly string[] = [], host?: string): readonly LogFinding[] =>
  explain(
    [text, ...beside].map((one, index) => ({ name: `text ${index}`, text: one })),
    { host: host === undefined ? undefined : findNamedHost(host) },
  ).answers.filter((answer) => answer.kind === 'log');

const map = (iova: string, size: string, errno = -22, name = 'vfio_container_dma_map'): string =>
  `qemu-system-x86_64: ${name}(0x55d1c8e4bb50, ${iova}, ${size}, 0x7f4d94c00000) = ${errno} (error)`;
const slot = (start: string, size: string, error = 'Invalid argument'): string =>
  `kvm_set_user_memory_region: KVM_SET_USER_MEMORY_REGION failed, slot=12, start=${start}, size=${size}: ${error}`;

describe('explain names the limit that a line of a log has crossed:', () => {
  it.each([
    ['a BAR above the width of the IOMMU', map('0x380000001000', '0x3000'), 'IOMMU width', 'goes on'],
    [
      'the same without the name of the program',
      map('0x380000001000', '0x3000').replace('qemu-system-x86_64: ', ''),
      'IOMMU width',
      'goes on',
    ],
    [
      'a BAR on a host with 64K pages',
      map('0x8000000000', '0x2000').replace('x86_64', 'aarch64'),
      'alignment',
      'goes on',
    ],
    ['half a page of any host', map('0xe0000400', '0xc00'), 'alignment', 'goes on'],
    ['the interrupt messages of x86', map('0xfee00000', '0x1000'), 'reserved range', 'depends'],
    [
      'RAM over HyperTransport',
      map('0x100000000', '0xff30000000'),
      'reserved range, or IOMMU width',
      'fatal',
    ],
    ['memory that may not be locked', map('0x0', '0x80000000', -12), 'lock limit', 'fatal'],
    ['memory that cannot be pinned', map('0x100000000', '0x80000000', -14), 'pinning', 'fatal'],
    ['a mapping that is there', map('0xe0000000', '0x1000', -17), 'overlap', 'goes on'],
    ['too many mappings', map('0x0', '0x1000', -28), 'number of mappings', 'fatal'],
    ['a wrap, as Linux 6.18 says it', map('0xfffffffffffff000', '0x2000', -75), 'wrap', 'goes on'],
    ['the old message of 2011 to 2017', 'VFIO_MAP_DMA: -12', 'lock limit', 'depends'],
    ['a map without numbers', 'VFIO_MAP_DMA failed: Bad address', 'pinning', 'depends'],
    ['a slot while the guest sizes a BAR', slot('0xfffffffffe000000', '0x2000'), 'CPU width', 'fatal'],
    ['a slot at exactly 2^46', slot('0x400000000000', '0x2000000'), 'CPU width', 'fatal'],
    ['a slot at an address of 64 bits', slot('0x8508000000000000', '0x1000'), 'CPU width', 'fatal'],
    ['a slot above 39 bits', slot('0x10000000000', '0x1000'), 'CPU width', 'fatal'],
    ['a slot above the IPA of arm64', slot('0x10000000000', '0x10000', 'Bad address'), 'CPU width', 'fatal'],
    ['a slot of half a page', slot('0xe0000800', '0x1000'), 'alignment', 'fatal'],
    ['a slot of 4K on a host with 64K', slot('0xe0001000', '0x1000'), 'alignment', 'fatal'],
    ['slots that overlap', slot('0xe0000000', '0x1000', 'File exists'), 'overlap', 'fatal'],
    [
      'a slot of QEMU 9 with guest_memfd',
      `${slot('0x400000000000', '0x1000').replace('REGION failed', 'REGION2 failed').replace(': Invalid', ', flags=0x0, guest_memfd=-1, guest_memfd_offset=0x0: Invalid')}`,
      'CPU width',
      'fatal',
    ],
    ['a region off its page', 'vfio_listener_region_add received unaligned region', 'alignment', 'goes on'],
    [
      'the buffer of a TPM',
      'vfio_listener_valid_section received unaligned region tpm-crb-cmd iova=0xfed40080 offset_within_region=0x0 qemu_real_host_page_size=0x1000',
      'alignment',
      'harmless',
    ],
    [
      'an mmap that failed',
      'Failed to mmap 0000:01:00.0 BAR 2. Performance may be slow',
      'mmap of the BAR',
      'goes on',
    ],
    [
      'a bad MSI-X capability',
      "vfio 0000:01:00.0: failed to add PCI capability 0x11[0x70]@0xb0: table & pba overlap, or they don't fit in BARs, or don't align",
      'MSI-X layout',
      'fatal',
    ],
    [
      'a PBA beyond its BAR',
      'vfio 0000:01:00.0: hardware reports invalid configuration, MSIX PBA outside of specified BAR',
      'MSI-X layout',
      'fatal',
    ],
    [
      'a machine that the CPU cannot address',
      'qemu-system-x86_64: Address space limit 0xffffffffff < 0x1fc7fffffff phys-bits too low (40)',
      'CPU width',
      'fatal',
    ],
    [
      'an IOMMU that is too narrow, as the kernel says it',
      'DMAR: intel_iommu_map: iommu width (39) is not sufficient for the mapped address (380000001000)',
      'IOMMU width',
      'depends',
    ],
    [
      'a DMA to an address that is not mapped',
      'DMAR: [DMA Write NO_PASID] Request device [01:00.0] fault addr 0x4800040000 [fault reason 0x05] PTE Write access is not set',
      'address that is not mapped',
      'goes on',
    ],
    ['an overlap in cloud-hypervisor', 'VfioDmaMap(IommuDmaMap(Error(17)))', 'overlap', 'fatal'],
    [
      'a BAR that cloud-hypervisor cannot move',
      'Failed moving device BAR: failed allocating new MMIO range: 0xe7f00000->0x0(0x80000)',
      'PCI window, or an address in use',
      'goes on',
    ],
    [
      'a BAR of a guest without room',
      "pci 0000:01:00.0: BAR 2 [mem size 0x400000000 64bit pref]: can't assign; no space",
      'PCI window of 64 bits',
      'goes on',
    ],
    [
      'a BAR below 4 GiB that the new call could not pin',
      map('0xfa800000', '0x4000', -14),
      'BAR by address, or pinning',
      'goes on',
    ],
    [
      'a BAR below 4 GiB that the old call could not pin',
      map('0xfa800000', '0x4000', -14, 'vfio_dma_map'),
      'pinning',
      'goes on',
    ],
    [
      'a range outside of the IOVAs of the container',
      "qemu-system-x86_64: Container 0x55a0 can't map guest IOVA region 0x382000000000..0x38200fffffff",
      'IOMMU width',
      'depends',
    ],
    [
      'a range outside of the window of POWER',
      "qemu-system-ppc64: Container 0x55a0 can't map guest IOVA region 0x80000000..0x8000ffff",
      'DMA window',
      'depends',
    ],
    [
      'a BAR that is not made of whole pages',
      'vfio_listener_region_add_no_dma_map Region "0000:01:00.0 BAR 2 mmaps[0]" 0x8000001000 size=0x1000 is not aligned to 0x10000 and cannot be mapped for DMA',
      'alignment',
      'goes on',
    ],
    [
      'a traced map of iommufd',
      'iommufd_backend_map_dma  iommufd=12 ioas=2 iova=0x380000000000 size=0x4000 addr=0x7f0000000000 readonly=0 (-14)',
      'BAR by address',
      'goes on',
    ],
    [
      'a traced memslot',
      'kvm_set_user_memory AddrSpace#0 Slot#7 flags=0x0 gpa=0x400000000000 size=0x1000 ua=0x7f11 guest_memfd=-1 guest_memfd_offset=0x0 ret=-22',
      'CPU width',
      'fatal',
    ],
    ['a file of iommufd', 'IOMMU_IOAS_MAP_FILE failed: Bad address, PCI BAR?', 'BAR by address', 'goes on'],
    [
      'a kernel without dma-buf',
      'VFIO dma-buf not supported in kernel, using mmap fallback, P2P DMA will not work',
      'BAR by address',
      'goes on',
    ],
    [
      'a vIOMMU wider than that of the host',
      'vfio 0000:01:00.0: aw-bits 48 > host aw-bits 39',
      'IOMMU width',
      'fatal',
    ],
    [
      'RAM above the IPA of arm64',
      'qemu-system-aarch64: Addressing limited to 40 bits, but memory exceeds it by 1073741824 bytes',
      'CPU width',
      'fatal',
    ],
    [
      'a 32-bit kernel',
      "pci 0000:01:00.0: BAR 3: can't handle BAR above 4GB (bus address 0x8000000000)",
      'kernel with addresses of 32 bits',
      'goes on',
    ],
    [
      'a BAR with its range in the name',
      "vfio-pci 0000:0b:00.0: BAR 0 [mem 0xe0000000-0xefffffff 64bit pref]: can't reserve resource",
      'mmap of the BAR',
      'goes on',
    ],
    ['a BAR of size 0 in a driver', 'NVRM: BAR1 is 0M @ 0x0 (PCI:0000:06:00.0)', 'PCI window', 'goes on'],
    [
      'a fault of an AMD IOMMU that names the device first',
      'vfio-pci 0000:0b:00.0: AMD-Vi: Event logged [IO_PAGE_FAULT domain=0x0012 address=0x8000000000 flags=0x0020]',
      'address that is not mapped',
      'goes on',
    ],
    [
      'a fault of an SMMUv3',
      'arm-smmu-v3 arm-smmu-v3.0.auto: event: F_TRANSLATION client: 0000:01:00.0 sid: 0x100 ssid: 0x0 iova: 0x8000000000 ipa: 0x0',
      'address that is not mapped',
      'goes on',
    ],
    [
      'an IOMMU that does not isolate interrupts',
      'vfio 0000:00:02.0: failed to setup container for group 0: Failed to set iommu for container: Operation not permitted',
      'interrupt remapping; no address is at fault',
      'fatal',
    ],
    [
      'an instruction that KVM cannot emulate',
      'KVM internal error. Suberror: 1',
      'emulation of an instruction',
      'fatal',
    ],
    [
      'iommufd in cloud-hypervisor',
      'Failed to map VFIO MMIO region: Failed to DMA map: failed to map an IOVA range to the IOAS: Bad address (os error 14)',
      'pinning, or BAR by address',
      'fatal',
    ],
    [
      'a program of DPDK',
      'EAL: Cannot set up DMA remapping, error 28 (No space left on device)',
      'number of mappings',
      'fatal',
    ],
    [
      'a memslot of a VMM in Rust',
      'Invalid argument (os error 22) / KVM_SET_USER_MEMORY_REGION2',
      'CPU width, alignment, or overlap of memslots',
      'fatal',
    ],
    [
      'a reset that cannot be',
      'vfio: Cannot reset device 0000:06:00.0, depends on group 15 which is not owned.',
      'reset; no address is at fault',
      'goes on',
    ],
    [
      'iommufd, which takes no BAR by address',
      'qemu-system-x86_64: warning: IOMMU_IOAS_MAP failed: Bad address, PCI BAR?',
      'BAR by address',
      'goes on',
    ],
  ] as const)('%s', (_, line, limit, severity) => {
    const findings = findingsIn(line);
    expect(findings).toHaveLength(1);
    expect(findings[0]).toMatchObject({ limit, severity });
    expect(explanationText(explain([{ name: 'text', text: line }]), 'barproof')).toContain(limit);
  });

  it('with the prefix of journald, the words of libvirt, and a mail program that wrapped the call', () => {
    const text =
      'Nov 12 10:11:12 host libvirtd[9]: internal error: qemu unexpectedly closed the monitor: 2024-01-01T00:00:00Z\n' +
      '> qemu-system-x86_64: -device {"driver":"vfio-pci"}: vfio 0000:01:00.0: failed to setup container for group 15:\n' +
      '> memory listener initialization failed: Region pc.ram: vfio_dma_map(0x55d1, 0x0,\n' +
      '> 0xa0000, 0x7f4d94c00000) = -12 (Cannot allocate memory)\n';
    expect(findingsIn(text)).toMatchObject([{ limit: 'lock limit', severity: 'fatal' }]);
  });

  it.each([
    [
      'a map',
      'iommufd_backend_map_dma  iommufd=12 ioas=2 iova=0x0 size=0x80000000 addr=0x7f0000000000 readonly=0 (0)',
    ],
    [
      'a memslot',
      'kvm_set_user_memory AddrSpace#0 Slot#7 flags=0x0 gpa=0x0 size=0x1000 ua=0x7f11 guest_memfd=-1 guest_memfd_offset=0x0 ret=0',
    ],
  ])('never in the trace of %s that succeeded', (_, line) => {
    expect(findingsIn(`${line}\n${map('0x380000001000', '0x3000')}`)).toHaveLength(1);
  });

  it('and does not blame pages of 64 KiB on x86, which has pages of 4 KiB', () => {
    expect(findingsIn(map('0xfebc1000', '0x3000'))).toMatchObject([{ limit: 'unknown' }]);
    expect(findingsIn(map('0xfebc1000', '0x3000').replace('qemu-system-x86_64: ', ''))).toMatchObject([
      { limit: 'alignment' },
    ]);
  });

  it.each(['\u2019', '\u2018', '\u00b4', '\u2032', '&rsquo;', '&#8217;', '&apos;'])(
    'with the apostrophe %s, which trackers and word processors write',
    (apostrophe) => {
      const line = `pci 0000:01:00.0: BAR 2 [mem size 0x400000000 64bit pref]: can${apostrophe}t assign; no space`;
      expect(findingsIn(line)).toMatchObject([
        { limit: 'PCI window of 64 bits', subject: 'BAR 2 of 0000:01:00.0, 16 GiB' },
      ]);
    },
  );

  it.each([
    ['\u201c', '\u201d'],
    ['\u201e', '\u201c'],
    ['&ldquo;', '&rdquo;'],
  ])('with the quotes %s and %s', (open, close) => {
    const line = `-device {"driver":"vfio-pci","host":"0000:41:00.0"}: vfio: error opening /dev/vfio/15: Permission denied`;
    const [finding] = findingsIn(line.replaceAll(/"([^"]*)"/g, `${open}$1${close}`));
    expect(finding).toMatchObject({ rule: 'vfio-open', subject: '0000:41:00.0' });
  });

  it.each([
    [
      'Region pc.ram: vfio_dma_map(0x55d1, 0x0, 0x80000000, 0x7f4d94c00000) = -12 (Cannot allocate memory)',
      'pc.ram',
    ],
    [
      '-device {"driver":"vfio-pci","host":"0000:41:00.0","id":"hostdev0"}: vfio 0000:41:00.0: failed to setup container for group 15: memory listener initialization failed: Region pc.ram: vfio_dma_map(0x55d1, 0x0, 0x80000000, 0x7f4d94c00000) = -12 (Cannot allocate memory)',
      'pc.ram, while QEMU adds 0000:41:00.0',
    ],
    [
      '-device {"driver":"vfio-pci","host":"0000:41:00.0"}: VFIO_MAP_DMA failed: Bad address',
      'while QEMU adds 0000:41:00.0',
    ],
    [
      '-device vfio-pci,sysfsdev=/sys/bus/mdev/devices/83b8f4f2-509f-382f-3c1e-e6bfe0fa1001: VFIO_MAP_DMA failed: Bad address',
      'while QEMU adds 83b8f4f2-509f-382f-3c1e-e6bfe0fa1001',
    ],
    [
      'Region 0000:01:00.0 BAR 2 mmaps[0]: vfio_dma_map(0x55d1, 0x380000001000, 0x3000, 0x7f4d94c13000) = -22',
      '0000:01:00.0 BAR 2 mmaps[0]',
    ],
  ])('%s is about its region and its device', (line, subject) => {
    expect(findingsIn(line)).toMatchObject([{ subject }]);
  });

  it.each(['DMAR: [00:00.0] ', 'vfio: -device vfio: BAR 0 [a ', 'qemu kvm ', 'IommuDmaMap '])(
    'in time that grows with the length of lines and not with its square: of "%s" again and again',
    (words) => {
      const cpuMsOf = (length: number): number => {
        const line = words.repeat(length / words.length);
        const before = process.cpuUsage();
        expect(() => findingsIn(`${line}\n`.repeat(200))).toThrow(/no line that barproof explain knows/);
        const { user, system } = process.cpuUsage(before);
        return (user + system) / 1000;
      };
      cpuMsOf(1000);
      // Four times the length would take sixteen times as long; 200 ms are a margin for what takes no time at all.
      expect(cpuMsOf(4000)).toBeLessThan(8 * cpuMsOf(1000) + 200);
    },
  );

  it.each([
    [
      'a call without the words in front of it',
      'failed: Region mach-virt.ram: vfio_dma_map(0x55de3c2a97f0, 0x40000000,\n0x100000000, 0x7f8fcbe00000) = -22 (Invalid argument)',
      'reserved range',
    ],
    [
      'words without a call',
      'pci,host=0000:83:00.7,id=hostpci1.7: vfio\n0000:83:00.7: hardware reports invalid configuration, MSIX PBA outside\nof specified BAR',
      'MSI-X layout',
    ],
    [
      'a message in four lines',
      'qemu-system-aarch64: -device vfio-pci,host=01:00.0: vfio 0000:01:00.0:\nfailed to setup container for group 11: memory listener initialization\nfailed: Region mach-virt.ram: vfio_dma_map(0x55de3c2a97f0, 0x40000000,\n0x100000000, 0x7f8fcbe00000) = -22 (Invalid argument)',
      'reserved range',
    ],
  ])('where a mail program has wrapped %s', (_, text, limit) => {
    expect(findingsIn(text)).toMatchObject([{ limit, severity: 'fatal' }]);
  });

  it('as of device memory, where QEMU only warns of a map', () => {
    const map =
      'vfio_container_dma_map(0xaaaea68471b0, 0xc090000, 0x10000, 0xffffb5c90000) = -14 (Bad address)';
    expect(findingsIn(`qemu-system-aarch64: warning: ${map}`)).toMatchObject([{ severity: 'goes on' }]);
    expect(findingsIn(`qemu-system-aarch64: ${map}`)).toMatchObject([{ severity: 'depends' }]);
  });

  it('once, where a hint of QEMU follows the line', () => {
    const text =
      'vfio 0000:01:00.0: error getting device from group 1: No such device\n' +
      'Verify all devices in group 1 are bound to vfio-<bus> or pci-stub and not already in use\n';
    expect(findingsIn(text)).toMatchObject([{ subject: '0000:01:00.0', repeats: [2] }]);
  });

  it('and leaves out a line that says only that QEMU ended, if another says why', () => {
    const ended = 'error: internal error: qemu unexpectedly closed the monitor';
    expect(findingsIn(ended)).toMatchObject([{ rule: 'libvirt-monitor-closed' }]);
    expect(findingsIn(`${ended}\nvfio: No available IOMMU models`)).toMatchObject([
      { rule: 'no-iommu-models' },
    ]);
  });

  it('in an error of QMP', () => {
    const desc = 'vfio 0000:65:00.0: invalid MSI-X BIR, table_bar=7 pba_bar=7';
    expect(findingsIn(JSON.stringify({ error: { class: 'GenericError', desc } }))).toMatchObject([
      { limit: 'MSI-X layout', subject: '0000:65:00.0' },
    ]);
  });

  it('or asks for the line beside a list of reserved ranges', () => {
    expect(() => findingsIn('0x0000000008000000 0x00000000080fffff msi')).toThrow(/line of the refused map/);
  });

  it('with the bits that the line of the kernel has', () => {
    const [finding] = findingsIn('iommu width (39) is not sufficient for the mapped address (8800001000)');
    expect(finding!.why.join()).toContain(
      '0x8800001000 needs 40 bits, and the IOMMU of the host translates 39',
    );
  });

  it('and asks for the addresses where the line has none', () => {
    const [finding] = findingsIn('VFIO_MAP_DMA failed: Invalid argument');
    expect(finding!.remedies.host!.join()).toContain('give the line with the addresses');
    expect(finding!.remedies.qemu).toBeUndefined();
  });

  it('once, where the same line stands there a thousand times', () => {
    const findings = findingsIn(`${map('0x380000001000', '0x3000')}\n`.repeat(1000));
    expect(findings).toHaveLength(1);
    expect(findings[0]!.repeats).toHaveLength(999);
  });
});

describe('explain takes a refused device for fatal:', () => {
  it.each(['nvdimm0', 'shmmem-shmem0', 'dimm1', '/objects/backend0', 'ivshmem.bar2', 'vm.memory'])(
    'the region %s is RAM, wherever it lies',
    (name) => {
      const line = `vfio 0000:01:00.0: memory listener initialization failed: Region ${name}: vfio_container_dma_map(0x55, 0x8080000000, 0x40000000, 0x7fff90000000) = -22 (Invalid argument)`;
      for (const host of [undefined, 'laptop-39'])
        expect(findingsIn(line, [], host)).toMatchObject([
          {
            severity: 'fatal',
            limit: 'IOMMU width',
            subject: expect.stringContaining(name) as unknown,
            remedies: { qemu: [expect.stringContaining('less RAM'), expect.anything()] },
          },
        ]);
    },
  );

  it('also where the line of the map stands above the refusal', () => {
    const text = `${map('0x8080000000', '0x40000000', -22, 'vfio_dma_map')}\nvfio 0000:01:00.0: failed to setup container for group 1: memory listener initialization failed for container: Invalid argument\n`;
    expect(findingsIn(text)[0]).toMatchObject({ severity: 'fatal' });
  });

  it('but not for a region of a device', () => {
    const line = 'Region vhost-user/host-notifier@0x55 mmaps[0]: ';
    expect(
      findingsIn(`${line}${map('0x8080000000', '0x1000').replace('qemu-system-x86_64: ', '')}`),
    ).toMatchObject([{ severity: 'goes on' }]);
  });
});

describe('explain takes the error of the kernel', () => {
  const refusal = map('0xfffc0000', '0x40000', -2).replace('qemu-system-x86_64: ', 'Region pc.bios: ');

  it.each([
    ['Cannot allocate memory', 'lock limit', 'ENOMEM'],
    ['Bad address', 'pinning', 'EFAULT'],
    ['File exists', 'overlap', 'EEXIST'],
  ])('from the line above: %s', (words, limit, name) => {
    const [finding, ...others] = findingsIn(
      `qemu-kvm: VFIO_MAP_DMA failed: ${words}\nqemu-kvm: ${refusal}\n`,
    );
    expect(others).toEqual([]);
    expect(finding).toMatchObject({ limit, severity: 'fatal' });
    expect(finding!.why[0]).toContain(name);
    expect(finding!.why[0]).toContain('-2 (ENOENT)');
  });

  it('and not from a line above that is of another map', () => {
    const text = `VFIO_MAP_DMA failed: File exists\n${map('0x380000001000', '0x3000')}\n${map('0xfffc0000', '0x40000', -12)}`;
    expect(findingsIn(text).at(-1)).toMatchObject({ limit: 'lock limit' });
  });

  it('or says that the line above is missing', () => {
    expect(findingsIn(refusal)[0]!.why.join()).toContain('VFIO_MAP_DMA failed');
  });
});

describe('explain names the window that is too small, and how QEMU makes it larger:', () => {
  const NO_SPACE = 'PCI window of 64 bits';
  const BELOW = 'PCI window below 4 GiB';
  it.each([
    [
      'BAR 14: no space for [mem size 0x00200000]',
      BELOW,
      'mem-reserve',
      'the memory window (BAR 14)',
      '2 MiB',
    ],
    [
      'BAR 13: no space for [io  size 0x1000]',
      'I/O window',
      'io-reserve',
      'the I/O window (BAR 13)',
      '4 KiB',
    ],
    [
      'BAR 15: failed to assign [mem size 0x400000000 64bit pref]',
      NO_SPACE,
      'pref64-reserve',
      'the prefetchable window (BAR 15)',
      '16 GiB',
    ],
    ['BAR 5: no space for [io  size 0x0080]', 'I/O window', 'io-reserve', 'BAR 5', '128 bytes'],
    ['BAR 0: failed to assign [mem size 0x01000000]', BELOW, 'mem-reserve', 'BAR 0', '16 MiB'],
    ['BAR 0 [mem size 0x01000000 64bit]: failed to assign', BELOW, 'mem-reserve', 'BAR 0', '16 MiB'],
    ["BAR 1 [mem size 0x01000000 pref]: can't assign; no space", BELOW, 'pref32-reserve', 'BAR 1', '16 MiB'],
    [
      "bridge window [io  size 0x1000]: can't assign; no space",
      'I/O window',
      'io-reserve',
      'a window of the bridge',
      '4 KiB',
    ],
    [
      'BAR 7: no space for [mem size 0x00100000 64bit]',
      BELOW,
      'mem-reserve',
      'BAR 0 of the VFs (BAR 7)',
      '1 MiB',
    ],
    [
      "VF BAR 2 [mem size 0x00100000 64bit pref]: can't assign; no space",
      NO_SPACE,
      'pref64-reserve',
      'VF BAR 2',
      '1 MiB',
    ],
    ['BAR 6: no space for [mem size 0x00080000 pref]', BELOW, 'mem-reserve', 'the ROM (BAR 6)', '512 KiB'],
  ])('%s', (line, limit, option, name, size) => {
    const [finding] = findingsIn(`pci 0000:01:00.0: ${line}`);
    expect(finding).toMatchObject({
      limit,
      severity: 'goes on',
      subject: `${name} of 0000:01:00.0, ${size}`,
    });
    expect(finding!.remedies.qemu!.join()).toContain(option);
    expect(finding!.remedies.qemu!.join().includes('pref64')).toBe(limit === NO_SPACE);
  });
});

describe('explain does not blame a width of fewer than 32 bits', () => {
  const LINE = "qemu-system-x86_64: Container 0x55a0 can't map guest IOVA region 0xc0000..0xcffff";

  it('for a range below 4 GiB', () => {
    const [finding] = findingsIn(LINE);
    expect(finding).toMatchObject({
      severity: 'fatal',
      limit: 'reserved range, or IOVA ranges of the container',
    });
    expect(JSON.stringify(finding!.remedies)).not.toMatch(/host-phys-bits|20 bits/);
  });

  it('and its picture shows no host that translates the range', () => {
    const svg = pictureOf(explain([{ name: 'text', text: LINE }]), undefined)!;
    expect(svg).toContain('none here');
    expect(svg).not.toMatch(/laptop-39|server-46/);
  });
});

describe('explain finds the BAR that a line is about', () => {
  it('by the lspci beside it: the rest of BAR 4 behind the page of the table', () => {
    const [finding] = findingsIn(map('0x380000401000', '0x3000'), [NIC]);
    expect(finding!.subject).toBe('BAR 4 of 05:00.0 from offset 0x1000 on');
  });

  it('by the dump beside it', () => {
    const [finding] = findingsIn(map('0x4800040000', '0x3000'), [FLAT]);
    expect(finding).toMatchObject({
      subject: '0000:c8:00.0 BAR 0 mmaps[0], by the dump',
      severity: 'goes on',
    });
  });

  it('and says that RAM is RAM, by the dump', () => {
    const [finding] = findingsIn(map('0xc4000', '0x7ff3c000'), [FLAT]);
    expect(finding).toMatchObject({ subject: 'pc.ram, by the dump', severity: 'fatal' });
  });

  it('and the region that a DMA fault meets', () => {
    const [finding] = findingsIn(
      'DMAR: [DMA Write] Request device [01:00.0] fault addr 4800040000 [fault reason 05]',
      [FLAT],
    );
    expect(finding!.why.join()).toContain('peer-to-peer DMA to a BAR');
  });
});

describe('explain holds a line to the host that the user names', () => {
  it.each([
    ['laptop-39', 'IOMMU width'],
    ['server-46', 'unknown'],
  ])('%s', (host, limit) => {
    expect(findingsIn(map('0x380000001000', '0x3000'), [], host)).toMatchObject([{ limit }]);
  });
});
