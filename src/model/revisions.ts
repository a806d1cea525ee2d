import { CLOUD_HYPERVISOR_REVISIONS, type CloudHypervisorRevision } from '../cloud-hypervisor/index.ts';
import type { IommuTypeName, MachineType } from '../scenario/index.ts';
import { REVISIONS, type Revision } from '../vfio/index.ts';

/** A revision of QEMU or of cloud-hypervisor. */
export type AnyRevision = Revision | CloudHypervisorRevision;

/** Every revision of barproof: those of QEMU, oldest first, and then those of cloud-hypervisor. */
export const ALL_REVISIONS: readonly AnyRevision[] = [...REVISIONS, ...CLOUD_HYPERVISOR_REVISIONS];

const BY_ID = new Map(ALL_REVISIONS.map((revision) => [revision.id, revision]));

/** The revision with the id; `undefined` where there is none. */
export const findAnyRevision = (id: string): AnyRevision | undefined => BY_ID.get(id);

/** What the scenarios for a revision may contain; generators take it as options. */
export interface Scope {
  readonly revision: string;
  readonly iommuTypes: readonly IommuTypeName[];
  /** All machine types when left out. */
  readonly machineTypes?: readonly MachineType[];
  /** `false` for a VMM without `add-region` and without transactions. */
  readonly overlays?: false;
  /** Whether the revision runs scenarios with a virtio-mem, and with read-only BARs; `false` for cloud-hypervisor. */
  readonly virtioMem: boolean;
  readonly readonlyBars: boolean;
  /** `false` for a VMM whose model has no expansion ROMs. */
  readonly roms?: false;
  /** Whether the rules of the revision say what becomes of a request that a fault of the host refuses. */
  readonly faults: boolean;
}

/** The scope of a revision. cloud-hypervisor has one machine, its own, and no memory API as QEMU has. */
export const scopeOf = (revision: AnyRevision): Scope => ({
  revision: revision.id,
  iommuTypes: revision.iommus,
  ...(revision.vmm === undefined
    ? { virtioMem: revision.hasVirtioMem, readonlyBars: revision.hasReadonlyBars, faults: true }
    : {
        machineTypes: ['generic'],
        overlays: false,
        virtioMem: false,
        readonlyBars: false,
        roms: false,
        faults: false,
      }),
});
