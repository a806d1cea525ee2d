import { decodeScenario, type Scenario } from '../../scenario/index.ts';
import type { State, Step, Trace } from '../../trace/index.ts';
import type { VmmEvent } from '../../vfio/index.ts';
import { PAGE } from './regions.ts';

/** A state. DMA requests go to system memory unless `parts` has a `dmaView`. */
export const state = (parts: Partial<State> = {}): State => {
  const flatView = parts.flatView ?? [];
  return { dmaView: flatView, containers: [], memslots: [], devices: [], ...parts, flatView };
};

/** The smallest scenario, with `parts` in JSON form over it. */
export const scenario = (
  parts: {
    readonly machine?: object;
    readonly host?: object;
    readonly devices?: readonly object[];
    readonly operations?: readonly object[];
  } = {},
): Scenario =>
  decodeScenario({
    version: 1,
    machine: { type: 'generic', ram: '0x10000000', ...parts.machine },
    host: { kernel: 'msix-mappable', iommu: { type: 'type1', pageSizes: ['0x1000'] }, ...parts.host },
    devices: parts.devices ?? [],
    operations: parts.operations ?? [],
  });

/** One step: its events, and the state after it. A missing state is that of the step before. */
export interface StepParts {
  readonly events?: readonly VmmEvent[];
  readonly state?: State;
}

/** A trace of these steps; the first is the start of the machine. */
export const trace = (
  steps: readonly StepParts[],
  more: Partial<Omit<Trace, 'steps' | 'pages'>> & { readonly pages?: Partial<Trace['pages']> } = {},
): Trace => {
  const { pages, ...rest } = more;
  let last = state();
  return {
    scenario: scenario(),
    revision: 'by hand',
    outcome: 'ok',
    error: undefined,
    abortSite: undefined,
    optsOutOfMsixEmulation: false,
    tree: undefined,
    scratch: undefined,
    teardown: undefined,
    ...rest,
    pages: { host: PAGE, guest: PAGE, iommu: PAGE, ...pages },
    steps: steps.map((step, index): Step => {
      last = step.state ?? last;
      return { operation: { op: index === 0 ? 'start' : 'reset' }, events: step.events ?? [], state: last };
    }),
  };
};

/** A trace with these events in its first step and an empty state. */
export const traceOfEvents = (events: readonly VmmEvent[], more: Parameters<typeof trace>[1] = {}): Trace =>
  trace([{ events }], more);

/** A trace with one step for each state, without events. */
export const traceOfStates = (states: readonly State[], more: Parameters<typeof trace>[1] = {}): Trace =>
  trace(
    states.map((each) => ({ state: each })),
    more,
  );
