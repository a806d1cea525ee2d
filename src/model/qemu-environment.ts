import type { HostFaults } from '../host/index.ts';
import type { Machine } from '../machine/index.ts';
import type { MemoryTopology } from '../memory/index.ts';
import type { Scenario } from '../scenario/index.ts';
import type { EventSink, Revision } from '../vfio/index.ts';

/** What the containers and devices of a modelled QEMU share. */
export interface QemuEnvironment {
  readonly scenario: Scenario;
  readonly revision: Revision;
  readonly topology: MemoryTopology;
  readonly machine: Machine;
  readonly emit: EventSink;
  readonly faults: HostFaults;
}

/** Whether the devices of the scenario are served over vfio-user, and not by a kernel. */
export const isVfioUser = ({ host }: Scenario): boolean => host.iommu.type === 'vfio-user';
