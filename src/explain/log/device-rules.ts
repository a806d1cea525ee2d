import { plainRule, type PlainRule } from './plain-rule.ts';

/** Messages about a device that beginners take for faults of its BARs. */
const DEVICE_MESSAGES: readonly PlainRule[] = [
  {
    id: 'cannot-reset',
    pattern: /Cannot reset device .*(?:depends on|no available reset mechanism)/,
    severity: 'goes on',
    verdict: 'not fatal: QEMU goes on, and the device keeps its state over a reset of the machine',
    limit: 'reset; no address is at fault',
    why: 'the device has no reset of its own, and a reset of the bus would hit a device that is not assigned to the same machine',
    remedies: { qemu: ['assign the other functions of the slot or group to the same machine'] },
  },
  {
    id: 'stuck-in-d3',
    pattern: /Unable to power on device, stuck in D\d/,
    severity: 'goes on',
    verdict: 'QEMU goes on, and the device does not work: its BARs answer all ones',
    limit: 'power state; no address is at fault',
    why: 'the device does not leave its power state, as a rule after a reset that failed',
    remedies: { host: ['vfio-pci.disable_idle_d3=1; a cold start of the host brings the device back'] },
  },
  {
    id: 'unrecoverable-error',
    pattern: /Unrecoverable error detected\. Please collect any data possible/,
    severity: 'fatal',
    verdict: 'fatal for the guest: QEMU stops its CPUs (internal-error)',
    limit: 'PCI Express error; no address is at fault',
    why: 'the host reported an uncorrectable error of the device (AER)',
    remedies: { host: ['dmesg: the lines of AER say which error'] },
  },
  {
    id: 'bars-restored',
    pattern: /reset recovery - restoring bars/i,
    severity: 'harmless',
    verdict: 'harmless by itself: vfio-pci wrote the BARs of the host back',
    limit: 'none: the device was reset behind the back of vfio-pci',
    why: 'vfio-pci found the BARs of the device cleared. The line again and again means that the device does not come out of its reset',
    remedies: { host: ['another reset method: /sys/bus/pci/devices/…/reset_method'] },
  },
  {
    id: 'harmless-of-device',
    pattern:
      /Could not enable error recovery for the device|Invalid PCI ROM header signature|vfio_(?:ecap|cap)_init: hiding e?cap|Cannot read device rom at/,
    severity: 'harmless',
    verdict: 'harmless for BARs and DMA',
    limit: 'none: no address is at fault',
    why: 'the line is about error reports (AER), the ROM of the device, or a capability that vfio-pci hides from the guest',
  },
  {
    id: 'listener-trace',
    pattern: /vfio_listener_region_(?:add_ram|add_skip|skip|add_iommu|del)\b/,
    severity: 'harmless',
    verdict: 'harmless: trace events of QEMU, which print every range and no fault',
    limit: 'none: the lines say what VFIO maps and skips',
    why: 'region_add [ram] is a range that VFIO maps; SKIPPING is a range that is no memory for DMA (registers, or an address from 2^63 on). A refused map prints a line with vfio_dma_map or vfio_container_dma_map',
    remedies: { qemu: ['`info mtree -f` shows the same ranges with their names; explain reads it'] },
  },
];

export const DEVICE_RULES = DEVICE_MESSAGES.map(plainRule);
