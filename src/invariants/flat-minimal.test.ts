import { describe, expect, it } from 'vitest';
import { flatMinimal } from './flat-minimal.ts';
import {
  END,
  PAGE,
  causes,
  flat,
  judge,
  region,
  saysNothing,
  state,
  traceOfStates,
} from './testing/index.ts';

const left = flat(PAGE, PAGE, undefined, { offset: PAGE });
const right = flat(2n * PAGE, PAGE, undefined, { offset: 2n * PAGE });
const of = (...flatView: readonly ReturnType<typeof flat>[]) =>
  causes(flatMinimal, traceOfStates([state({ flatView })]));

describe('flat-minimal', () => {
  it('reports two neighbours of which the second continues the first', () => {
    expect(of(left, right)).toEqual(['mergeable']);
    const judged = judge(flatMinimal, traceOfStates([state({ flatView: [left, right] })]));
    expect(judged).toMatchObject({
      exercised: 1,
      violations: [{ step: 0, at: { start: PAGE, end: 3n * PAGE } }],
    });
    expect(judged.violations[0]!.message).toBe(
      '[0x1000, 0x1fff] "ram" and [0x2000, 0x2fff] "ram" could be one flat range',
    );
  });

  it('reports such neighbours at the end of the address space and after other ranges', () => {
    const top = flat(END - PAGE, PAGE, undefined, { offset: END - PAGE });
    const below = flat(END - 2n * PAGE, PAGE, undefined, { offset: END - 2n * PAGE });
    expect(of(flat(0n, PAGE), below, top)).toEqual(['mergeable']);
  });

  it.each([
    ['a gap of one byte', left, flat(2n * PAGE + 1n, PAGE, undefined, { offset: 2n * PAGE })],
    ['another region', left, flat(2n * PAGE, PAGE, region('rom'), { offset: 2n * PAGE })],
    ['another region of the same name', left, flat(2n * PAGE, PAGE, region('ram'), { offset: 2n * PAGE })],
    ['an offset one byte less', left, flat(2n * PAGE, PAGE, undefined, { offset: 2n * PAGE - 1n })],
    ['an offset one byte more', left, flat(2n * PAGE, PAGE, undefined, { offset: 2n * PAGE + 1n })],
    ['another permission', left, { ...right, readonly: true }],
    ['another kind of persistence', left, { ...right, nonvolatile: true }],
    ['another ROM-device mode', left, { ...right, romdMode: false }],
    ['an unmergeable second range', left, { ...right, unmergeable: true }],
    ['an unmergeable first range', { ...left, unmergeable: true }, right],
    ['two unmergeable ranges', { ...left, unmergeable: true }, { ...right, unmergeable: true }],
  ])('accepts neighbours that cannot be merged: %s', (_, first, second) => {
    expect(of(first, second)).toEqual([]);
  });

  it('reports neighbours that differ only in priority or container', () => {
    expect(of(left, { ...right, priority: 7, contained: false })).toEqual(['mergeable']);
    const both = { readonly: true, nonvolatile: true, romdMode: false };
    expect(of({ ...left, ...both }, { ...right, ...both })).toEqual(['mergeable']);
  });

  it('checks the flat view for DMA too, and every state that differs from the one before', () => {
    const good = state({ flatView: [left] });
    const bad = { ...good, dmaView: [left, right] };
    const judged = traceOfStates([good, bad, { ...bad, memslots: [] }]);
    expect(judge(flatMinimal, judged)).toMatchObject({ exercised: 1, violations: [{ step: 1 }] });
    expect(causes(flatMinimal, traceOfStates([good, bad], { outcome: 'aborted' }))).toEqual(['mergeable']);
  });

  it('checks nothing where no two ranges touch', () => {
    const gap = state({ flatView: [left, flat(2n * PAGE + 1n, PAGE)] });
    expect(saysNothing(flatMinimal, traceOfStates([gap]))).toBe(true);
    expect(saysNothing(flatMinimal, traceOfStates([state(), state({ flatView: [left] })]))).toBe(true);
    expect(
      judge(flatMinimal, traceOfStates([state({ flatView: [left, flat(2n * PAGE, 1n)] })])).exercised,
    ).toBe(1);
  });

  it('compares a new range with those on both sides of it that have not changed', () => {
    const [below, above] = [flat(0n, PAGE), flat(2n * PAGE, PAGE, undefined, { offset: 2n * PAGE })];
    const rom = flat(PAGE, PAGE, region('rom'));
    const before = state({ flatView: [below, rom, above] });
    for (const offset of [PAGE, 0x5000n]) {
      const middle = flat(PAGE, PAGE, undefined, { offset });
      const judged = traceOfStates([before, state({ flatView: [below, middle, above] })]);
      expect(judge(flatMinimal, judged).causes).toEqual(offset === PAGE ? ['mergeable'] : []);
    }
    const onlyAbove = [flat(0n, PAGE, region('other')), flat(PAGE, PAGE, undefined, { offset: PAGE }), above];
    const judged = traceOfStates([
      state({ flatView: [onlyAbove[0]!, rom, above] }),
      state({ flatView: onlyAbove }),
    ]);
    expect(judge(flatMinimal, judged).violations).toMatchObject([
      { step: 1, at: { start: PAGE, end: 3n * PAGE } },
    ]);
  });
});
