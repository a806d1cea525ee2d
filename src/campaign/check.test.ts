import * as fc from 'fast-check';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findInvariant, type Invariant, type InvariantId } from '../invariants/index.ts';
import { decodeScenario, type Scenario } from '../scenario/index.ts';
import { InvalidInput } from '../input/index.ts';
import { runOnModel } from '../model/index.ts';
import type { Trace } from '../trace/index.ts';
import { NEWEST } from '../vfio/index.ts';
import { check, type CheckOptions } from './check.ts';
import type { CampaignEvent, CampaignPlan } from './events.ts';
import { RegressionStore, type StoredRegression } from './regression-store.ts';
import { NotSeenAgain } from './shrink-sighting.ts';
import { decodeRegression, formatRegression } from './regression.ts';

const UNIT = 0x1_0000n;

const withRam = (units: number, revision = NEWEST.id): Scenario =>
  decodeScenario({
    version: 1,
    machine: { type: 'generic', ram: `0x${(BigInt(units) * UNIT).toString(16)}` },
    revision,
    host: { kernel: 'msix-mappable', iommu: { type: 'type1' } },
    devices: [],
  });

const unitsOf = ({ machine }: Scenario): number => Number(machine.ram / UNIT);

const scenarios = fc.integer({ min: 1, max: 1000 }).map((units) => withRam(units));

const traceOf = (scenario: Scenario): Trace => runOnModel(scenario, NEWEST);

/** An invariant that breaks for every cause that `causesOf` gives for the machine's RAM. */
const invariant = (id: InvariantId, causesOf: (units: number) => readonly string[]): Invariant => ({
  id,
  clause: id,
  severity: 'error',
  site: id,
  start: ({ scenario }, examination) => {
    examination.exercised++;
    const units = unitsOf(scenario);
    for (const cause of causesOf(units)) {
      examination.violate(cause, () => `${units} units`);
    }
    return undefined;
  },
});

const from = (id: InvariantId, cause: string, least: number): Invariant =>
  invariant(id, (units) => (units >= least ? [cause] : []));

const stored = (
  id: InvariantId,
  cause: string,
  units: number,
  file = `${id}/${cause}.json`,
  revision = NEWEST.id,
): StoredRegression => ({
  file,
  regression: {
    schema: 1,
    invariant: id,
    cause,
    title: 'a stored case',
    status: 'open',
    expected: 'nothing',
    observed: { outcome: 'ok', violations: [] },
    failsOn: [],
    provenance: { source: 'a test' },
    scenario: withRam(units, revision),
  },
});

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'barproof-check-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

const plan = (rest: Partial<CampaignPlan> = {}): CampaignPlan => ({
  target: 'model',
  revision: NEWEST.id,
  seed: 'a seed',
  runs: 200,
  invariants: [],
  command: 'barproof check',
  ...rest,
});

/** Runs a check. Returns its summary, its events, and the RAM of each case that it ran, in order. */
async function checked(
  rest: Partial<CheckOptions> & { readonly seed?: string; readonly runs?: number } = {},
) {
  const events: CampaignEvent[] = [];
  const seen: number[] = [];
  const { seed = 'a seed', runs = 200, run = traceOf, ...others } = rest;
  const summary = await check({
    plan: plan({ seed, runs }),
    scenarios,
    invariants: [],
    regressions: [],
    known: [],
    store: undefined,
    version: '0.0.1',
    date: '2026-01-02',
    listener: (event) => events.push(event),
    ...others,
    run: (scenario) => {
      seen.push(unitsOf(scenario));
      return run(scenario);
    },
  });
  return { summary, events, seen };
}

const namesOf = (findings: readonly { readonly invariant: string; readonly cause: string }[]): string[] =>
  findings.map(({ invariant: id, cause }) => `${id}/${cause}`);

