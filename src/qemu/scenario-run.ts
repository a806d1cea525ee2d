import type { Operation, Scenario } from '../scenario/index.ts';
import { type Outcome, type Step, type Trace, NotRunnable } from '../trace/index.ts';
import type { VmmEvent } from '../vfio/index.ts';
import { deathOfRefusal } from './death-of-refusal.ts';
import { explainDeath, type Death } from './death.ts';
import type { ReadViews } from './guest/flat-view-reader.ts';
import { NOTHING_SEEN, type Observation } from './guest/observer.ts';
import type { RunningMachine } from './guest/running-machine.ts';
import { unplugs } from './hot-plugged.ts';
import { QmpRefusal, isEndOfQemu } from './process/qemu-error.ts';

/** How long a QEMU that refused a device is watched, in milliseconds. QEMU 11.1 may die of the refusal afterwards. */
const AFTERMATH_MS = 500;

/** How a run ended. */
export interface RunEnd {
  readonly outcome: Outcome;
  readonly error: string | undefined;
  readonly abortSite: Death['site'] | undefined;
}

const COMPLETED: RunEnd = { outcome: 'ok', error: undefined, abortSite: undefined };

/** The memory maps of another run after each step, for a run that does not read any; absent after its last step. */
export type ViewSource = (step: number) => ReadViews | undefined;

/** Carries out the operations of a scenario on a machine that has just started, and keeps the steps. */
export class ScenarioRun {
  readonly steps: Step[];
  readonly #machine: RunningMachine;
  readonly #scenario: Scenario;
  readonly #views: ViewSource | undefined;

  /**
   * @param views the memory maps, where QEMU must not be asked for them.
   * @param begun the steps of the scenario that the machine has already carried out.
   */
  constructor(
    machine: RunningMachine,
    scenario: Scenario,
    { views, begun = [] }: { readonly views?: ViewSource | undefined; readonly begun?: readonly Step[] } = {},
  ) {
    this.steps = [...begun];
    this.#machine = machine;
    this.#scenario = scenario;
    this.#views = views;
  }

  /** Carries out the start and the operations. @param start plugs in the devices that are there from the start. */
  async perform(start: () => Promise<void>): Promise<RunEnd> {
    let end = this.steps.length > 0 ? COMPLETED : await this.#attempt({ op: 'start' }, start);
    for (const operation of this.#scenario.operations.slice(this.steps.length - 1)) {
      if (end.outcome !== 'ok') break;
      const view = this.steps.at(-1)!.state.flatView;
      end = await this.#attempt(operation, () => this.#machine.perform(operation, this.#scenario, view));
    }
    return end;
  }

  async #attempt(operation: Operation | { readonly op: 'start' }, act: () => Promise<void>): Promise<RunEnd> {
    try {
      await act();
      const observation = await this.#observe();
      this.steps.push({ operation, ...observation });
      return COMPLETED;
    } catch (error) {
      return await this.#endOf(operation, error);
    }
  }

  async #observe(): Promise<Observation> {
    const { observer } = this.#machine;
    if (this.#views === undefined) return observer.observe();
    const step = this.steps.length;
    const views = this.#views(step);
    if (views !== undefined) return observer.observeWithoutMaps(views);
    // Operation n leads to step n + 1, because step 0 is the start.
    if (unplugs(this.#scenario, step)) throw new NotRunnable(NO_MAPS);
    return observer.observe();
  }

  async #endOf(operation: Step['operation'], error: unknown): Promise<RunEnd> {
    const { qemu, observer } = this.#machine;
    if (error instanceof QmpRefusal) {
      const death = await qemu.death(AFTERMATH_MS).catch(() => undefined);
      if (death !== undefined) return this.#endOf(operation, death);
      this.steps.push({ operation, ...observer.observeEnd() });
      return { outcome: 'rejected', error: error.message, abortSite: undefined };
    }
    if (!isEndOfQemu(error)) throw error;
    const observation = observer.observeEnd();
    this.steps.push({ operation, ...observation });
    const death = explainDeath(error, (text) => this.#machine.rename(text));
    const { error: words, site } = deathOfRefusal(death, operation, this.#scenario);
    return { outcome: 'aborted', error: words, abortSite: refusedMapSite(site, observation.events) };
  }
}

/** The same words of QEMU stand for three sites: the last request of all says what the host refused. */
function refusedMapSite(site: Death['site'], events: readonly VmmEvent[]): Death['site'] {
  if (site !== 'dma-map-ram') return site;
  const refused = events.findLast((event) => 'errno' in event && event.errno !== 0);
  if (refused?.type === 'window-create') return 'dma-window';
  return refused?.type === 'dma-map' && refused.deviceMemory ? 'dma-map-device-memory' : site;
}

const NO_MAPS = 'QEMU died before the last unplug in the run that reads its memory maps';

/** The only step of a QEMU that did not start. */
export const failedStartStep: Step = { operation: { op: 'start' }, events: [], state: NOTHING_SEEN };

/** The steps of a run, and how it ended. */
export interface FinishedRun {
  readonly end: RunEnd;
  readonly steps: readonly Step[];
  readonly optsOutOfMsixEmulation: boolean;
  /** Whether the guest's CPUs are KVM's, so that the states have memslots. */
  readonly hasMemslots: boolean;
  /** The requests to the host's kernel that barproof does not know. */
  readonly unknownRequests?: readonly string[];
}

/**
 * The trace of a run on a real QEMU. A real QEMU shows no tree of regions, no listener registered at the end and no
 * teardown. The trace lacks them, and the invariants about them do not judge it.
 */
export function traceOf(scenario: Scenario, revision: string, run: FinishedRun): Trace {
  const { machine, host } = scenario;
  const smallest = host.iommu.pageSizes.reduce((least, size) => (size < least ? size : least));
  return {
    scenario,
    revision,
    ...run.end,
    pages: { host: machine.hostPageSize, guest: machine.guestPageSize, iommu: smallest },
    optsOutOfMsixEmulation: run.optsOutOfMsixEmulation,
    ...(!run.hasMemslots && { hidesMemslots: true as const }),
    // The device's own memory, and the emulation inside QEMU, show no access to an observer.
    hidesAccesses: true,
    hidesSkips: true,
    steps: run.steps,
    ...(run.unknownRequests && run.unknownRequests.length > 0 && { unknownRequests: run.unknownRequests }),
    tree: undefined,
    scratch: undefined,
    teardown: undefined,
  };
}
