import { describe, expect, it } from 'vitest';
import { sumOf, type Tally } from '../campaign/index.ts';
import { INVARIANT_IDS } from '../invariants/index.ts';
import { statisticsText } from './statistics-text.ts';

const nothing = sumOf([]);
const tally = (cases: number, by: Partial<Tally['by']>): Tally => ({ cases, by: { ...nothing.by, ...by } });
const every = new Map(INVARIANT_IDS.map((id) => [id, 10]));

describe('statisticsText', () => {
  it('prints numbers and shares, the most frequent first', () => {
    const text = statisticsText(
      tally(200, {
        outcomes: new Map([
          ['aborted', 50],
          ['ok', 150],
        ]),
        exercised: every,
        skips: new Map([['top-half', 3]]),
        behaviours: new Map([
          ['map RAM errno 0', 200],
          ['reset', 1],
        ]),
      }),
      { growth: [[100, 1]] },
    );
    expect(text).toContain('outcomes\n  ok       150  75.0 %\n  aborted   50  25.0 %\n');
    expect(text).toContain('skipped sections, by reason\n  top-half  3  1.5 %\n');
    expect(text).toContain('behaviours: 2, 1 of them in one case\n  1 after 100 cases\n');
    expect(text).not.toContain('warning');
  });

  it.each([
    ['is slow', tally(10, { exercised: every }), { ran: 10, seconds: 1 }, 'slow, 10 cases a second'],
    [
      'is refused',
      tally(10, { exercised: every, outcomes: new Map([['rejected', 3]]), notRun: new Map([['x', 3]]) }),
      {},
      '60.0 % of the cases were refused or not run',
    ],
    [
      'never exercises an invariant',
      tally(10, { exercised: new Map([...every].slice(1)) }),
      {},
      `never exercised: ${INVARIANT_IDS[0]}`,
    ],
  ])('warns of a campaign that %s', (_, counts, context, warning) => {
    expect(statisticsText(counts, context)).toContain(`warning: ${warning}\n`);
    expect(statisticsText(counts, context).match(/warning/g)).toHaveLength(1);
  });

  it('does not warn of a campaign that is fast, and refuses half of its cases', () => {
    const half = tally(10, { exercised: every, outcomes: new Map([['rejected', 5]]) });
    expect(statisticsText(half, { ran: 1000, seconds: 1 })).not.toContain('warning');
  });
});