/** A check whose signal is aborted during case `end`, counted from 0. */
const interrupted = async (end: number, rest: Parameters<typeof checked>[0] = {}) => {
  const controller = new AbortController();
  let cases = 0;
  const run = (scenario: Scenario): Trace => {
    if (cases++ === end) controller.abort();
    return traceOf(scenario);
  };
  return checked({ run, signal: controller.signal, runs: 1_000_000, ...rest });
};

describe('the events of a check', () => {
  it('begin with the plan and end with the summary', async () => {
    const { events, summary } = await checked({ runs: 3 });
    expect(events.map(({ type }) => type)).toEqual(['started', 'finished']);
    expect(events[0]).toEqual({ type: 'started', plan: summary.plan });
    expect(events.at(-1)).toEqual({ type: 'finished', summary });
  });

  it('report replay, search, shrinking and findings, in that order', async () => {
    const { events } = await checked({
      runs: 600,
      invariants: [from('no-abort', 'big', 300), from('map-aligned', 'huge', 900)],
      regressions: [stored('no-abort', 'big', 1000)],
    });
    expect(events.map(({ type }) => type)).toEqual([
      'started',
      'sighted',
      'sighted',
      'progress',
      'progress',
      'shrinking',
      'shrinking',
      'finding',
      'finding',
      'finished',
    ]);
  });

  it('number the findings from 1, in the order of the summary', async () => {
    const { events, summary } = await checked({
      invariants: [from('no-abort', 'big', 300), from('map-aligned', 'big', 200)],
    });
    const told = events.filter((event) => event.type === 'finding');
    expect(told.map(({ number }) => number)).toEqual([1, 2]);
    expect(told.map(({ finding }) => finding)).toEqual(summary.findings);
  });
});

describe('the search of a check', () => {
  it('shrinks the case of every fingerprint to the smallest scenario that shows it', async () => {
    const { summary } = await checked({
      invariants: [from('no-abort', 'big', 300), from('map-aligned', 'huge', 900)],
    });
    expect(summary.holds).toBe(false);
    expect(summary.findings.map(({ scenario }) => unitsOf(scenario))).toEqual([900, 300]);
    for (const { origin, trace, scenario, violation } of summary.findings) {
      expect(origin).toMatchObject({ kind: 'search' });
      expect(trace.scenario).toBe(scenario);
      expect(violation.message).toBe(`${unitsOf(scenario)} units`);
    }
  });

  it('lists errors before warnings, then in the order of the invariants, then the most frequent first', async () => {
    const { summary } = await checked({
      invariants: [
        from('guest-page-reachable', 'a', 1),
        from('no-abort', 'b', 1),
        invariant('map-aligned', (units) => ['every', ...(units % 2 === 0 ? ['second'] : [])]),
        invariant('flat-minimal', (units) => [...(units > 900 ? ['rare'] : []), 'every']),
      ],
    });
    expect(namesOf(summary.findings)).toEqual([
      'map-aligned/every',
      'map-aligned/second',
      'flat-minimal/every',
      'flat-minimal/rare',
      'no-abort/b',
      'guest-page-reachable/a',
    ]);
  });

  it('runs other cases for another seed or revision, and the same cases for the same seed and revision', async () => {
    const casesOf = async (seed: string, revision: string): Promise<number[]> =>
      (await checked({ plan: plan({ revision, seed, runs: 50 }) })).seen;
    const cases = await casesOf('a', 'x');
    expect(await casesOf('a', 'x')).toEqual(cases);
    expect(await casesOf('b', 'x')).not.toEqual(cases);
    expect(await casesOf('a', 'y')).not.toEqual(cases);
  });

  it('gives the same findings with and without stored cases', async () => {
    const invariants = [from('no-abort', 'big', 300)];
    const without = await checked({ invariants });
    const withStored = await checked({
      invariants,
      regressions: [stored('no-abort', 'big', 999), stored('no-abort', 'big', 5)],
    });
    expect(withStored.summary.findings).toEqual(without.summary.findings);
    expect(withStored.summary.outcomes).toEqual(without.summary.outcomes);
    expect(withStored.summary.exercised).toEqual(without.summary.exercised);
  });

  it('holds when no invariant breaks, and when no case is run', async () => {
    const nothing = await checked({ invariants: [from('no-abort', 'big', 1001)] });
    expect(nothing.summary.holds).toBe(true);
    const none = await checked({ invariants: [from('no-abort', 'big', 1)], runs: 0 });
    expect(none.summary.holds).toBe(true);
  });
});

