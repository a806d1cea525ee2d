import type { State, Trace } from '../trace/index.ts';
import type { VmmEvent } from '../vfio/index.ts';

/**
 * Calls `visit` for the first step and for every later one whose state differs from the state before. Equal
 * parts of states are the same objects, so `differs` may compare by identity.
 */
export function forEachChange(
  trace: Trace,
  differs: (state: State, before: State) => boolean,
  visit: (state: State, step: number) => void,
): void {
  const { steps } = trace;
  for (let index = 0; index < steps.length; index++) {
    const { state } = steps[index]!;
    const before = steps[index - 1]?.state;
    if (before === undefined || (state !== before && differs(state, before))) visit(state, index);
  }
}

/** Whether the flat view for DMA or a DMA mapping has changed. */
export const dmaChanged = (state: State, before: State): boolean =>
  state.dmaView !== before.dmaView || state.containers !== before.containers;

/**
 * The trace without the step in which the VMM died. The rules are for completed updates, and the VMM died in the
 * middle of one.
 */
export const settled = (trace: Trace): Trace =>
  trace.outcome === 'aborted' ? { ...trace, steps: trace.steps.slice(0, -1) } : trace;

/** Calls `visit` for every event of the steps and then of the teardown, which has the number of steps as its index. */
export function forEachEvent(trace: Trace, visit: (event: VmmEvent, step: number) => void): void {
  const { steps, teardown } = trace;
  for (let index = 0; index < steps.length; index++) {
    for (const event of steps[index]!.events) visit(event, index);
  }
  if (teardown === undefined) return;
  for (const event of teardown.events) visit(event, steps.length);
}

/**
 * Whether `owner` is a device that was plugged in and is no longer.
 *
 * @param devices the devices that are plugged in now.
 * @param plugged the ids of all devices that were plugged in at some step so far.
 */
export const isUnplugged = (
  owner: string | undefined,
  devices: State['devices'],
  plugged: ReadonlySet<string>,
): boolean => owner !== undefined && plugged.has(owner) && !devices.some(({ id }) => id === owner);
