import { Errno } from '../../host/index.ts';
import { plainRule, type PlainRule } from './plain-rule.ts';

/** Messages of the kernels of host and guest. */
const KERNEL: readonly PlainRule[] = [
  {
    id: 'cannot-reserve-bar',
    pattern:
      /BAR \d+(?: \[[^\]]*\])?:? can'?t reserve|can't reserve.*\bBAR\b|can't reserve \[mem|could not (?:request|reserve) (?:PCI )?(?:region|BAR)/,
    severity: 'goes on',
    verdict: 'not fatal: QEMU goes on, and every access to the BAR exits',
    limit: 'mmap of the BAR',
    why: 'a driver or console of the host holds the BAR, so vfio-pci cannot give QEMU an mmap',
    remedies: { host: ['/proc/iomem shows who holds it; video=efifb:off or initcall_blacklist=sysfb_init'] },
  },
  {
    id: 'bar-not-assigned',
    pattern:
      /BAR \d+(?: \[.*?\])?: (?:no space for|failed to assign|can'?t assign)|can'?t assign; no space|bridge window.*(?:can'?t assign|no space|failed to assign)|can'?t claim(?: BAR \d+ .*?)?[;:] no compatible bridge window|BAR ?\d is 0M @ 0x0|PCI I\/O region assigned to your NVIDIA device is invalid|PCI device resources are unassigned|try to assign unassigned res/,
    severity: 'goes on',
    verdict: 'the BAR has no address, so its driver cannot work; QEMU goes on',
    limit: 'PCI window',
    why: 'the window of the bridge above is too small for the BAR: in a guest the windows are those of QEMU’s machine and of the root port',
    remedies: {
      qemu: [
        'pcie-root-port,pref64-reserve=SIZE; a larger pci-hole64-size (pc, q35) or highmem-mmio-size (virt)',
      ],
      guest: ['OVMF: opt/ovmf/X-PciMmio64Mb; Linux: pci=realloc'],
      host: ['the same line in the log of the host: above-4G decoding in the firmware, pci=realloc'],
    },
  },
  {
    id: 'bar-not-resized',
    pattern: /Not enough PCI address space for a large BAR/,
    severity: 'goes on',
    verdict: 'not fatal: the driver goes on with the BAR of the present size',
    limit: 'PCI window',
    why: 'the driver wanted to enlarge a resizable BAR, and the window of the bridge above has no room; QEMU shows the guest a BAR that cannot be resized',
    remedies: {
      host: ['above-4G decoding and resizable BARs in the firmware, before vfio-pci takes the device'],
    },
  },
  {
    id: 'bar-above-4g',
    pattern: /can't handle (?:BAR (?:above|larger than) 4GB|64-bit address)/,
    severity: 'goes on',
    verdict: 'the BAR has no address for this kernel, so its driver cannot work; QEMU goes on',
    limit: 'kernel with addresses of 32 bits',
    why: 'the kernel that prints this line has PCI addresses of 32 bits (a 32-bit kernel without PAE), and firmware put the BAR above 4 GiB, or the BAR is larger than 4 GiB',
    remedies: {
      guest: ['in the log of a guest: a 64-bit kernel, or one of 32 bits with PAE'],
      host: ['in the log of the host: a 64-bit kernel'],
    },
  },
  {
    id: 'smmu-event',
    pattern: /arm-smmu-v3\S* .*event 0x(?:10|11|12|13) received/,
    severity: 'goes on',
    verdict: 'QEMU goes on; this DMA of the device is lost',
    limit: 'address that is not mapped',
    why: 'a device used an address that the SMMU does not map, or not for this access (events 0x10 to 0x13). Of the four numbers in the next lines the third is the address; the upper half of the first is the stream of the device',
    remedies: { qemu: ['the log of QEMU at that moment: was a map refused?'] },
  },
  {
    id: 'unaligned-table-mmap',
    pattern: /mmap.*MSI-?X table|MSI-?X table.*mmap/i,
    severity: 'goes on',
    verdict: 'not fatal: the pages of the table stay trapped',
    limit: 'MSI-X table',
    why: 'before Linux 4.16 vfio-pci forbids the mmap of the pages of the table',
    remedies: { host: ['Linux 4.16 or later'] },
  },
];

/** Messages of the host's kernel about a device that does not answer, and about its resets. */
const DEVICE: readonly PlainRule[] = [
  {
    id: 'power-state',
    pattern:
      /Refused to change power state|(?:can't|[Uu]nable to) change power state from (?:unknown|D\d(?:cold|hot)?) to D0|invalid power transition|device inaccessible/,
    severity: 'goes on',
    verdict: 'QEMU goes on, and the device does not work: its registers and BARs answer all ones',
    limit: 'power state; no address is at fault',
    why: 'the device does not leave its power state (D3), as a rule after a reset that failed or a slot that lost its power',
    remedies: {
      host: [
        'vfio-pci.disable_idle_d3=1, pcie_port_pm=off; a cold start of the host brings the device back',
        'another reset method: /sys/bus/pci/devices/…/reset_method',
      ],
    },
  },
  {
    id: 'reset-waits',
    pattern:
      /not ready \d+ms after (?:\w+|bus reset|FLR|resume)(?: reset)?; (?:waiting|giving up)|timed out waiting for pending transaction|FLR .*(?:timed out|not complete)|transaction is not cleared/,
    severity: 'goes on',
    verdict: 'QEMU goes on; a device that is given up answers all ones until a cold start',
    limit: 'reset; no address is at fault',
    why: 'the device does not come out of its reset in time. "waiting" is harmless if "giving up" does not follow',
    remedies: {
      host: ['another reset method: /sys/bus/pci/devices/…/reset_method; a cold start of the host'],
    },
  },
  {
    id: 'bind-failed',
    pattern:
      /vfio-pci.{0,60}probe .{0,60}failed with error -\d+|probe with driver vfio-pci failed with error -\d+/,
    severity: 'fatal',
    verdict: 'fatal for the device: vfio-pci did not take it, so QEMU cannot open it',
    limit: 'driver of the device; no address is at fault',
    why: 'vfio-pci refused the device when it was bound',
    errors: {
      [Errno.EINVAL]: 'the device is a bridge, or it has no IOMMU group (the IOMMU is off)',
      [Errno.EBUSY]: 'another driver of the host holds a part of the device or of its group',
      [Errno.EPERM]: 'the kernel is locked down, or the group is not isolated',
      [Errno.ENODEV]: 'the device is gone',
    },
    remedies: { host: ['dmesg around the line; /sys/bus/pci/devices/…/iommu_group must exist'] },
  },
  {
    id: 'pcie-error',
    pattern:
      /PCIe Bus Error: severity=|AER: (?:Multiple )?(?:Corrected|Uncorrect(?:ed|able)) .*error|AER: .*(?:Fatal|Non-?Fatal)/,
    severity: 'depends',
    verdict:
      'depends: corrected errors are harmless; uncorrected ones stop the device, and QEMU then stops the guest (internal-error)',
    limit: 'PCI Express error; no address is at fault',
    why: 'the link or the device reported an error (AER). "Unsupported Request" and "Completion Timeout" come from accesses to a device that does not answer',
    remedies: {
      host: ['the slot, riser or cable; pcie_aspm=off where the errors are many and corrected'],
    },
  },
  {
    id: 'iommu-timeout',
    pattern:
      /Invalidation Time-?out Error|Completion-Wait loop timed out|IOTLB_INV_TIMEOUT|QI_[A-Z]+ timed out/,
    severity: 'goes on',
    verdict: 'the device is lost to the guest; other devices of the host may wait, too',
    limit: 'IOMMU, device that does not answer; no address is at fault',
    why: 'the IOMMU asked the device to forget translations (ATS), and the device did not answer: it hangs, sleeps or is in a reset',
    remedies: { host: ['pci=noats; a reset or cold start of the device'] },
  },
  {
    id: 'interrupt-blocked',
    pattern:
      /INTR-REMAP.*(?:[Rr]equest|fault)|Blocked an interrupt request|irq \d+: nobody cared|Masking broken INTx support/,
    severity: 'goes on',
    verdict: 'QEMU goes on; an interrupt of a device is lost, or its line was disabled',
    limit: 'interrupts; no address is at fault',
    why: 'interrupt remapping blocked an interrupt that the device may not send, or an interrupt line (INTx) was shared by a device that no driver answered',
    remedies: {
      host: ['vfio-pci.nointxmask=1 for broken masking of INTx'],
      guest: ['a driver that uses MSI or MSI-X'],
    },
  },
  {
    id: 'address-conflict',
    pattern:
      /can't claim BAR \d+ .*address conflict|BAR \d+(?: \[.*?\])?: can'?t claim.*address conflict|firmware bug.*BAR/i,
    severity: 'goes on',
    verdict: 'not fatal by itself: the kernel moves the BAR to a free address, or leaves it without one',
    limit: 'PCI window',
    why: 'firmware put two BARs or windows at one address',
    remedies: {
      host: ['pci=realloc, or pci=nocrs in the log of a host'],
      guest: ['pci=realloc in the log of a guest'],
    },
  },
  {
    id: 'sriov-window',
    pattern: /not enough MMIO resources for SR-IOV|SR-IOV: bus number out of range|can't enable \d+ VFs/,
    severity: 'goes on',
    verdict: 'the VFs are not made; the physical function works',
    limit: 'PCI window',
    why: 'the firmware left no addresses or bus numbers for the BARs of the virtual functions (VFs)',
    remedies: { host: ['SR-IOV and above-4G decoding on in the firmware; pci=realloc, pci=assign-busses'] },
  },
  {
    id: 'iommu-off',
    pattern:
      /DMAR: IOMMU disabled|AMD-Vi: (?:IOMMU not (?:detected|enabled)|AMD IOMMUv?\d? .*not)|No IOMMU found|IOMMU not detected/,
    severity: 'fatal',
    verdict: 'fatal for passthrough: no device has an IOMMU group',
    limit: 'IOMMU; no address is at fault',
    why: 'the IOMMU of the host is off, in the firmware or on the command line of the kernel',
    remedies: { host: ['VT-d or AMD-Vi on in the firmware, intel_iommu=on for Intel'] },
  },
  {
    id: 'iommu-fault-status',
    pattern:
      /DMAR: DRHD: handling fault status reg|AMD-Vi: Event logged \[(?!IO_PAGE_FAULT|INVALID_DEVICE_REQUEST)|arm-smmu\S* .*(?:Unexpected global fault|GERROR)/,
    severity: 'goes on',
    verdict: 'QEMU goes on; the IOMMU stopped something that a device did',
    limit: 'see the line with the address',
    why: 'the IOMMU reports a fault; the line behind this one names the device and the address. An illegal device table entry means a device that no domain has',
    remedies: { host: ['the next lines of dmesg'] },
  },
  {
    id: 'harmless-of-kernel',
    pattern:
      /vfio-pci \S+: (?:enabling device \(|resetting$|reset done$|vgaarb: |device reset$)|vfio_pci: add \[|vgaarb: (?:changed VGA decodes|deactivate vga console)/,
    severity: 'harmless',
    verdict: 'harmless: what vfio-pci prints of each device',
    limit: 'none: no address is at fault',
    why: 'the device is bound, enabled or reset, as it should be',
  },
];

export const KERNEL_RULES = [...KERNEL, ...DEVICE].map(plainRule);
