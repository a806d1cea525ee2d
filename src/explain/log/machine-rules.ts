import { Errno } from '../../host/index.ts';
import { plainRule, type PlainRule } from './plain-rule.ts';

const NOT_STARTED = 'fatal: QEMU does not start, or refuses the device';

/** Messages about the command line of QEMU, and about RAM that cannot be made. */
const MESSAGES: readonly PlainRule[] = [
  {
    id: 'unknown-property',
    pattern: /Property '(?:vfio-\S+|[\w-]*)\.(?:[\w-]+)' not found/,
    severity: 'fatal',
    verdict: NOT_STARTED,
    limit: 'option of this release',
    why: 'this QEMU has no such property of the device: a typing error, or a property of a later release (x-msix-relocation since 2.12, iommufd since 9.0)',
    remedies: { qemu: ['`-device vfio-pci,help` lists the properties of this release'] },
  },
  {
    id: 'property-value',
    pattern:
      /Property '(?:vfio-\S+|[\w-]*)\.[\w-]+' doesn't take value|Parameter '\S+' expects|Invalid parameter '\S+'/,
    severity: 'fatal',
    verdict: NOT_STARTED,
    limit: 'value of an option',
    why: 'the value has another form than the property takes: host= takes DDDD:BB:DD.F, in hexadecimal',
    remedies: { qemu: ['`-device vfio-pci,help` lists the properties and their kinds'] },
  },
  {
    id: 'no-such-device-model',
    pattern: /'vfio-[\w-]+' is not a valid device model name|Device '?vfio-[\w-]+'? not found/,
    severity: 'fatal',
    verdict: NOT_STARTED,
    limit: 'build of QEMU',
    why: 'this QEMU is built without VFIO, or has the device in a package or module of its own',
    remedies: { qemu: ['`-device help` lists the devices of this build'] },
  },
  {
    id: 'device-not-initialized',
    pattern:
      /Device '?(?:vfio-[\w-]+'? could not be initialized|initialization failed)|vfio-pci.*: Device initialization failed/,
    severity: 'fatal',
    verdict: NOT_STARTED,
    limit: 'see the line before',
    why: 'QEMU before 2.9 prints this behind the line that has the reason',
    remedies: { qemu: ['give the line before, which begins with "vfio"'] },
  },
  {
    id: 'function-in-use',
    pattern:
      /PCI: slot \d+ function \d+ (?:not available|already occupied)|single function device can't be populated|indicates single function/,
    severity: 'fatal',
    verdict: NOT_STARTED,
    limit: 'PCI slots of the guest; no address is at fault',
    why: 'two devices of the guest have one slot and function, or function 0 does not say that there are more',
    remedies: { qemu: ['another addr=; multifunction=on for function 0'] },
  },
  {
    id: 'capabilities-overlap',
    pattern: /Attempt to add PCI capability \w+ at offset \w+ overlaps existing capability/,
    severity: 'fatal',
    verdict: 'fatal for the device: QEMU refuses it',
    limit: 'PCI capability',
    why: 'two capabilities of the device claim the same bytes of configuration space; the line has their ids and offsets',
    remedies: { host: ['`lspci -vv -xxx` shows the capabilities as the device has them'] },
  },
  {
    id: 'guest-ram',
    pattern:
      /cannot set up guest memory|can't open backing store|unable to map backing store|os_mem_prealloc|qemu_prealloc_mem|(?:unable|failed) to (?:map|preallocate) .*(?:memory|hugepage)/i,
    severity: 'fatal',
    verdict: 'fatal: QEMU does not start; no device is at fault',
    limit: 'memory of the host',
    why: 'the host has not so much memory, or not so many huge pages, for the RAM of the guest',
    remedies: { host: ['/proc/meminfo: HugePages_Free, CommitLimit; free memory'], qemu: ['less RAM'] },
  },
  {
    id: 'no-kvm',
    pattern: /Could not access KVM kernel module|failed to initialize (?:KVM|kvm)/,
    severity: 'fatal',
    verdict: 'fatal: QEMU does not start; no device is at fault',
    limit: 'KVM; no address is at fault',
    why: '/dev/kvm cannot be opened',
    errors: {
      [Errno.ENOENT]: 'the file is missing: virtualization is off in the firmware, or kvm is not loaded',
      [Errno.EACCES]: 'the user is not in the group of /dev/kvm',
    },
    remedies: { host: ['modprobe kvm_intel or kvm_amd; the group of /dev/kvm'] },
  },
  {
    id: 'rom-of-device',
    pattern:
      /failed to (?:find|load) romfile|romfile "\S*" (?:too large|is empty|\()|ROM (?:size \d+ is not a power of two|access failed)|Error (?:reading device|getting) ROM/,
    severity: 'depends',
    verdict: 'fatal where romfile= names a file; else the device has no ROM, and QEMU goes on',
    limit: 'ROM of the device; no address is at fault',
    why: 'the ROM of the device, or the file in its place, cannot be read or has a wrong size',
    remedies: { qemu: ['romfile= with a file that QEMU may read, or rombar=0'] },
  },
  {
    id: 'target-space',
    pattern: /Wrong target AS "/,
    severity: 'goes on',
    verdict: 'not fatal: QEMU goes on, and this DMA of the device is lost',
    limit: 'address space of the vIOMMU',
    why: 'the vIOMMU of the guest points to something that is not the memory of the machine',
    remedies: { guest: ['the driver of the vIOMMU'] },
  },
  {
    id: 'region-of-device',
    pattern:
      /failed to get (?:region \d+|config|device) info|failed getting region info|failed to read device config space|Failed to read BAR \d|hot reset info failed|error getting device info|failed (?:reading|to read) (?:MSI|PCI MSIX)|does not support requested feature x-vga|unexpected VGA info/i,
    severity: 'depends',
    verdict: 'fatal where QEMU starts with the device; else the device works without this part',
    limit: 'what the kernel tells of the device',
    why: 'the kernel’s VFIO did not describe or read this part of the device',
    errors: {
      [Errno.EIO]: 'the device does not answer: a reset that failed, or it sleeps (D3)',
      [Errno.EINVAL]: 'the driver has no such part (VGA needs CONFIG_VFIO_PCI_VGA)',
      [Errno.ENOTTY]: 'the driver of the device does not know the request',
    },
    remedies: { host: ['dmesg at that moment', 'lspci -vv of the device: does it answer?'] },
  },
];

export const MACHINE_RULES = MESSAGES.map(plainRule);