describe('the stored cases of a check', () => {
  it('run before the search, and do not count as generated cases', async () => {
    const regressions = [stored('no-abort', 'a', 2001), stored('no-abort', 'b', 2002)];
    const { seen, summary } = await checked({ regressions, runs: 40 });
    expect(seen.slice(0, 2)).toEqual([2001, 2002]);
    expect(seen).toHaveLength(2 + 40);
    expect([...summary.outcomes.values()]).toEqual([40]);
  });

  it('are findings when they break an invariant that the search does not see broken', async () => {
    const { summary, events } = await checked({
      invariants: [from('no-abort', 'giant', 1500)],
      regressions: [stored('no-abort', 'giant', 2000, 'no-abort/giant.json')],
      runs: 10,
    });
    expect(summary.holds).toBe(false);
    expect(namesOf(summary.findings)).toEqual(['no-abort/giant']);
    expect(summary.findings[0]).toMatchObject({
      cases: 0,
      origin: { kind: 'regression', stored: NEWEST.id },
      file: 'no-abort/giant.json',
    });
    expect(events.filter((event) => event.type === 'finding')).toMatchObject([
      { finding: { file: 'no-abort/giant.json' }, number: 1, revision: NEWEST.id },
    ]);
  });

  it('are judged by the invariants that they break now, not by those in their files', async () => {
    const { summary } = await checked({
      invariants: [from('map-aligned', 'new', 1500)],
      regressions: [stored('no-abort', 'old', 2000)],
      runs: 10,
    });
    expect(namesOf(summary.findings)).toEqual(['map-aligned/new']);
  });

  it('are replaced in the report by the shrunk case of the search', async () => {
    const { summary } = await checked({
      invariants: [from('no-abort', 'big', 300)],
      regressions: [stored('no-abort', 'big', 1000)],
    });
    expect(summary.findings).toHaveLength(1);
    expect(unitsOf(summary.findings[0]!.scenario)).toBe(300);
  });

  it('give one finding for each fingerprint, even if several cases show it', async () => {
    const { summary } = await checked({
      invariants: [from('no-abort', 'giant', 1500)],
      regressions: [stored('no-abort', 'giant', 2000, 'a.json'), stored('no-abort', 'giant', 1600, 'b.json')],
      runs: 10,
    });
    expect(summary.findings.map(({ file }) => file)).toEqual(['a.json']);
  });

  it('are named for the fingerprint in their file, even if another file shows it first', async () => {
    const invariants = [from('no-abort', 'giant', 1500), from('map-aligned', 'giant', 1500)];
    const regressions = [
      stored('map-aligned', 'giant', 2000, 'a.json'),
      stored('no-abort', 'giant', 1600, 'b.json'),
    ];
    const { summary } = await checked({ invariants, regressions, runs: 10 });
    expect(summary.findings.map(({ invariant: id, file }) => [id, file])).toEqual([
      ['map-aligned', 'a.json'],
      ['no-abort', 'b.json'],
    ]);
  });

  it('give a finding the revision that they were stored for', async () => {
    const { summary } = await checked({
      invariants: [from('no-abort', 'giant', 1500)],
      regressions: [stored('no-abort', 'giant', 2000, 'a.json', 'qemu-2.11')],
      runs: 10,
    });
    expect(summary.findings[0]!.origin).toEqual({ kind: 'regression', stored: 'qemu-2.11' });
  });

  it('are no findings when they break nothing any more', async () => {
    const { summary, events } = await checked({ regressions: [stored('no-abort', 'gone', 2000)], runs: 1 });
    expect(summary.holds).toBe(true);
    expect(events.map(({ type }) => type)).toEqual(['started', 'finished']);
  });
});

