import { CLOUD_HYPERVISOR_REVISIONS, type CloudHypervisorRevision } from '../cloud-hypervisor/index.ts';
import type { IommuTypeName, MachineType } from '../scenario/index.ts';
import { REVISIONS, type Revision } from '../vfio/index.ts';

/** A revision of any VMM that there is a model of. */
export type AnyRevision = Revision | CloudHypervisorRevision;

/** Every revision that barproof knows: QEMU's, oldest first, and then those of other VMMs. */
export const ALL_REVISIONS: readonly AnyRevision[] = [...REVISIONS, ...CLOUD_HYPERVISOR_REVISIONS];

const BY_ID = new Map(ALL_REVISIONS.map((revision) => [revision.id, revision]));

/** The revision with this id, if there is one. */
export const findAnyRevision = (id: string): AnyRevision | undefined => BY_ID.get(id);

/** What scenarios for a revision can be about: what generators are to be asked for. */
export interface Scope {
  readonly revision: string;
  readonly iommuTypes: readonly IommuTypeName[];
  /** Left out for all. */
  readonly machineTypes?: readonly MachineType[];
  /** Whether there are overlays, and transactions of the memory API; left out where there are. */
  readonly overlays?: false;
}

/** VMMs other than QEMU have one machine, their own, and nothing of QEMU's memory API. */
export const scopeOf = ({ id, iommus, vmm }: AnyRevision): Scope => ({
  revision: id,
  iommuTypes: iommus,
  ...(vmm !== undefined && { machineTypes: ['generic'], overlays: false }),
});
