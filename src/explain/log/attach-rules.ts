import { Errno } from '../../host/index.ts';
import { plainRule, type PlainRule } from './plain-rule.ts';

const REFUSED = 'fatal for the device: QEMU refuses it';
const BIND_ALL =
  'bind every device of the group (bridges apart) to vfio-pci; `ls /sys/kernel/iommu_groups/N/devices` lists them';
const REMAPPING: PlainRule['remedies'] = {
  host: ['interrupt remapping in the firmware; or vfio_iommu_type1.allow_unsafe_interrupts=1 at your risk'],
};
const IOMMU_ON =
  'the IOMMU on: VT-d or AMD-Vi in the firmware, and intel_iommu=on on the command line of the kernel for Intel';

/** Messages about IOMMU groups and containers. */
const GROUPS: readonly PlainRule[] = [
  {
    id: 'group-not-viable',
    pattern:
      /group \d+ is not viable|group is not viable|[Pp]lease ensure all devices within the iommu_group are bound/,
    severity: 'fatal',
    verdict: REFUSED,
    limit: 'IOMMU group; no address is at fault',
    why: 'another device of the IOMMU group has a driver of the host',
    remedies: { host: [BIND_ALL, 'another slot, where the device has a group of its own'] },
  },
  {
    id: 'device-from-group',
    pattern:
      /error getting device (?:\S+ )?from group|Verify all devices in group \d+ are bound to vfio|VFIO_GROUP_GET_DEVICE_FD/,
    severity: 'fatal',
    verdict: REFUSED,
    limit: 'driver of the device; no address is at fault',
    why: 'the group is there, and the kernel does not hand out this device of it',
    errors: {
      [Errno.ENODEV]: 'vfio-pci is not the driver of the device, or the device is gone',
      [Errno.EINVAL]: 'vfio-pci could not enable the device',
      [Errno.EBUSY]: 'another process has the device open',
      [Errno.EIO]: 'the device does not answer: a reset that failed, or a device that sleeps (D3)',
      [Errno.EPERM]: 'the process may not use the device',
      [Errno.EACCES]: 'the VF needs a token (vf-token=), as its PF belongs to vfio-pci',
    },
    remedies: { host: ['lspci -k: the driver in use must be vfio-pci', 'dmesg at that moment'] },
  },
  {
    id: 'no-iommu-group',
    pattern:
      /no iommu_group (?:found|for device)|failed to get group \d+(?: status)?$|failed to read \S*iommu_group/i,
    severity: 'fatal',
    verdict: REFUSED,
    limit: 'IOMMU; no address is at fault',
    why: 'the device has no IOMMU group: the host has no IOMMU in use, or none for this device',
    remedies: { host: [`${IOMMU_ON}; dmesg then names groups ("Adding to iommu group")`] },
  },
  {
    id: 'group-of-two-spaces',
    pattern: /group \d+ used in multiple address spaces/,
    severity: 'fatal',
    verdict: REFUSED,
    limit: 'IOMMU group; no address is at fault',
    why: 'devices of one IOMMU group stand in two address spaces of the guest: with a vIOMMU each device has its own',
    remedies: {
      qemu: [
        'the devices of the group behind one pcie-pci-bridge, so that they share an address space; or no vIOMMU',
      ],
    },
  },
  {
    id: 'device-in-use',
    pattern: /(?:device is|device \S+ is) already attached|error bind device fd=/,
    severity: 'fatal',
    verdict: REFUSED,
    limit: 'device in use; no address is at fault',
    why: 'the device is given twice to this QEMU, or another process uses it',
    errors: { [Errno.EINVAL]: 'the iommufd takes no device of this driver' },
    remedies: { host: ['`fuser /dev/vfio/N` or /dev/vfio/devices/vfioN shows the process'] },
  },
  {
    id: 'no-host-device',
    pattern:
      /no such host device|No provided host device|this isn't a PCI device|unexpected number of (?:io regions|irqs) \d+/,
    severity: 'fatal',
    verdict: REFUSED,
    limit: 'address of the device on the host',
    why: 'the host has no PCI device at the address after host=, or the device there is of another kind',
    remedies: { host: ['lspci -D shows the addresses; they move when a card is added'] },
  },
  {
    id: 'device-type',
    pattern:
      /assignment of PCIe type 0x[0-9a-f]+ devices is not currently supported|Non-endpoint PCI devices cannot be assigned/i,
    severity: 'fatal',
    verdict: REFUSED,
    limit: 'kind of the device; no address is at fault',
    why: 'the device is a bridge, a port or a switch; only endpoints can be passed through',
    remedies: { host: ['give the device behind the bridge'] },
  },
];