describe('the known findings of a check', () => {
  const invariants = [from('no-abort', 'big', 300)];
  const known = [stored('no-abort', 'big', 300, 'known.json')];

  it('are matched by invariant and cause, listed separately, and do not make the check fail', async () => {
    const { summary, events } = await checked({ invariants, known });
    expect(summary.holds).toBe(true);
    expect(summary.findings).toEqual([]);
    expect(namesOf(summary.known)).toEqual(['no-abort/big']);
    expect(summary.known[0]!.known).toBe('known.json');
    expect(events.filter(({ type }) => type === 'finding')).toEqual([]);
  });

  it('do not include another cause, nor the same cause of another invariant', async () => {
    const causes = invariant('no-abort', (units) => (units < 300 ? [] : units < 900 ? ['big'] : ['huge']));
    const { summary } = await checked({ invariants: [causes, from('map-aligned', 'big', 300)], known });
    expect(summary.holds).toBe(false);
    expect(namesOf(summary.findings)).toEqual(['map-aligned/big', 'no-abort/huge']);
    expect(namesOf(summary.known)).toEqual(['no-abort/big']);
  });

  it('are also recognised when a stored case shows them', async () => {
    const regressions = [stored('no-abort', 'big', 2000)];
    const { summary } = await checked({ invariants, known, regressions, runs: 0 });
    expect(summary.holds).toBe(true);
    expect(namesOf(summary.known)).toEqual(['no-abort/big']);
  });

  it('are not stored again', async () => {
    const store = new RegressionStore(folder);
    await checked({ invariants, known, store });
    expect(store.load()).toEqual([]);
  });
});

describe('the warnings of a check', () => {
  const invariants = [from('guest-page-reachable', 'small', 1)];

  it('are findings that do not make the check fail', async () => {
    const { summary } = await checked({ invariants });
    expect(summary.holds).toBe(true);
    expect(summary.findings.map(({ severity }) => severity)).toEqual(['warning']);
  });

  it('are stored like other findings', async () => {
    const store = new RegressionStore(folder);
    await checked({ invariants, store });
    expect(store.load()).toHaveLength(1);
  });
});

