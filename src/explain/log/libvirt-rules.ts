import { plainRule, type PlainRule } from './plain-rule.ts';

const NOT_STARTED = 'fatal: libvirt does not start the guest, or does not attach the device';

/** Messages of libvirt about devices of the host and about locked memory. */
const MESSAGES: readonly PlainRule[] = [
  {
    id: 'memlock-mdev',
    pattern: /vfio_pin_pages?_external: .*RLIMIT_MEMLOCK|vfio_pin_pages?_external: .*exceeded/,
    severity: 'goes on',
    verdict: 'not fatal: QEMU goes on, and the virtual device (mdev) of the line misses pages of the guest',
    limit: 'lock limit',
    why: 'the driver of a mediated device pins pages of the guest while the guest runs, and the process may lock no more',
    remedies: {
      host: ['LimitMEMLOCK=infinity, ulimit -l unlimited, --ulimit memlock=-1, CAP_SYS_RESOURCE for libvirt'],
      qemu: ['libvirt: <memtune><hard_limit> above RAM plus 1 GiB for each device'],
    },
  },
  {
    id: 'memlock-libvirt',
    pattern:
      /cannot limit locked memory|unable to set (?:memory|max(?:imum)?) lock(?:ing|ed)|cannot (?:get|set) (?:the )?(?:locked memory|max locked memory)|RLIMIT_MEMLOCK \(?\d+\)? exceeded|vfio_pin_\w+: RLIMIT_MEMLOCK|[Ff]ailed to lock memory|locking memory failed|mlockall: |lock_memory|prlimit.*MEMLOCK/i,
    severity: 'fatal',
    verdict: 'fatal: RAM cannot be pinned, so QEMU refuses the device',
    limit: 'lock limit',
    why: 'the process may lock less memory than the guest has. libvirt raises the limit to RAM plus 1 GiB for a VFIO device, unless it runs without the right to (session daemon, container: EPERM)',
    remedies: {
      host: ['LimitMEMLOCK=infinity, ulimit -l unlimited, --ulimit memlock=-1, CAP_SYS_RESOURCE for libvirt'],
      qemu: ['libvirt: <memtune><hard_limit> above RAM plus 1 GiB for each device'],
    },
  },
  {
    id: 'libvirt-passthrough',
    pattern:
      /host doesn't support (?:passthrough of host PCI devices|VFIO PCI|legacy PCI passthrough)|VFIO PCI device assignment is not supported/i,
    severity: 'fatal',
    verdict: NOT_STARTED,
    limit: 'IOMMU; no address is at fault',
    why: 'libvirt finds no IOMMU group on the host, or no vfio module',
    remedies: {
      host: [
        'VT-d or AMD-Vi on in the firmware, intel_iommu=on for Intel; modprobe vfio-pci; virt-host-validate says what is missing',
      ],
    },
  },
  {
    id: 'libvirt-reset',
    pattern: /Unable to reset PCI device|not doing (?:bus|power management) reset|No PCI reset capability/i,
    severity: 'fatal',
    verdict: NOT_STARTED,
    limit: 'reset; no address is at fault',
    why: 'the device has no reset of its own, and other devices behind the same bus are in use',
    remedies: { host: ['detach the other functions of the card and give them to the same guest'] },
  },
  {
    id: 'libvirt-in-use',
    pattern:
      /PCI device \S+ is (?:in use by|not assignable|already in use)|PCI device \S+ is managed by|hostdev .* already (?:in use|exists)/,
    severity: 'fatal',
    verdict: NOT_STARTED,
    limit: 'device in use; no address is at fault',
    why: 'another guest of libvirt has the device, or the device is named twice',
    remedies: { host: ['virsh list --all and the <hostdev> of each guest show who has it'] },
  },
  {
    id: 'libvirt-acs',
    pattern: /is behind a switch lacking ACS/,
    severity: 'fatal',
    verdict: NOT_STARTED,
    limit: 'IOMMU group (ACS); no address is at fault',
    why: 'the switch above the device sends peer-to-peer DMA past the IOMMU, so the device is not isolated',
    remedies: {
      host: ['another slot, whose ports have ACS', 'relaxed_acs_check=1 in qemu.conf, at your risk'],
    },
  },
  {
    id: 'libvirt-bind',
    pattern:
      /Failed to (?:bind|unbind|rebind) PCI device|Failed to add PCI device ID|unbind from .*driver|Unable to .*driver_override/i,
    severity: 'fatal',
    verdict: NOT_STARTED,
    limit: 'driver of the device; no address is at fault',
    why: 'the kernel did not give the device to vfio-pci: the module is not loaded, another driver does not let go, or the device has no IOMMU group',
    remedies: {
      host: ['modprobe vfio-pci; driverctl or vfio-pci.ids= binds it at boot; dmesg at that moment'],
    },
  },
  {
    id: 'libvirt-no-device',
    pattern:
      /Device \S+ not found: could not access|PCI device \S+ (?:does not exist|not found)|device not found: .*hostdev|no matching PCI device/i,
    severity: 'fatal',
    verdict: NOT_STARTED,
    limit: 'address of the device on the host',
    why: 'the host has no PCI device at the address of <hostdev>; addresses move when a card is added or the firmware renumbers',
    remedies: { host: ['lspci -D; the address in <source> of <hostdev>'] },
  },
  {
    id: 'header-all-ones',
    pattern: /Unknown PCI header type '?(?:127|0x7f|255|0xff)'?/,
    severity: 'fatal',
    verdict: 'fatal for the device: it answers nothing, so no driver can use it',
    limit: 'power state; no address is at fault',
    why: 'header type 127 is 0x7f: the device answers all ones. It sleeps (D3cold), failed in a reset, or left the bus',
    remedies: { host: ['a cold start of the host; vfio-pci.disable_idle_d3=1; another reset_method'] },
  },
  {
    id: 'libvirt-no-slot',
    pattern:
      /No more available PCI (?:slots|addresses)|Bus '\S+' does not support hotplugging|no slot\/function available for vfio|Hot ?plug.*(?:unsupported|not supported)|No 'PCI' bus found for device/i,
    severity: 'fatal',
    verdict: 'fatal for the device: it cannot be plugged there',
    limit: 'PCI slots of the guest; no address is at fault',
    why: 'the machine has no slot for the device at this place: pcie.0 takes no hot-plug, a root port takes one device, microvm has no PCI by itself',
    remedies: {
      qemu: [
        'a pcie-root-port more for each device that is plugged later (libvirt: <controller model="pcie-root-port"/>)',
      ],
    },
  },
  {
    id: 'libvirt-monitor-closed',
    pattern:
      /qemu unexpectedly closed the monitor$|Process exited prior to exec|Failed to start domain \S+$|process exited while connecting to monitor:?$/,
    severity: 'fatal',
    verdict: 'fatal: QEMU ended while libvirt started it',
    limit: 'none named: the line says only that QEMU ended',
    why: 'the reason stands in the lines of QEMU behind this one, or in /var/log/libvirt/qemu/NAME.log',
    remedies: { host: ['give the last lines of /var/log/libvirt/qemu/NAME.log'] },
  },
];

export const LIBVIRT_RULES = MESSAGES.map(plainRule);
