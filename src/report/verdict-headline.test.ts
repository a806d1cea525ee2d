import { describe, expect, it } from 'vitest';
import {
  FIGURES,
  statusOf,
  type CauseVerdict,
  type Verdict,
  type VerdictFinding,
} from '../validate/index.ts';
import { headline } from './verdict-headline.ts';

type Cases = CauseVerdict['cases'];
const cases = (more: Partial<Cases>): Cases => ({
  ...{ both: 0, fixed: 0, hidden: 0, broken: 0, swapped: 0, uncovered: 0 },
  ...more,
});

/** A verdict with one cause of `no-abort` for each entry; `also` names causes that the first finding shows as well. */
function verdictOf(counts: Readonly<Record<string, Partial<Cases>>>, also: readonly string[] = []): Verdict {
  const causes = Object.entries(counts).map(([cause, more]): CauseVerdict => {
    const all = cases(more);
    return { cause, status: statusOf({ cases: all }), cases: all, counterexample: undefined };
  });
  const named = (cause: string) => ({ invariant: 'no-abort', cause }) as const;
  const findings = causes
    .filter(({ cause, cases: { broken } }) => broken > 0 && !also.includes(cause))
    .map(({ cause }, index): VerdictFinding => ({
      ...named(cause),
      effect: 'breaks',
      severity: 'error',
      also: index === 0 ? also.map(named) : [],
      counterexample: undefined as never,
    }));
  const none = { base: 0n, patched: 0n, more: 0, less: 0 };
  return {
    sides: { base: { id: 'a', title: '' }, patched: { id: 'b', title: '' } },
    ...{ seed: 's', runs: 60, cases: 60, interrupted: false, findings, unreached: [], devices: [] },
    invariants: [
      {
        ...{ invariant: 'no-abort', severity: 'error', status: 'still broken', causes },
        exercised: { base: 60, patched: 60 },
      },
    ],
    notRun: new Map(),
    outcomes: new Map([['ok ok', 60]]),
    cost: { cases: 60, figures: Object.fromEntries(FIGURES.map((figure) => [figure, none])) as never },
    breaks: findings.length > 0,
  };
}

const effectOf = (...given: Parameters<typeof verdictOf>): string => headline(verdictOf(...given))[0]!;

describe('the first line of a verdict', () => {
  it('says that a cause which the base never shows is broken', () => {
    expect(effectOf({ new: { broken: 2 } })).toBe('breaks 1: no-abort/new; mends nothing');
  });

  it('says of a fault of the base that it shows in more cases', () => {
    expect(effectOf({ old: { both: 3, broken: 2 } })).toBe(
      'breaks nothing new; faults of the base in more cases, 1: no-abort/old (3 -> 5); mends nothing',
    );
  });

  it('says of a fault of the base that it has moved to other cases', () => {
    expect(effectOf({ old: { both: 1, fixed: 2, broken: 2 } })).toBe(
      'breaks nothing new; faults of the base in other cases, 1: no-abort/old (3 -> 3); mends nothing',
    );
  });

  it('says that a fault is broken which the base shows in far fewer cases', () => {
    expect(effectOf({ old: { both: 2, broken: 27 } })).toBe('breaks 1: no-abort/old; mends nothing');
  });

  it('says that a fault of the base is broken whose case shows something new as well', () => {
    expect(effectOf({ old: { both: 9, broken: 3 }, new: { broken: 1 } }, ['new'])).toBe(
      'breaks 1: no-abort/old; mends nothing',
    );
  });

  it('tells new faults and those of the base apart', () => {
    expect(effectOf({ new: { broken: 1 }, old: { both: 9, broken: 1 } })).toBe(
      'breaks 1: no-abort/new; faults of the base in more cases, 1: no-abort/old (9 -> 10); mends nothing',
    );
  });

  it('says how often rules were asked that answered as those of the base', () => {
    const rules = [
      { rule: 'listener.skip', asked: 12_345, answers: 10, differed: false },
      { rule: 'memory.passes', asked: 7, answers: 1, differed: false },
    ];
    expect(headline({ ...verdictOf({}), rules })[0]).toBe(
      'changes nothing in 60 cases: its rules answered as those of the base each time (listener.skip was asked ' +
        '12,345 times: 10 or more answers, memory.passes was asked 7 times: 1 answer)',
    );
    const [unasked] = headline({ ...verdictOf({}), rules: [rules[0]!, { ...rules[1]!, asked: 0 }] });
    expect(unasked).toBe('not reached: memory.passes; 60 cases say nothing of the patch');
  });

  it('names rules that no case asked beside one that answered otherwise', () => {
    const rules = [
      { rule: 'listener.skip', asked: 5, answers: 2, differed: true },
      { rule: 'host.mmap', asked: 0, answers: 0, differed: false },
    ];
    expect(headline({ ...verdictOf({ new: { broken: 1 } }), rules })[1]).toContain(
      '; not reached: host.mmap',
    );
  });
});