describe('the file that a check stores', () => {
  const invariants = [from('no-abort', 'big', 300)];

  const saved = async (rest: Parameters<typeof checked>[0] = {}) => {
    const store = new RegressionStore(folder);
    const result = await checked({ invariants, store, ...rest });
    const found = result.events.filter((event) => event.type === 'finding');
    return { ...result, store, files: found.map(({ finding }) => finding.file) };
  };

  it('holds the shrunk case, its invariant and cause, what was expected and observed, and its provenance', async () => {
    const { files, store } = await saved({ plan: plan({ seed: 'k1', command: 'barproof check --seed k1' }) });
    const [only] = store.load();
    expect(only!.file).toBe(files[0]);
    const { provenance, ...regression } = only!.regression;
    expect(regression).toEqual({
      schema: 1,
      invariant: 'no-abort',
      cause: 'big',
      title: '300 units',
      status: 'open',
      expected: findInvariant('no-abort').clause,
      observed: { outcome: 'ok', violations: [] },
      failsOn: [NEWEST.id],
      realistic: false,
      scenario: withRam(300),
    });
    expect(provenance).toMatchObject({
      source: 'barproof check --seed k1',
      version: '0.0.1',
      date: '2026-01-02',
    });
    expect(provenance.path).toMatch(/^\d+(:\d+)*$/);
  });

  it('names the checked revision, not the revision of the generated scenario', async () => {
    const foreign = fc.integer({ min: 1, max: 1000 }).map((units) => withRam(units, 'qemu-2.11'));
    const { store } = await saved({ scenarios: foreign });
    expect(store.load()[0]!.regression.scenario.revision).toBe(NEWEST.id);
  });

  it('is not rewritten when a later check finds the same case', async () => {
    const { files, store } = await saved();
    const path = join(store.directory, files[0]!);
    const before = readFileSync(path, 'utf8');
    const again = await saved({ date: '2030-12-31', regressions: store.load() });
    expect(again.files).toEqual(files);
    expect(readFileSync(path, 'utf8')).toBe(before);
    expect(store.load()).toHaveLength(1);
  });

  it('is not written when the check has no store', async () => {
    const { files } = await saved({ store: undefined });
    expect(files).toEqual([undefined]);
  });

  it('is not written for a finding that only a stored case shows', async () => {
    const regressions = [stored('no-abort', 'big', 2000, 'old.json')];
    const { files, store } = await saved({ runs: 0, regressions });
    expect(files).toEqual(['old.json']);
    expect(store.load()).toEqual([]);
  });

  it('is in the canonical form of a regression', async () => {
    const { files, store } = await saved();
    const text = readFileSync(join(store.directory, files[0]!), 'utf8');
    expect(formatRegression(decodeRegression(JSON.parse(text)))).toBe(text);
  });

  it('is written beside a stored case of the same fingerprint that is of another revision or not open', async () => {
    const other = stored('no-abort', 'big', 2000, 'a.json', 'qemu-2.11');
    const open = stored('no-abort', 'big', 2000, 'b.json');
    const fixed = { ...open, regression: { ...open.regression, status: 'fixed' } as const };
    const { files, store } = await saved({ regressions: [other, fixed] });
    expect(files).toEqual(store.load().map(({ file }) => file));
    expect(files[0]).toMatch(/^no-abort\/big-/);
  });

  it('is written before the next case runs, and replaced by the shrunk case', async () => {
    const store = new RegressionStore(folder);
    const storedBefore: number[][] = [];
    const run = (scenario: Scenario): Trace => {
      storedBefore.push(store.load().map(({ regression }) => unitsOf(regression.scenario)));
      return traceOf(scenario);
    };
    const { seen } = await saved({ run, runs: 50 });
    const first = seen.findIndex((units) => units >= 300);
    expect(storedBefore[first]).toEqual([]);
    expect(storedBefore[first + 1]).toEqual([seen[first]]);
    expect(store.load().map(({ regression }) => unitsOf(regression.scenario))).toEqual([300]);
  });

  /** A model that fails in case number `at`, counted from 1, and in all later cases. */
  const failingAt = (at: number) => {
    let cases = 0;
    return (scenario: Scenario): Trace => {
      if (++cases >= at) throw new Error('a fault of the model');
      return traceOf(scenario);
    };
  };

  it.each([20, 53])(
    'is stored and reported before the exception of the model in run %i is thrown',
    async (at) => {
      const events: CampaignEvent[] = [];
      const listener = (event: CampaignEvent): void => void events.push(event);
      const failing = saved({ run: failingAt(at), runs: 50, listener });
      await expect(failing).rejects.toMatchObject({ cause: { message: 'a fault of the model' } });
      expect(new RegressionStore(folder).load()).toHaveLength(1);
      expect(events.map(({ type }) => type).slice(-2)).toEqual(['finding', 'finished']);
      const cases = events.flatMap((event) => (event.type === 'finished' ? [event.summary.cases] : []));
      expect(cases).toEqual([Math.min(at - 1, 50)]);
    },
  );

  it('is reported before the exception of the model in a later stored case is thrown', async () => {
    const events: CampaignEvent[] = [];
    const failing = saved({
      run: failingAt(2),
      regressions: [stored('no-abort', 'big', 2000), stored('no-abort', 'big', 3000, 'other.json')],
      listener: (event) => void events.push(event),
    });
    await expect(failing).rejects.toThrow('a fault of the model');
    expect(events.map(({ type }) => type)).toEqual(['started', 'finding', 'finished']);
  });

  it('is shrunk and reported although it cannot be stored', async () => {
    const events: CampaignEvent[] = [];
    const store = new RegressionStore(folder);
    store.save = () => {
      throw new InvalidInput([{ path: 'a.json', message: 'the file cannot be written (ENOSPC)' }]);
    };
    const told = await saved({ store, runs: 50, listener: (event) => void events.push(event) });
    expect(told.summary).toMatchObject({
      holds: false,
      unsaved: [{ path: 'a.json', message: 'the file cannot be written (ENOSPC)' }],
    });
    const found = events.flatMap((event) => (event.type === 'finding' ? [event.finding] : []));
    expect(found.map(({ scenario, file }) => [unitsOf(scenario), file])).toEqual([[300, undefined]]);
  });

  it('does not replace an open case of the same fingerprint and revision', async () => {
    const store = new RegressionStore(folder);
    const file = store.save(stored('no-abort', 'big', 400).regression);
    const path = join(folder, file);
    const before = readFileSync(path, 'utf8');
    const { files } = await saved({ regressions: store.load() });
    expect(files).toEqual([file]);
    expect(readFileSync(path, 'utf8')).toBe(before);
    expect(store.load()).toHaveLength(1);
  });
});

