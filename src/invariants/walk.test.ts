import { describe, expect, it } from 'vitest';
import type { State } from '../trace/index.ts';
import type { VmmEvent } from '../vfio/index.ts';
import { examine, examineAll, type Invariant, type Judge } from './index.ts';
import { PAGE, container, flat, mapEvent, state, trace, unmapEvent } from './testing/index.ts';

const invariant = (start: Invariant['start']): Invariant => ({
  id: 'no-abort',
  clause: 'a clause',
  severity: 'error',
  site: 'a site',
  start,
});

/** An invariant that records the calls of its judge, each with the step that is judged then. */
function recording(more: Partial<Judge> = {}) {
  const calls: (readonly [call: string, step: number, of?: VmmEvent | State])[] = [];
  const recorder = invariant((_, examination) => ({
    event: (event) => calls.push(['event', examination.step, event]),
    step: (_change, after) => calls.push(['step', examination.step, after]),
    end: () => calls.push(['end', examination.step]),
    ...more,
  }));
  return { calls, recorder };
}

describe('the walk over a trace', () => {
  it('tells a judge the events of each step and then its state, then the teardown, then the end', () => {
    const { calls, recorder } = recording();
    const [a, b, c] = [mapEvent(0n, PAGE), mapEvent(PAGE, PAGE), unmapEvent(0n, PAGE)];
    const [first, second] = [state(), state({ flatView: [flat(0n, PAGE)] })];
    const steps = [
      { events: [a], state: first },
      { events: [b], state: second },
    ];
    examine(trace(steps, { teardown: { events: [c], containers: [] } }), recorder);
    expect(calls).toEqual([
      ['event', 0, a],
      ['step', 0, first],
      ['event', 1, b],
      ['step', 1, second],
      ['event', 2, c],
      ['end', 1],
    ]);
  });

  it('passes over a state that is the one before', () => {
    const { calls, recorder } = recording();
    const [a, b] = [state(), state()];
    examine(trace([{ state: a }, { state: a }, { state: b }, { state: a }]), recorder);
    expect(calls.filter(([call]) => call === 'step').map(([, step]) => step)).toEqual([0, 2, 3]);
  });

  it('passes over the state in which the VMM died, unless the judge asks for it', () => {
    const [careful, eager] = [recording(), recording({ judgesUnsettled: true })];
    const judged = trace([{ state: state() }, { state: state() }], { outcome: 'aborted' });
    examineAll(judged, [careful.recorder, eager.recorder]);
    const steps = ({ calls }: typeof careful) => calls.map(([call, step]) => `${call} ${step}`);
    expect(steps(careful)).toEqual(['step 0', 'end 1']);
    expect(steps(eager)).toEqual(['step 0', 'step 1', 'end 1']);
  });

  it('judges the last state of a VMM that refused a device', () => {
    const { calls, recorder } = recording();
    examine(trace([{ state: state() }, { state: state() }], { outcome: 'rejected' }), recorder);
    expect(calls.map(([call]) => call)).toEqual(['step', 'step', 'end']);
  });

  it('ends an empty trace at once', () => {
    const { calls, recorder } = recording();
    examine(trace([]), recorder);
    expect(calls).toEqual([['end', -1]]);
  });

  it('gives each judge the change from the state before', () => {
    const changes: unknown[] = [];
    const watcher = invariant(() => ({
      step: ({ before, after, containers }) => {
        changes.push([before, after, containers.map(({ kind }) => kind)]);
      },
    }));
    const [a, b, c] = [state(), state({ containers: [container([])] }), state()];
    examine(trace([{ state: a }, { state: b }, { state: c }]), watcher);
    expect(changes).toEqual([
      [undefined, a, []],
      [a, b, ['opened']],
      [b, c, ['closed']],
    ]);
  });

  it('returns one examination for each invariant, in their order', () => {
    const breaking = (cause: string) =>
      invariant((_, examination) => {
        examination.exercised++;
        examination.violate(cause, () => cause);
        return undefined;
      });
    const found = examineAll(trace([{}]), [breaking('a'), invariant(() => undefined), breaking('b')]);
    expect(found.map(({ exercised }) => exercised)).toEqual([1, 0, 1]);
    expect(found.flatMap(({ violations }) => violations.map(({ cause }) => cause))).toEqual(['a', 'b']);
  });
});
