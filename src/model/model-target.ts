import type { AddressSpace } from '../memory/index.ts';
import type { Scenario } from '../scenario/index.ts';
import { DeviceRefused, VmmAbort, type AbortSite } from '../vfio/index.ts';
import type { Target, ContainerState, Outcome, Step, Teardown, Trace } from '../trace/index.ts';
import { snapshotBarRegisters, snapshotState, snapshotTree } from './snapshot.ts';
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

/** The models of QEMU and of other VMMs, each with its host, as a target. */
export class ModelTarget implements Target {
  readonly name = 'model';
  readonly #find: (id: string) => AnyRevision | undefined;

  /** @param find where revisions are looked up; by default among those of barproof. */
  constructor(find: (id: string) => AnyRevision | undefined = findAnyRevision) {
    this.#find = find;
  }

  /** @throws InvalidInput when there is no such revision, or the scenario is not one for it. */
  run(scenario: Scenario): Trace {
    return runOnModel(scenario, requireRevision(scenario.revision, 'revision', this.#find));
  }
}

/**
 * Runs `scenario` on the model of `revision`, whatever revision the scenario itself names.
 *
 * @throws InvalidInput when the scenario is not one for the revision.
 */
export function runOnModel(scenario: Scenario, revision: AnyRevision): Trace {
  const vmm = makeVmm(scenario, revision);
  const steps: Step[] = [];
  const end = performAll(vmm, steps);
  // The tree of a transaction that was left open is not the one that the views show.
  const tree = vmm.topology.inTransaction ? undefined : snapshotTree(vmm.machine.system);
  const scratch = end.outcome === 'ok' ? registerAnew(vmm) : undefined;
  const barRegisters = end.outcome === 'ok' ? snapshotBarRegisters(vmm.devices) : undefined;
  const { teardown, end: last } =
    end.outcome === 'aborted' ? { teardown: undefined, end } : tearDown(vmm, steps, end);
  // Where taking everything away was one more step, the tree is the one that it left.
  const died = last !== end;
  return {
    scenario,
    revision: revision.id,
    ...last,
    pages: {
      host: scenario.machine.hostPageSize,
      guest: scenario.machine.guestPageSize,
      iommu: vmm.iommuPageSize(),
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
 * The address spaces of the VMM after the last operation that it came to, and how that ended.
 *
 * @throws InvalidInput when the scenario is not one for the revision.
 */
export function runToTheEnd(
  scenario: Scenario,
  revision: AnyRevision,
): { readonly spaces: readonly AddressSpace[]; readonly end: End } {
  const vmm = makeVmm(scenario, revision);
  const end = performAll(vmm, []);
  return { spaces: vmm.topology.addressSpaces, end };
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

/** Does one thing, and notes what came of it. */
function attempt(vmm: ModelledVmm, steps: Step[], operation: Step['operation'], act: () => void): End {
  const end = endOf(act);
  steps.push({ operation, events: vmm.takeEvents(), state: snapshotState(vmm, steps.at(-1)?.state) });
  return end;
}

function endOf(act: () => void): End {
  try {
    act();
    return OK;
  } catch (error) {
    if (error instanceof DeviceRefused) {
      return { outcome: 'rejected', error: error.message, abortSite: undefined };
    }
    if (error instanceof VmmAbort) {
      return { outcome: 'aborted', error: error.message, abortSite: error.site };
    }
    throw error;
  }
}

/** What containers would hold whose listeners were registered only now. */
function registerAnew(vmm: ModelledVmm): readonly ContainerState[] {
  return vmm.containers.map(({ name }) => {
    const iommu = vmm.makeIommu();
    // A refusal leaves fewer mappings, and that is what the comparison is after.
    endOf(() => vmm.mapAnew(name, iommu));
    return { name, mappings: iommu.mappings() };
  });
}

/** Takes everything away; a VMM that dies of that has one more step. */
function tearDown(vmm: ModelledVmm, steps: Step[], end: End): { teardown: Teardown | undefined; end: End } {
  const open = [...vmm.containers];
  const last = endOf(() => vmm.shutDown());
  const events = vmm.takeEvents();
  if (last.outcome === 'aborted') {
    const state = snapshotState(vmm, steps.at(-1)?.state);
    steps.push({ operation: { op: 'stop' }, events, state });
    return { teardown: undefined, end: last };
  }
  const left = [...new Set([...open, ...(vmm.closed ?? [])])].map(({ name, iommu }) => ({
    name,
    mappings: iommu.mappings(),
  }));
  return { teardown: { events, containers: left }, end };
}
