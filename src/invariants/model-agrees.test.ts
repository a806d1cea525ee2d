import { describe, expect, it } from 'vitest';
import type { Trace } from '../trace/index.ts';
import { modelAgrees } from './model-agrees.ts';
import {
  PAGE,
  RAM,
  bar,
  causes,
  container,
  device,
  flat,
  judge,
  mapEvent,
  mapping,
  saysNothing,
  state,
  trace,
} from './testing/index.ts';

const before = state({ flatView: [flat(0n, PAGE)] });
const after = state({
  flatView: [flat(0n, PAGE), flat(2n * PAGE, PAGE)],
  containers: [container([mapping(0n, PAGE)])],
  devices: [device([bar(0, PAGE, { address: 2n * PAGE })])],
});
const events = [mapEvent(0n, PAGE)];
const real = trace([{ state: before }, { state: after, events }]);

/** The run of a real VMM, with a model whose run differs. */
const heldTo = (model: Trace, run: Trace = real): Trace => ({ ...run, model });
const withState = (more: Partial<typeof after>): Trace =>
  trace([{ state: before }, { state: { ...after, ...more }, events }]);

describe('model-agrees', () => {
  it('checks nothing in a trace without the trace of the model', () => {
    expect(saysNothing(modelAgrees, real)).toBe(true);
  });

  it('accepts a run that agrees with the model, and counts every step and the outcome', () => {
    expect(judge(modelAgrees, heldTo(real))).toEqual({ causes: [], violations: [], exercised: 3 });
  });

  it('counts only the outcome of a run without a completed step', () => {
    const refused = trace([{ state: before }], { outcome: 'rejected', error: 'no' });
    expect(judge(modelAgrees, heldTo(refused, refused))).toMatchObject({ causes: [], exercised: 1 });
    expect(causes(modelAgrees, heldTo({ ...refused, error: 'never' }, refused))).toEqual(['error']);
  });

  it('does not count steps that only one of the two runs completes', () => {
    expect(judge(modelAgrees, heldTo(trace([{ state: before }])))).toMatchObject({
      causes: ['steps'],
      exercised: 2,
    });
  });

  it.each<readonly [string, Trace]>([
    ['view', withState({ flatView: before.flatView })],
    ['requests', trace([{ state: before }, { state: after }])],
    ['mappings', withState({ containers: [container([mapping(0n, 2n * PAGE)])] })],
    ['devices', withState({ devices: [device([bar(0, PAGE)])] })],
  ])('reports a state with another %s, and its step', (kind, model) => {
    const { violations } = judge(modelAgrees, heldTo(model));
    expect(violations).toMatchObject([{ cause: kind, step: 1, message: expect.stringContaining('step 1') }]);
  });

  it('names in one line what only the model has and what only QEMU has', () => {
    const { violations } = judge(modelAgrees, heldTo(withState({ flatView: before.flatView })));
    expect(violations[0]!.message).toBe(
      'flat view of step 1: only the model has nothing; only QEMU has ' +
        '0x2000-0x2fff (prio 0, ram): ram @0x0',
    );
  });

  it('reports another outcome at the last step', () => {
    const dead = { ...real, outcome: 'aborted', abortSite: 'hw-error', error: 'x' } as const;
    expect(judge(modelAgrees, heldTo(real, dead)).violations).toMatchObject([{ cause: 'outcome', step: 1 }]);
    const elsewhere = { ...dead, abortSite: 'memslot' } as const;
    expect(judge(modelAgrees, heldTo(elsewhere, dead)).violations).toMatchObject([
      { cause: 'error', step: 1 },
    ]);
    expect(judge(modelAgrees, heldTo(real, trace([])))).toMatchObject({ violations: [{ step: 0 }] });
  });

  it('reports only the first step of each kind of difference', () => {
    const changed = (start: bigint) => state({ flatView: [flat(start, PAGE, RAM)] });
    const model = trace([{ state: changed(PAGE) }, { state: changed(3n * PAGE) }]);
    const run = trace([{ state: before }, { state: before }]);
    expect(judge(modelAgrees, heldTo(model, run)).violations).toMatchObject([{ cause: 'view', step: 0 }]);
  });
});
