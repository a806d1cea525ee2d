import type { Memslot } from '../host/index.ts';
import type { AddressSpace } from '../memory/index.ts';
import type { Scenario } from '../scenario/index.ts';
import { DeviceRefused, StartRefused, VmmAbort, type AbortSite } from '../vfio/index.ts';
import type { Target, ContainerState, Outcome, Step, Teardown, Trace } from '../trace/index.ts';
import { snapshotBarRegisters, snapshotState, snapshotTree, takeChange } from './snapshot.ts';
import { CloudHypervisorVmm } from './cloud-hypervisor-vmm.ts';
import type { ModelledVmm } from './modelled-vmm.ts';
import { requireRevision, requireSuitable } from './require-revision.ts';
import { findAnyRevision, type AnyRevision } from './revisions.ts';
import { QemuVmm } from './qemu-vmm.ts';

/** How a run ended. */
export interface End {
  readonly outcome: Outcome;
  readonly error: string | undefined;
  readonly abortSite: AbortSite | undefined;
}

const OK: End = { outcome: 'ok', error: undefined, abortSite: undefined };

/** The target that runs scenarios on the models of QEMU and of cloud-hypervisor. */
export class ModelTarget implements Target {
  readonly name = 'model';
  readonly #find: (id: string) => AnyRevision | undefined;

  /** @param find finds a revision by its id; by default among those of barproof. */
  constructor(find: (id: string) => AnyRevision | undefined = findAnyRevision) {
    this.#find = find;
  }

  /** @throws InvalidInput when the revision does not exist or cannot run the scenario. */
  run(scenario: Scenario): Trace {
    return runOnModel(scenario, requireRevision(scenario.revision, 'revision', this.#find));
  }
}

/**
 * Runs `scenario` on the model of `revision` instead of the revision that the scenario names.
 *
 * @throws InvalidInput when the revision cannot run the scenario.
 */
export function runOnModel(scenario: Scenario, revision: AnyRevision): Trace {
  const vmm = makeVmm(scenario, revision);
  const steps: Step[] = [];
  const end = performAll(vmm, steps);
  // In an open transaction the tree has changes that the flat views do not show.
  const tree = vmm.topology.inTransaction ? undefined : snapshotTree(vmm.machine.system);
  const scratch = end.outcome === 'ok' ? mapContainersAnew(vmm) : undefined;
  // The teardown closes the container that knows the page; without one a new container is asked.
  const iommuPage = vmm.iommuPageSize();
  const barRegisters = end.outcome === 'ok' ? snapshotBarRegisters(vmm.devices) : undefined;
  const { teardown, end: last } =
    end.outcome === 'aborted' ? { teardown: undefined, end } : tearDown(vmm, steps, end);
  // If the VMM died at shutdown, the tree after that step replaces the one before.
  const died = last !== end;
  return {
    scenario,
    revision: revision.id,
    outcome: last.outcome,
    error: last.error,
    abortSite: last.abortSite,
    pages: {
      host: scenario.machine.hostPageSize,
      guest: scenario.machine.guestPageSize,
      iommu: iommuPage,
    },
    optsOutOfMsixEmulation: vmm.optsOutOfMsixEmulation,
    steps,
    tree: died ? snapshotTree(vmm.machine.system) : tree,
    ...(barRegisters && !died && { barRegisters }),
    scratch: died ? undefined : scratch,
    teardown,
  };
}

/**
 * The address spaces and the memslots of the VMM after its last operation, and how the run ended.
 *
 * @throws InvalidInput when the revision cannot run the scenario.
 */
export function runToTheEnd(
  scenario: Scenario,
  revision: AnyRevision,
): {
  readonly spaces: readonly AddressSpace[];
  /** The space of system memory, which alone has memslots. */
  readonly memory: AddressSpace;
  readonly memslots: readonly Memslot[];
  readonly end: End;
} {
  const vmm = makeVmm(scenario, revision);
  const end = performAll(vmm, []);
  const { topology, machine, kvm } = vmm;
  return { spaces: topology.addressSpaces, memory: machine.memory, memslots: kvm.slots(), end };
}

function makeVmm(scenario: Scenario, revision: AnyRevision): ModelledVmm {
  requireSuitable(scenario, revision);
  return revision.vmm === 'cloud-hypervisor'
    ? new CloudHypervisorVmm(scenario, revision)
    : new QemuVmm(scenario, revision);
}

function performAll(vmm: ModelledVmm, steps: Step[]): End {
  let end = attempt(vmm, steps, { op: 'start' }, () => vmm.start());
  for (const operation of vmm.scenario.operations) {
    if (end.outcome !== 'ok') break;
    end = attempt(vmm, steps, operation, () => vmm.perform(operation));
  }
  return end;
}

/** Performs one action and records it as a step. */
function attempt(vmm: ModelledVmm, steps: Step[], operation: Step['operation'], act: () => void): End {
  const end = endOf(act);
  record(vmm, steps, operation);
  return end;
}

/** Adds the step of an action that has just ended, well or not. */
function record(vmm: ModelledVmm, steps: Step[], operation: Step['operation']): void {
  const before = steps.at(-1)?.state;
  const events = vmm.takeEvents();
  const state = snapshotState(vmm, before);
  steps.push(
    state === before
      ? { operation, events, state }
      : { operation, events, state, change: takeChange(vmm, before, state) },
  );
}

function endOf(act: () => void): End {
  try {
    act();
    return OK;
  } catch (error) {
    if (error instanceof DeviceRefused || error instanceof StartRefused) {
      return { outcome: 'rejected', error: error.message, abortSite: undefined };
    }
    if (error instanceof VmmAbort) {
      return { outcome: 'aborted', error: error.message, abortSite: error.site };
    }
    throw error;
  }
}

/** The mappings of each container if its listener were registered only now. */
function mapContainersAnew(vmm: ModelledVmm): readonly ContainerState[] {
  return vmm.containers.map(({ name }) => {
    const iommu = vmm.makeIommu();
    // A refused mapping is missing from the result, which the comparison then reports.
    endOf(() => vmm.mapAnew(name, iommu));
    return { name, mappings: iommu.mappings() };
  });
}

/** Unplugs all devices. A VMM that dies of that gets one more step. */
function tearDown(vmm: ModelledVmm, steps: Step[], end: End): { teardown: Teardown | undefined; end: End } {
  const open = [...vmm.containers];
  const last = endOf(() => vmm.shutDown());
  // The user kills a VMM that hangs while it shuts down; what the guest has seen stays as it was.
  if (last.abortSite === 'unanswered-request') return { teardown: undefined, end };
  if (last.outcome === 'aborted') {
    record(vmm, steps, { op: 'stop' });
    return { teardown: undefined, end: last };
  }
  const events = vmm.takeEvents();
  const left = [...new Set([...open, ...(vmm.closed ?? [])])].map(({ name, iommu }) => ({
    name,
    mappings: iommu.mappings(),
  }));
  return { teardown: { events, containers: left }, end };
}
