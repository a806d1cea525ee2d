import type { Operation, Scenario } from '../scenario/index.ts';
import type { VmmEvent } from '../vfio/index.ts';
import { type Outcome, type Step, type Trace, NotRunnable } from '../trace/index.ts';
import { explainDeath, type Death } from './death.ts';
import type { ReadViews } from './guest/flat-view-reader.ts';
import { QmpRefusal, isEndOfQemu } from './process/qemu-error.ts';
import { unplugs } from './hot-plugged.ts';
import { NOTHING_SEEN, type Observation, type RunningMachine } from './guest/running-machine.ts';

/** A QEMU that refused a device may still die of it; after so many milliseconds it has survived. */
const AFTERMATH = 500;

/** How a run ended. */
export interface RunEnd {
  readonly outcome: Outcome;
  readonly error: string | undefined;
  readonly abortSite: Death['site'] | undefined;
}

const FINE: RunEnd = { outcome: 'ok', error: undefined, abortSite: undefined };

/** Where memory maps come from that are not to be looked at in this run; nothing where there is none. */
export type ViewSource = (step: number) => ReadViews | undefined;

/** Carries out the operations of a scenario on a machine that has just come up, and keeps what is seen. */
export class ScenarioRun {
  readonly steps: Step[];
  readonly #machine: RunningMachine;
  readonly #scenario: Scenario;
  readonly #views: ViewSource | undefined;

  /**
   * @param views where memory maps come from; QEMU is asked when it is left out.
   * @param begun the steps that the machine has behind it already.
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

  /** Everything, from the machine's start on; `start` plugs in what is there from the beginning. */
  async perform(start: () => Promise<void>): Promise<RunEnd> {
    let end = this.steps.length > 0 ? FINE : await this.#attempt({ op: 'start' }, start);
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
      return FINE;
    } catch (error) {
      return await this.#endOf(operation, error);
    }
  }

  async #observe(): Promise<Observation> {
    if (this.#views === undefined) return this.#machine.observe();
    const step = this.steps.length;
    const views = this.#views(step);
    if (views !== undefined) return this.#machine.observeRequests(views);
    // Step 0 is the start.
    if (unplugs(this.#scenario, step)) throw new NotRunnable(UNSEEN);
    return this.#machine.observe();
  }

  async #endOf(operation: Step['operation'], error: unknown): Promise<RunEnd> {
    if (error instanceof QmpRefusal) {
      try {
        await this.#machine.qemu.gone(AFTERMATH);
      } catch {
        this.steps.push({ operation, ...this.#machine.observeRemains() });
        return { outcome: 'rejected', error: error.message, abortSite: undefined };
      }
      return this.#endOf(operation, this.#machine.qemu.death());
    }
    if (!isEndOfQemu(error)) throw error;
    this.steps.push({ operation, ...this.#machine.observeRemains() });
    const { error: words, site } = explainDeath(error, (text) => this.#machine.rename(text));
    return { outcome: 'aborted', error: words, abortSite: site };
  }
}

const UNSEEN = 'QEMU died where its memory map was looked at, and lets nothing go that was looked at';

/** A QEMU that did not come up: one step that shows nothing but what it asked for. */
export const stillbornStep = (events: readonly VmmEvent[]): Step => ({
  operation: { op: 'start' },
  events,
  state: NOTHING_SEEN,
});

/**
 * The trace of a run on a real QEMU. It has no tree, no listeners registered afterwards and no teardown:
 * what cannot be seen is left out, and invariants about it have nothing to say.
 */
export function traceOf(
  scenario: Scenario,
  revision: string,
  run: { readonly end: RunEnd; readonly steps: readonly Step[]; readonly optsOut: boolean },
): Trace {
  const { machine, host } = scenario;
  const smallest = host.iommu.pageSizes.reduce((least, size) => (size < least ? size : least));
  return {
    scenario,
    revision,
    ...run.end,
    pages: { host: machine.hostPageSize, guest: machine.guestPageSize, iommu: smallest },
    optsOutOfMsixEmulation: run.optsOut,
    steps: run.steps,
    tree: undefined,
    scratch: undefined,
    teardown: undefined,
  };
}