describe('a finding that a target shows only now and then', () => {
  const flaky = (shows: () => boolean) => invariant('no-abort', () => (shows() ? ['flaky'] : []));

  it('is run again `repetitions` times, and counted in how many runs it shows', async () => {
    const always = await checked({ invariants: [flaky(() => true)], runs: 1, repetitions: 4 });
    expect(always.summary.findings[0]!.stability).toEqual({ shown: 4, of: 4 });
    let turn = 0;
    const half = await checked({ invariants: [flaky(() => turn++ % 2 === 0)], runs: 1, repetitions: 4 });
    expect(half.summary.findings[0]!.stability).toEqual({ shown: 2, of: 4 });
  });

  it('is stored unshrunk if it does not show again', async () => {
    let turn = 0;
    const store = new RegressionStore(folder);
    const once = await checked({ invariants: [flaky(() => turn++ === 0)], runs: 5, repetitions: 3, store });
    const [finding] = once.summary.findings;
    expect(finding).toMatchObject({ cases: 1, stability: { shown: 0, of: 3 }, origin: { shrinks: 0 } });
    expect(unitsOf(finding!.scenario)).toBe(once.seen[0]);
    expect(store.load()[0]!.regression.observed.stability).toBe('flaky 0/3');
  });

  it('makes a check without repetitions throw: the model does not depend on timing', async () => {
    let turn = 0;
    await expect(checked({ invariants: [flaky(() => turn++ === 0)], runs: 1 })).rejects.toThrow(NotSeenAgain);
  });
});

describe('a case that an interrupted check stored unshrunk', () => {
  it('is replaced by the shrunk case of a later check, also with another seed', async () => {
    const store = new RegressionStore(folder);
    const invariants = [from('no-abort', 'big', 300)];
    await interrupted(20, { invariants, store });
    const [left, ...none] = store.load();
    expect(none).toEqual([]);
    expect(unitsOf(left!.regression.scenario)).toBeGreaterThan(300);
    const { summary } = await checked({ invariants, store, seed: 'another', regressions: store.load() });
    expect(store.load().map(({ regression }) => unitsOf(regression.scenario))).toEqual([300]);
    expect(summary.findings.map(({ file }) => file)).toEqual(store.load().map(({ file }) => file));
  });
});

