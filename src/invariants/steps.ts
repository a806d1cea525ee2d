import type { State, Trace } from '../trace/index.ts';
import type { VmmEvent } from '../vfio/index.ts';

/**
 * Calls `visit` for the first step and for every later one whose state `differs` from the one before.
 * States share what they have in common, so that comparing by identity is enough.
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

/** Whether the memory map for DMA, or any mapping, is another. */
export const dmaChanged = (state: State, before: State): boolean =>
  state.dmaView !== before.dmaView || state.containers !== before.containers;

/**
 * The same trace as far as its changes were completed: a VMM that died in the middle of one cannot
 * be judged by what it left behind.
 */
export const settled = (trace: Trace): Trace =>
  trace.outcome === 'aborted' ? { ...trace, steps: trace.steps.slice(0, -1) } : trace;

/** Calls `visit` for every event of the run and then of the teardown, which counts as one more step. */
export function forEachEvent(trace: Trace, visit: (event: VmmEvent, step: number) => void): void {
  const { steps, teardown } = trace;
  for (let index = 0; index < steps.length; index++) {
    for (const event of steps[index]!.events) visit(event, index);
  }
  if (teardown === undefined) return;
  for (const event of teardown.events) visit(event, steps.length);
}

/**
 * Whether `owner` is a device that was there and is not any more.
 *
 * @param plugged every device that was there in some state so far.
 */
export const isUnplugged = (
  owner: string | undefined,
  devices: State['devices'],
  plugged: ReadonlySet<string>,
): boolean => owner !== undefined && plugged.has(owner) && !devices.some(({ id }) => id === owner);
