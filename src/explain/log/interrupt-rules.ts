import { Errno } from '../../host/index.ts';
import { plainRule, type PlainRule } from './plain-rule.ts';

const LIMIT = 'interrupts; no address is at fault';
const NO_SPACE = 'the host has no interrupt vectors left for so many';

/** Messages of QEMU about the interrupts of a device. Beginners take them for faults of its BARs. */
const MESSAGES: readonly PlainRule[] = [
  {
    id: 'intx-acceleration',
    pattern: /[Ff]ailed to set ?up resample irqfd|Failed to disable INTx irqfd/,
    severity: 'goes on',
    verdict: 'not fatal: QEMU goes on, and each interrupt of the pin (INTx) takes the slow way through QEMU',
    limit: LIMIT,
    why: 'KVM or the kernel’s VFIO did not take the pair of eventfds by which an INTx reaches the guest without QEMU',
    remedies: {
      guest: ['a driver that uses MSI or MSI-X'],
      qemu: ['x-no-kvm-intx=on says the same on purpose'],
    },
  },
  {
    id: 'intx',
    pattern:
      /[Ff]ailed to set ?up INTx|Failed to enable INTx|event_?notifier_init (?:failed \()?\(?(?:intx|unmask)|signaling for interrupt INTX-\d|vfio_intx_\w+.*failed/i,
    severity: 'fatal',
    verdict: 'fatal for the device: QEMU refuses it, as it needs the interrupt pin (INTx) from the start',
    limit: LIMIT,
    why: 'the kernel did not give the interrupt of the pin (INTx) to QEMU',
    errors: {
      [Errno.EBUSY]:
        'another driver of the host shares the interrupt line, and this device cannot mask its INTx, so that it needs the line alone',
      [Errno.EINVAL]: 'the device has no interrupt line on this host, or it was disabled',
      [Errno.EPERM]: 'the process may not use the interrupt',
    },
    remedies: {
      host: [
        '/proc/interrupts and `lspci -vv` ("IRQ") show who shares the line: unbind that driver, or use another slot',
        'vfio-pci.nointxmask=1 for devices whose masking of INTx is broken',
      ],
    },
  },
  {
    id: 'msi-fewer',
    pattern: /Failed to enable \d+ MSI vectors, retry with \d+/,
    severity: 'goes on',
    verdict: 'not fatal: the device goes on with fewer MSI vectors',
    limit: LIMIT,
    why: NO_SPACE,
  },
  {
    id: 'msi',
    pattern:
      /vfio: (?:Error: )?[Ff]ailed to (?:enable (?:vectors|MSI(?:-X)?)|set ?up MSI fds|modify vector)|msix_set_vector_notifiers failed|signaling for interrupt (?:MSIX?|MSI-X)-\d+|kvm_irqchip_\w+.*failed|[Ff]ailed to (?:commit|add) .*(?:msi|irq) rout/i,
    severity: 'goes on',
    verdict: 'QEMU goes on, and the device has no interrupts: its driver in the guest waits or gives up',
    limit: LIMIT,
    why: 'the kernel refused the MSI or MSI-X vectors of the device',
    errors: {
      [Errno.ENOSPC]: NO_SPACE,
      [Errno.EINVAL]:
        'the device offers fewer vectors than asked for, or the device is in no state to use them',
      [Errno.ENOMEM]: 'no memory for the vectors',
      [Errno.EBUSY]: 'a vector is in use',
    },
    remedies: {
      host: ['dmesg at that moment; more CPUs have more vectors; interrupt remapping on (x2APIC)'],
      guest: ['a driver that asks for fewer vectors'],
    },
  },
  {
    id: 'eventfd-of-device',
    pattern: /(?:err|req)_notifier|signaling for interrupt (?:ERR|REQ)-\d|vfio_notifier_init \S+ failed/,
    severity: 'goes on',
    verdict: 'not fatal: QEMU goes on without word of errors (AER) or of the host asking for the device back',
    limit: LIMIT,
    why: 'the kernel gave no eventfd: too many open files, or the device has no such event',
    remedies: { host: ['ulimit -n of the process'] },
  },
  {
    id: 'ioeventfd',
    pattern: /error (?:adding|deleting) ioeventfd/,
    severity: 'fatal',
    verdict: 'fatal: QEMU ends (abort)',
    limit: 'I/O devices of KVM',
    why: 'KVM refused an eventfd for writes to an address (a doorbell of virtio, or a register of a passed-through device)',
    errors: {
      [Errno.ENOSPC]: 'KVM has no room for more: 1000 on a bus, with all virtio queues together',
      [Errno.EEXIST]: 'another device has an eventfd at this address: two BARs share it',
    },
    remedies: { qemu: ['fewer queues; ioeventfd=off; x-no-vfio-ioeventfd=on for the passed-through device'] },
  },
  {
    id: 'ioeventfd-of-quirk',
    pattern: /ioeventfd queue full|Failed to remove vfio ioeventfd/,
    severity: 'harmless',
    verdict: 'harmless: some writes of the guest to registers of the GPU stay slow',
    limit: 'ioeventfds of a quirk',
    why: 'QEMU puts an eventfd behind a register that the driver of the guest writes often, and this one could not be made or removed',
  },
];

export const INTERRUPT_RULES = MESSAGES.map(plainRule);
