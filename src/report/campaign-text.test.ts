import { describe, expect, it } from 'vitest';
import { sumOf, type CampaignState, type FuzzResult, type ProofPlan, type Tally } from '../campaign/index.ts';
import { COMMON_INVARIANTS } from '../invariants/index.ts';
import {
  announcement,
  fuzzStart,
  fuzzSummary,
  mergeText,
  proofStart,
  proofSummary,
} from './campaign-text.ts';

const nothing = sumOf([]);
const tally = (cases: number, by: Partial<Tally['by']> = {}): Tally => ({
  cases,
  by: { ...nothing.by, ...by },
});
const WHOLE = { number: 1, of: 1 };
const stored = (path: string) => ({ regression: { provenance: { path } } }) as FuzzResult['findings'][number];

describe('the text of a campaign', () => {
  it.each([
    [1000, WHOLE, '1000 cases, seed s, into c'],
    [undefined, { number: 2, of: 8 }, 'no end of cases, seed s, part 2/8, into c'],
  ])('begins with the plan', (runs, shard, expected) => {
    const plan = { revision: 'seed-v2', blockCases: 1000, seed: 's', runs, shard, command: '' };
    const context = { version: '1', folder: 'c', notes: [] };
    expect(fuzzStart(plan, context)).toBe(`barproof 1: fuzz seed-v2, ${expected}\n`);
    const qemu = { ...plan, target: 'QEMU 11.1.3 (pc)' };
    expect(fuzzStart(qemu, { ...context, notes: ['old'] })).toBe(
      `barproof 1: fuzz QEMU 11.1.3 (pc), ${expected}\nnote: old\n`,
    );
  });

  it('numbers cases through the whole campaign, from 1', () => {
    const discovery = {
      invariant: 'no-abort',
      cause: 'x',
      place: 'bar',
      block: 2,
      case: 4,
      scenario: undefined as never,
      shown: undefined as never,
    } as const;
    expect(announcement({ ...discovery, isNearMiss: false }, 1000, 'f')).toBe(
      'found no-abort/x@bar in case 2005: f\n',
    );
    expect(announcement({ ...discovery, isNearMiss: true }, 96, 'f')).toContain('while shrinking case 197:');
  });

  it('says at the end what ran, and what is left', () => {
    const result = {
      tally: tally(20, { outcomes: new Map([['ok', 20]]) }),
      growth: [],
      before: 5,
      findings: [],
    };
    const context = { repetitions: 0, interrupted: false, findings: [], replay: () => '' };
    expect(fuzzSummary({ ...result, isComplete: false }, context)).toBe(
      '\ncases: 20 (20 ok), 5 of them by earlier commands\n' +
        'more cases are left; the same command goes on with them\nno counterexample\n',
    );
    expect(fuzzSummary({ ...result, isComplete: true }, context)).toContain(
      'all cases of this part have run',
    );
    const findings = [stored('block 0 case 3, shrunk after 9 steps')];
    expect(fuzzSummary({ ...result, findings, isComplete: true }, context)).toContain(
      '1 stored finding no longer shown',
    );
    const onQemu = (interrupted: boolean) =>
      fuzzSummary({ ...result, findings, isComplete: true }, { ...context, repetitions: 10, interrupted });
    expect(onQemu(false)).toMatch(
      /1 stored finding did not show again in 10 runs.*no counterexample that shows again\n$/s,
    );
    const cut = [...findings, stored('block 0 case 4, shrinking after 2 steps')];
    expect(fuzzSummary({ ...result, findings: cut, isComplete: true }, context)).toContain(
      '1 stored finding not shrunk to the smallest case yet; the same command goes on with it\n',
    );
    const nothing = { ...result, tally: tally(0, {}), isComplete: false };
    expect(fuzzSummary(nothing, { ...context, interrupted: true })).toContain(
      'cases: 0, 5 of them by earlier commands\ninterrupted: more cases are left',
    );
    expect(onQemu(true)).toContain('1 stored finding did not show again before the interrupt\n');
  });
});

describe('the text of a proof', () => {
  const plan: ProofPlan = { revision: 'seed-v2', size: 6, shard: WHOLE, command: '' };

  it('begins with the size of the scope', () => {
    const scope = { size: 6, layouts: [1, 2, 3], surroundings: [1, 2], sequences: [1] };
    expect(proofStart(plan, scope, '1')).toBe(
      'barproof 1: prove seed-v2, 6 scenarios\n3 layouts x 2 surroundings x 1 sequence of operations\n',
    );
  });

  it('says which invariants hold, and which nothing exercises', () => {
    const by = { exercised: new Map([['no-abort', 6]]), known: new Map([['a.json', 2]]) };
    const invariants = COMMON_INVARIANTS.filter(({ id }) => id === 'no-abort' || id === 'window-limit');
    const context = { plan, findings: [], invariants };
    const text = proofSummary({ tally: tally(6, by), counterexamples: [], size: 6 }, context);
    expect(text).toBe(
      'checked in these scenarios:\n  no-abort: 6 scenarios\n' +
        'not proven, for nothing in the scope exercises it: window-limit\n' +
        'known: a.json in 2 scenarios\nall 6 scenarios of the scope hold\n',
    );
    const cut = proofSummary({ tally: tally(4, by), counterexamples: [], size: 6 }, context);
    expect(cut).toContain('interrupted: 4 of 6 scenarios were run');
    expect(cut).not.toContain('hold');
  });
});

describe('the text of a merge', () => {
  it('sums the cases of the parts of each campaign', () => {
    const state = (command: string, number: number): CampaignState => ({
      command,
      revision: 'seed-v2',
      shard: { number, of: 2 },
      blocks: 1,
      tally: tally(10),
      growth: [],
    });
    expect(mergeText([], [state('b', 1), state('a', 2), state('a', 1)])).toBe(
      'a: 20 cases, parts 1/2 2/2\nb: 10 cases, parts 1/2\n0 findings\n',
    );
  });
});
