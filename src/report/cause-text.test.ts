import { describe, expect, it } from 'vitest';
import { statusOf } from '../validate/index.ts';
import { causeText, mentionsStops } from './cause-text.ts';

const none = { both: 0, fixed: 0, hidden: 0, broken: 0, swapped: 0, uncovered: 0 };

describe('causeText', () => {
  it.each([
    [{ broken: 313 }, 'breaks 313 new cases (0 -> 313)'],
    [{ both: 138, fixed: 233, broken: 1 }, 'breaks 1 new case, mends 233 (371 -> 139)'],
    [{ broken: 2, swapped: 1 }, 'breaks 3 new cases (0 -> 3)'],
    [{ both: 5, broken: 2, swapped: 1 }, 'breaks 2 new cases, uncovers 1 (5 -> 8)'],
    [{ both: 12, swapped: 1 }, 'uncovers 1 case (12 -> 13)'],
    [{ hidden: 1, swapped: 1 }, 'uncovers 1 case, hides 1 (1 -> 1)'],
    [{ swapped: 1 }, 'breaks 1 case in the step where the base stops (0 -> 1)'],
    [{ swapped: 2, uncovered: 3 }, 'breaks 2 cases in the step where the base stops, uncovers 3 (0 -> 5)'],
    [{ uncovered: 1 }, 'uncovers 1 case (0 -> 1)'],
    [{ fixed: 37 }, 'mends 37 cases (37 -> 0)'],
    [{ both: 4, fixed: 9, hidden: 2 }, 'mends 9 cases, hides 2 (15 -> 4)'],
    [{ hidden: 5 }, 'hides 5 cases (5 -> 0)'],
    [{ both: 7 }, 'changes no case (7 -> 7)'],
  ])('writes the cases %j as "%s"', (cases, text) => {
    expect(causeText({ ...none, ...cases })).toBe(text);
  });
});

it('the text of a cause says "breaks" if and only if its status makes the verdict break something', () => {
  const numbers = [0, 1, 3];
  for (const both of numbers)
    for (const fixed of numbers)
      for (const hidden of numbers)
        for (const broken of numbers)
          for (const swapped of numbers)
            for (const uncovered of numbers) {
              const cases = { both, fixed, hidden, broken, swapped, uncovered };
              if (Object.values(cases).every((number) => number === 0)) continue;
              const breaks = ['broken', 'worse', 'swapped'].includes(statusOf({ cases }));
              expect(causeText(cases).includes('breaks'), JSON.stringify(cases)).toBe(breaks);
              expect(causeText(cases).includes('mends')).toBe(fixed > 0);
            }
});

describe('mentionsStops', () => {
  it('is true if a side stops in one of the cases', () => {
    const some = (cases: object) => mentionsStops([{ cases: none }, { cases: { ...none, ...cases } }]);
    expect([{ hidden: 1 }, { swapped: 1 }, { uncovered: 1 }].map(some)).toEqual([true, true, true]);
    expect([{ both: 1 }, { fixed: 1 }, { broken: 1 }].map(some)).toEqual([false, false, false]);
  });
});