describe('an interrupted check on a real VMM', () => {
  /** Runs scenarios as a promise does; from run number `from` on, counted from 1, a run never ends. */
  const hangingFrom = (from: number, onRun: (run: number) => void) => {
    let runs = 0;
    return (scenario: Scenario): Promise<Trace> => {
      onRun(++runs);
      return runs >= from ? new Promise<Trace>(() => undefined) : Promise.resolve(traceOf(scenario));
    };
  };
  const invariants = [from('no-abort', 'big', 1)];

  // Run 1 is a stored case, run 2 the search, runs 3 and later shrink, and the last ten repeat the case.
  const interruptedAt = async (last: number) => {
    const controller = new AbortController();
    const begin = performance.now();
    const { summary } = await checked({
      invariants,
      runs: 1,
      regressions: [stored('no-abort', 'big', 1)],
      scenarios: fc.constant(withRam(1)),
      repetitions: 10,
      signal: controller.signal,
      run: hangingFrom(last, (run) => {
        if (run === last) setTimeout(() => controller.abort(), 10);
      }),
    });
    return { last, summary, milliseconds: performance.now() - begin };
  };

  it('gives up a run that never ends after 3 s, and reports what it has', async () => {
    // The checks wait side by side.
    for (const { last, summary, milliseconds } of await Promise.all([1, 2, 3, 8].map(interruptedAt))) {
      const which = `run ${last} never ends`;
      expect(milliseconds, which).toBeGreaterThan(2_900);
      expect(milliseconds, which).toBeLessThan(6_000);
      expect(summary.findings, which).toHaveLength(last === 1 ? 0 : 1);
      expect(summary.cases, which).toBe(last <= 2 ? 0 : 1);
      // Run 4 is the first repetition.
      expect(summary.findings[0]?.stability, which).toEqual(last === 8 ? { shown: 4, of: 4 } : undefined);
    }
  });
});

describe('an interrupted check', () => {
  it('counts the cases that it ran, the current one included', async () => {
    const { summary } = await interrupted(70);
    expect(summary.cases).toBe(71);
    expect([...summary.outcomes]).toEqual([['ok', 71]]);
  });

  it('reports and stores its findings unshrunk', async () => {
    const store = new RegressionStore(folder);
    const invariants = [from('no-abort', 'big', 300)];
    const { summary, events, seen } = await interrupted(70, { invariants, store });
    const first = seen.find((units) => units >= 300);
    expect(summary.holds).toBe(false);
    expect(summary.findings.map(({ scenario }) => unitsOf(scenario))).toEqual([first]);
    expect(events.map(({ type }) => type).slice(-3)).toEqual(['shrinking', 'finding', 'finished']);
    const files = store.load();
    expect(files.map(({ regression }) => unitsOf(regression.scenario))).toEqual([first]);
    expect(summary.findings[0]!.file).toBe(files[0]!.file);
  });

  it('stores the smallest case so far when it is interrupted while it shrinks', async () => {
    const store = new RegressionStore(folder);
    const invariants = [from('no-abort', 'big', 300)];
    // The search runs 50 cases; shrinking runs the first case again, and then three smaller ones.
    const { summary, seen } = await interrupted(53, { runs: 50, invariants, store });
    expect(seen).toHaveLength(54);
    expect(summary.cases).toBe(50);
    const smallest = Math.min(...seen.slice(50).filter((units) => units >= 300));
    expect(smallest).toBeLessThan(seen[50]!);
    expect(summary.findings.map(({ scenario }) => unitsOf(scenario))).toEqual([smallest]);
    expect(store.load().map(({ regression }) => unitsOf(regression.scenario))).toEqual([smallest]);
  });

  it('replays the stored cases even if it is interrupted before the search begins', async () => {
    const { summary, seen } = await checked({
      invariants: [from('no-abort', 'big', 300)],
      regressions: [stored('no-abort', 'big', 2000)],
      signal: AbortSignal.abort(),
    });
    expect(seen).toEqual([2000]);
    expect(summary).toMatchObject({ cases: 0, holds: false });
  });
});
