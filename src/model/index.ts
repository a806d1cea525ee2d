/** Runs scenarios on the models of QEMU and cloud-hypervisor, each with a modelled host. */
export { makeHostDevice } from './host-devices.ts';
export { makeHostFaults } from './host-faults.ts';
export { makeHostIommu } from './host-iommu.ts';
export { makeHostKvm } from './host-kvm.ts';
export { KVM_ARCHITECTURE_OF } from './kvm-architecture-of.ts';
export { ModelTarget, runOnModel, runToTheEnd } from './model-target.ts';
export { mtreeAfter, type MtreeOptions } from './mtree-after.ts';
export { openModel, openModelRunner, type ScenarioRunner } from './open-model.ts';
export { requireQemuRevision, requireRevision, requireSuitable, unsuitable } from './require-revision.ts';
export { ALL_REVISIONS, findAnyRevision, scopeOf, type AnyRevision, type Scope } from './revisions.ts';
export { mapViewOnHost, type ViewOnHost, type ViewRange } from './view-on-host.ts';