/** Messages about opening VFIO and setting up its container. */
const CONTAINERS: readonly PlainRule[] = [
  {
    id: 'no-interrupt-remapping',
    pattern: /No interrupt remapping (?:support|for)|allow_unsafe_interrupts/,
    severity: 'fatal',
    verdict: 'fatal: the container cannot be set up (EPERM)',
    limit: 'interrupt remapping; no address is at fault',
    why: 'the IOMMU does not isolate interrupts',
    remedies: REMAPPING!,
  },
  {
    id: 'container-not-permitted',
    pattern: /[Ff]ailed to set iommu for container: Operation not permitted/,
    severity: 'fatal',
    verdict: REFUSED,
    limit: 'interrupt remapping; no address is at fault',
    why: 'EPERM: the kernel does not attach the group, as a rule because the IOMMU does not isolate interrupts; dmesg then says "No interrupt remapping support"',
    remedies: REMAPPING!,
  },
  {
    id: 'vfio-open',
    pattern:
      /failed to open \/dev\/(?:vfio|iommu)|error opening \/dev\/vfio|(?:could not|cannot|unable to) open '?\/dev\/(?:vfio|iommu)|DENIED.*name="\/dev\/(?:vfio|iommu)|(?:failed to find|couldn't open directory) \S*vfio-dev|cannot create iommufd|failed to (?:load|get major:minor for) "\S*vfio-dev/i,
    severity: 'fatal',
    verdict: 'fatal for the device: QEMU cannot open it',
    limit: 'access to /dev/vfio; no address is at fault',
    why: 'the file is missing (device not bound to vfio-pci), in use by another process, or not permitted',
    errors: {
      [Errno.ENOENT]:
        'the file is missing: the device is not bound to vfio-pci, or the modules vfio and iommufd are not loaded',
      [Errno.EBUSY]: 'another process has the group open: one group belongs to one process',
      [Errno.EACCES]: 'the permissions of the file, SELinux or AppArmor forbid it',
      [Errno.EPERM]:
        'the process may not, or its cgroup has no such device (--device /dev/vfio/N of the container)',
    },
    remedies: { host: ['lspci -k: the driver in use must be vfio-pci; permissions of /dev/vfio/N'] },
  },
  {
    id: 'no-iommu-models',
    pattern: /[Nn]o available IOMMU models/,
    severity: 'fatal',
    verdict: REFUSED,
    limit: 'IOMMU model; no address is at fault',
    why: 'the kernel offers no model of an IOMMU that this QEMU knows (type1, or sPAPR on POWER): the module of the model is not loaded, or the host has no IOMMU in use',
    remedies: { host: ['modprobe vfio_iommu_type1', IOMMU_ON] },
  },
  {
    id: 'container-set-up',
    pattern:
      /failed to set (?:iommu for|group) container|Unable to .*IOMMU_IOAS|IOMMU_IOAS_ALLOC|failed to set ?up container for group \d+(?!.*memory listener)|error attach \S+ \(\d+\) to id=|Failed to get VFIO IOMMU info|Cannot get IOVA ranges|supported vfio version: \d+|VFIO_(?:CHECK_EXTENSION|SET_IOMMU|GET_API_VERSION)/i,
    severity: 'fatal',
    verdict: REFUSED,
    limit: 'IOMMU; no address is at fault',
    why: 'the kernel did not put the group of the device into the container that holds the mappings of the guest',
    errors: {
      [Errno.EINVAL]:
        'the device cannot join the mappings that are there (RAM meets its reserved ranges or its width), or the group is in another container',
      [Errno.EBUSY]: 'a driver of the host or another process has a device of the group',
      [Errno.ENODEV]: 'the IOMMU of the host is not in use for this device',
      [Errno.EPERM]: 'the IOMMU does not isolate interrupts, or the process may not',
      [Errno.EADDRINUSE]: 'RAM that is mapped meets a range that the device reserves',
      [Errno.ENOMEM]: 'the process may not lock so much memory',
    },
    remedies: {
      host: ['dmesg at that moment', '/sys/kernel/iommu_groups/N/reserved_regions of the device', IOMMU_ON],
    },
  },
  {
    id: 'iova-conflict',
    pattern:
      /iommu_attach_group failed|Failed to attach group|vfio_iommu_type1_attach_group|conflicts? with (?:an )?existing|attach_ioas/i,
    severity: 'fatal',
    verdict: 'fatal for the device: it cannot join the container',
    limit: 'reserved range, or IOMMU width',
    why: 'ranges that are mapped already (RAM) meet what the new device reserves (RMRR, MSI), or lie beyond the width of its IOMMU (EINVAL; EADDRINUSE of iommufd)',
    remedies: { host: ['/sys/kernel/iommu_groups/N/reserved_regions of the device'] },
  },
  {
    id: 'rmrr',
    pattern:
      /Device is ineligible for IOMMU domain attach due to platform RMRR requirement|requested this device have a 1:1 IOMMU mapping/,
    severity: 'fatal',
    verdict: 'fatal for the device: the host keeps it',
    limit: 'reserved range',
    why: 'the firmware reserves memory for this device (RMRR), which the kernel does not give to a guest',
    remedies: { host: ['a setting of the firmware that frees the RMRR'] },
  },
  {
    id: 'power-window',
    pattern:
      /Failed to (?:create|remove) a? ?window|VFIO_IOMMU_SPAPR_TCE_(?:GET_INFO|CREATE|REMOVE)|Host doesn't support (?:page size|multi-level TCE|DMA window)|overlaps with existing \S*window|Overlapped IOMMU are not enabled|Cannot possibly preregister/i,
    severity: 'fatal',
    verdict: 'fatal on POWER: the guest has no window for the DMA of this device',
    limit: 'DMA window',
    why: 'the host gives a window of other addresses, other pages or fewer windows than the guest asks for (sPAPR TCE)',
    errors: {
      [Errno.ENOSPC]: 'all windows are taken',
      [Errno.EINVAL]: 'a page size or address that the host does not offer',
    },
    remedies: {
      qemu: ['pseries: ddw=off, or ddw=on with pgsz= that the host offers; one device for each bridge'],
    },
  },
  {
    id: 'kvm-vfio-device',
    pattern: /Failed to (?:create|add|remove) .*KVM VFIO device|KVM VFIO device isn't created/,
    severity: 'goes on',
    verdict:
      'not fatal: QEMU goes on, and KVM does not know of the device (no-snoop DMA, and POWER’s fast mappings)',
    limit: 'none: no address is at fault',
    why: 'KVM did not take the VFIO group or device',
    remedies: { host: ['modprobe vfio; a kernel with KVM_VFIO'] },
  },
];

export const ATTACH_RULES = [...GROUPS, ...CONTAINERS].map(plainRule);
