import type { MemoryRules, MtreeForm } from '../memory/index.ts';
import type { PciRules } from '../pci/index.ts';
import type { AccessRules } from './guest-access/access-rules.ts';
import type { ContainerRules } from './container-rules.ts';
import type { DeviceRules } from './device-rules.ts';
import type { HostRules } from './host-rules.ts';
import type { IommuType } from './iommu-type.ts';
import type { ListenerRules } from './listener-rules.ts';
import type { MachineRules } from './machine-rules.ts';
import type { MemslotRules } from './memslot-rules.ts';

/**
 * A version of QEMU, or a patch proposed for it: data and small pure functions. A revision spreads an older
 * one and names what differs. The engine asks the rules and never looks at `id`.
 */
export interface Revision {
  /** `qemu-2.11`, or base and proposal: `seed-v2+skip-as-posted`. */
  readonly id: string;
  /** One line for people. */
  readonly title: string;
  /** Where the rules come from: a release, a line of the seed thread, a commit subject. */
  readonly source: string;
  /** Absent for QEMU; a revision of another VMM names the VMM here. */
  readonly vmm?: undefined;
  /** The kinds of container that the version has. */
  readonly iommus: readonly IommuType[];
  /** Whether VFIO follows what a virtio-mem plugs (6.1 and later, vfio fact 6.5); other revisions run no scenario with one. */
  readonly hasVirtioMem: boolean;
  /** Whether devices log what they write while a migration runs (8.0 and later, vfio fact 6.15). */
  readonly hasDirtyTracking: boolean;
  /** Whether scenarios may have read-only BARs. Older revisions abort when the kernel refuses to map one for writing. */
  readonly hasReadonlyBars: boolean;
  readonly container: ContainerRules;
  readonly listener: ListenerRules;
  readonly device: DeviceRules;
  readonly memslots: MemslotRules;
  readonly access: AccessRules;
  readonly machine: MachineRules;
  readonly memory: MemoryRules;
  readonly pci: PciRules;
  readonly host: HostRules;
  /** The function of QEMU that a message about a refused DMA map names. */
  readonly dmaMapFunction: 'vfio_dma_map' | 'vfio_container_dma_map';
  /** The region of a file in place of the expansion ROM of a vfio-pci: QEMU names it by the device's migration state (pci fact 4.11). */
  readonly romfileRegion: 'vfio-pci.rom' | 'vfio-cpr-pci.rom';
  /** The form of its `info mtree`. */
  readonly mtree: MtreeForm;
}
