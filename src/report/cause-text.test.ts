import { describe, expect, it } from 'vitest';
import { causeText } from './cause-text.ts';

const none = { both: 0, fixed: 0, hidden: 0, broken: 0, swapped: 0, uncovered: 0 };

describe('causeText', () => {
  it.each([
    ['broken', { broken: 313 }, 'breaks 313 new cases (0 -> 313)'],
    ['swapped', { swapped: 1 }, 'breaks 1 case in the step where the base stops (0 -> 1)'],
    ['uncovered', { uncovered: 2 }, 'breaks 2 cases after the base stops (0 -> 2)'],
    ['worse', { both: 137, fixed: 233, hidden: 13, broken: 1 }, 'breaks 1 new case, mends 233 (383 -> 138)'],
    ['worse', { both: 5, broken: 2 }, 'breaks 2 new cases (5 -> 7)'],
    ['fixed', { fixed: 1 }, 'mends the only case (1 -> 0)'],
    ['fixed', { fixed: 37 }, 'mends all 37 cases (37 -> 0)'],
    ['fixed', { fixed: 9, hidden: 2 }, 'mends 9 cases, stops before 2 (11 -> 0)'],
    ['better', { both: 13, fixed: 24 }, 'mends 24 cases (37 -> 13)'],
    ['still broken', { both: 12, swapped: 11 }, 'mends no case (12 -> 23)'],
    ['hidden', { hidden: 5 }, 'stops before 5 cases (5 -> 0)'],
  ] as const)('writes a cause that is %s with the cases %j', (status, cases, text) => {
    expect(causeText({ status, cases: { ...none, ...cases } })).toBe(text);
  });
});
