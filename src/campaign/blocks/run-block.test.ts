import { describe, expect, it } from 'vitest';
import { NotRunnable } from '../../trace/index.ts';
import { TargetFailed } from '../run-if-possible.ts';
import { invariantOfRam, runMachine, unitsOf, withRam } from '../testing/machines-of-ram.ts';
import { runBlock, type BlockOptions } from './run-block.ts';
import { sumOf } from './tally.ts';

const block = (count: number, rest: Partial<BlockOptions> = {}) => {
  let next = 0;
  return runBlock({
    run: runMachine,
    invariants: [invariantOfRam('no-abort', (units) => (units >= 3 ? 'from-three' : undefined))],
    forgiven: () => undefined,
    number: 7,
    cases: { next: () => (next < count ? withRam(++next) : undefined) },
    classify: (scenario) => [unitsOf(scenario) % 2 === 0 ? 'even' : 'odd'],
    ...rest,
  });
};

describe('runBlock', () => {
  it('gives the first case of each discovery, and counts all', async () => {
    const { discoveries, tally, isComplete } = await block(5);
    expect(discoveries).toEqual([
      {
        invariant: 'no-abort',
        cause: 'from-three',
        place: 'nowhere',
        block: 7,
        case: 2,
        isNearMiss: false,
        scenario: withRam(3),
        shown: { outcome: 'ok', message: '3 units', violations: [] },
      },
    ]);
    expect(isComplete).toBe(true);
    expect(tally.cases).toBe(5);
    expect(Object.fromEntries(tally.by.found)).toEqual({ 'no-abort/from-three@nowhere': 3 });
    expect(Object.fromEntries(tally.by.classes)).toEqual({ odd: 3, even: 2 });
    expect(Object.fromEntries(tally.by.outcomes)).toEqual({ ok: 5 });
    expect(Object.fromEntries(tally.by.exercised)).toEqual({ 'no-abort': 5 });
    expect(Object.fromEntries(tally.by.pageSizes)).toEqual({ 'host 4 KiB, IOMMU 4 KiB, guest 4 KiB': 5 });
  });

  it('tells of a discovery before the next case runs', async () => {
    const told: string[] = [];
    await block(4, {
      run: (scenario) => {
        told.push(`runs ${unitsOf(scenario)}`);
        return runMachine(scenario);
      },
      onDiscovery: ({ cause }) => told.push(cause),
    });
    expect(told).toEqual(['runs 1', 'runs 2', 'runs 3', 'from-three', 'runs 4']);
  });

  it('counts what a known finding explains, and discovers it not', async () => {
    const { discoveries, tally } = await block(5, { forgiven: () => 'known.json' });
    expect(discoveries).toEqual([]);
    expect(Object.fromEntries(tally.by.known)).toEqual({ 'known.json': 3 });
  });

  it('says which cases show a behaviour that no case of the block showed before', async () => {
    const learned: boolean[] = [];
    let next = 0;
    await block(0, {
      cases: {
        next: () => (next < 4 ? withRam(++next) : undefined),
        learn: (_, isNew) => learned.push(isNew),
      },
    });
    expect(learned).toEqual([true, false, true, false]);
  });

  it('counts cases that the target cannot run', async () => {
    const { tally } = await block(4, {
      run: (scenario) => {
        if (unitsOf(scenario) === 1) throw new NotRunnable('too small');
        return runMachine(scenario);
      },
    });
    expect(Object.fromEntries(tally.by.notRun)).toEqual({ 'too small': 1 });
    expect(tally.cases).toBe(4);
  });

  it('ends after the case in which the signal comes', async () => {
    const end = new AbortController();
    const { tally, isComplete } = await block(10, {
      signal: end.signal,
      run: (scenario) => {
        if (unitsOf(scenario) === 4) end.abort();
        return runMachine(scenario);
      },
    });
    expect({ cases: tally.cases, isComplete }).toEqual({ cases: 4, isComplete: false });
  });

  it('throws what the target throws, with the case', async () => {
    const failing = block(3, {
      run: () => {
        throw new Error('broken target');
      },
    });
    await expect(failing).rejects.toThrow(TargetFailed);
  });
});

describe('sumOf', () => {
  it('is the same in any order', async () => {
    const tallies = [(await block(2)).tally, (await block(5)).tally, (await block(9)).tally];
    const sorted = (sum: ReturnType<typeof sumOf>) => ({
      cases: sum.cases,
      found: [...sum.by.found].toSorted(),
      behaviours: [...sum.by.behaviours].toSorted(),
    });
    expect(sorted(sumOf(tallies))).toEqual(sorted(sumOf(tallies.toReversed())));
    expect(sumOf(tallies).cases).toBe(16);
  });
});
