import { describe, expect, it } from 'vitest';
import { dmaChanged, forEachChange, forEachEvent, settled } from './steps.ts';
import { PAGE, container, flat, mapEvent, state, trace, unmapEvent } from './testing/index.ts';

const visited = (states: readonly ReturnType<typeof state>[], differs = (): boolean => true) => {
  const steps: number[] = [];
  const judged = trace(states.map((each) => ({ state: each })));
  forEachChange(judged, differs, (_, step) => void steps.push(step));
  return steps;
};

describe('forEachChange', () => {
  it('visits the first state and every later one that is another object', () => {
    const [a, b] = [state(), state()];
    expect(visited([a, a, b, b, a])).toEqual([0, 2, 4]);
    expect(visited([])).toEqual([]);
  });

  it('passes over another state object where `differs` says no', () => {
    expect(visited([state(), state(), state()], () => false)).toEqual([0]);
  });

  it('compares each state with the state before', () => {
    const [a, b] = [state({ memslots: [] }), state({ memslots: [] })];
    const pairs: boolean[] = [];
    forEachChange(
      trace([{ state: a }, { state: b }]),
      (now, before) => {
        pairs.push(now === b && before === a);
        return false;
      },
      () => undefined,
    );
    expect(pairs).toEqual([true]);
  });
});

describe('dmaChanged', () => {
  it('is true when the flat view for DMA or the list of containers is another object', () => {
    const base = state({ flatView: [flat(0n, PAGE)], containers: [container([])] });
    expect(dmaChanged({ ...base, flatView: [], memslots: [], devices: [] }, base)).toBe(false);
    expect(dmaChanged({ ...base, dmaView: [...base.dmaView] }, base)).toBe(true);
    expect(dmaChanged({ ...base, containers: [...base.containers] }, base)).toBe(true);
  });
});

describe('settled', () => {
  it('leaves out only the step in which a VMM died', () => {
    const judged = trace([{}, {}, {}]);
    expect(settled(judged).steps).toHaveLength(3);
    expect(settled({ ...judged, outcome: 'rejected' }).steps).toHaveLength(3);
    expect(settled({ ...judged, outcome: 'aborted' }).steps).toEqual(judged.steps.slice(0, 2));
    expect(settled(trace([], { outcome: 'aborted' })).steps).toEqual([]);
  });
});

describe('forEachEvent', () => {
  it('visits the events of all steps, and of the teardown as one more step', () => {
    const [a, b, c] = [mapEvent(0n, PAGE), mapEvent(PAGE, PAGE), unmapEvent(0n, PAGE)];
    const seen: unknown[] = [];
    const teardown = { events: [c], containers: [] };
    forEachEvent(trace([{ events: [a, b] }, {}], { teardown }), (event, step) => seen.push([event, step]));
    expect(seen).toEqual([
      [a, 0],
      [b, 0],
      [c, 2],
    ]);
  });

  it('visits the steps of a trace without a teardown', () => {
    const seen: number[] = [];
    forEachEvent(trace([{}, { events: [mapEvent(0n, PAGE)] }]), (_, step) => seen.push(step));
    expect(seen).toEqual([1]);
  });
});
