import type { HostAddress, Size } from '../address/index.ts';
import type { HostFaults } from '../host/index.ts';
import type { PciBus, PciRules } from '../pci/index.ts';
import type { DeviceRules } from './device-rules.ts';
import type { EventSink } from './event.ts';

/** What a device needs to know of the machine that it is plugged into. */
export interface DeviceEnvironment {
  readonly bus: PciBus;
  readonly rules: DeviceRules;
  /** How the PCI core decodes BARs; QEMU's rules by default. */
  readonly pciRules?: PciRules;
  readonly hostPageSize: Size;
  readonly machineOptsOutOfMsixEmulation: boolean;
  /** Whether the device is a vfio-user-pci: it gets a PBA region of its own (vfio fact 5.14). */
  readonly vfioUser: boolean;
  /** QEMU's name of the region of a file in place of the expansion ROM (pci fact 4.11). */
  readonly romfileRegion: string;
  /** Reserves `size` bytes of the VMM's address space, at a multiple of `alignment` bytes. */
  readonly reserve: (size: Size, alignment: Size) => HostAddress;
  /** Requests that the host does not carry out; none when left out. */
  readonly faults?: HostFaults;
  readonly emit: EventSink;
}
