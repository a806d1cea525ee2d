import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fingerprintText, type Invariant, type InvariantId } from '../invariants/index.ts';
import { decodeScenario, type Scenario } from '../scenario/index.ts';
import { runOnModel } from '../model/index.ts';
import type { Trace } from '../trace/index.ts';
import { NEWEST } from '../vfio/index.ts';
import { NotSeenAgain, shrinkSighting } from './shrink-sighting.ts';
import { search, type SearchOptions } from './search.ts';

const UNIT = 0x1_0000n;

const withRam = (units: number): Scenario =>
  decodeScenario({
    version: 1,
    machine: { type: 'generic', ram: `0x${(BigInt(units) * UNIT).toString(16)}` },
    host: { kernel: 'msix-mappable', iommu: { type: 'type1' } },
    devices: [],
  });

const unitsOf = ({ machine }: Scenario): number => Number(machine.ram / UNIT);

/** Machines that differ only in their RAM, which shrinks to one unit. */
const scenarios = fc.integer({ min: 1, max: 1000 }).map(withRam);

const traceOf = (scenario: Scenario): Trace => runOnModel(scenario, NEWEST);

/** An invariant that breaks for the cause that `causeOf` gives for the machine's RAM, and applies where `applies` says so. */
const invariant = (
  id: InvariantId,
  causeOf: (units: number) => string | undefined,
  applies: (units: number) => boolean = () => true,
): Invariant => ({
  id,
  clause: id,
  severity: 'error',
  site: id,
  start: ({ scenario }, examination) => {
    const units = unitsOf(scenario);
    if (applies(units)) examination.exercised++;
    const cause = causeOf(units);
    if (cause === undefined) return undefined;
    examination.violate(cause, () => `${units} units`);
    return undefined;
  },
});

const holds = invariant('flat-minimal', () => undefined);

const options = (rest: Partial<SearchOptions> = {}): SearchOptions => ({
  run: traceOf,
  scenarios,
  invariants: [holds],
  seed: 1,
  runs: 100,
  ...rest,
});

/** Runs cases and records their RAM. */
function recording(): { readonly run: SearchOptions['run']; readonly seen: number[] } {
  const seen: number[] = [];
  const run = (scenario: Scenario): Trace => {
    seen.push(unitsOf(scenario));
    return traceOf(scenario);
  };
  return { run, seen };
}

describe('search', () => {
  it.each([0, 1, 7, 100])('runs %d cases when `runs` is that many', async (runs) => {
    const { run, seen } = recording();
    const { outcomes } = await search(options({ run, runs }));
    expect(seen).toHaveLength(runs);
    expect([...outcomes.values()].reduce((sum, cases) => sum + cases, 0)).toBe(runs);
  });

  it('goes on after a counterexample, and counts all cases that show it', async () => {
    const { run, seen } = recording();
    const always = invariant('no-abort', () => 'always');
    const { sightings } = await search(options({ run, runs: 50, invariants: [always] }));
    expect(seen).toHaveLength(50);
    const fingerprint = { invariant: 'no-abort', cause: 'always' };
    expect(sightings).toEqual([
      { fingerprint, run: 0, cases: 50, starts: [0, 1, 2], hasRealisticStart: false },
    ]);
  });

  describe('of a machine that is real with 64 MiB of RAM', () => {
    // 1,000 units are less RAM than any firmware starts with.
    const drawnMachines = fc.nat({ max: 9 }).map((drawn): Scenario => {
      const { machine, ...rest } = withRam(drawn < 8 ? 1000 : 1024);
      return { ...rest, machine: { ...machine, type: 'q35' } };
    });
    const machines = fc.noShrink(drawnMachines);
    const always = invariant('no-abort', () => 'always');

    it('keeps the first realistic case as one more start of shrinking', async () => {
      const { run, seen } = recording();
      const all = options({ run, scenarios: machines, runs: 60, starts: 1, invariants: [always] });
      const { sightings } = await search(all);
      const real = seen.indexOf(1024);
      expect(real).toBeGreaterThan(0);
      expect(sightings[0]).toMatchObject({ starts: [0, real], hasRealisticStart: true });
      expect(unitsOf((await shrinkSighting(sightings[0]!, all)).scenario)).toBe(1024);
    });
  });

  it('counts a case once for a fingerprint, even if the case shows the fingerprint twice', async () => {
    const once = invariant('no-abort', () => 'always');
    const twice: Invariant = {
      ...once,
      start: (trace, examination) => {
        once.start(trace, examination);
        return once.start(trace, examination);
      },
    };
    const { sightings } = await search(options({ runs: 50, invariants: [twice] }));
    expect(sightings[0]).toMatchObject({ cases: 50, starts: [0, 1, 2] });
  });

  it('gives for each fingerprint the number of the first case that shows it', async () => {
    const { run, seen } = recording();
    const parity = invariant('no-abort', (units) => (units % 2 === 0 ? 'even' : 'odd'));
    const { sightings } = await search(options({ run, invariants: [parity] }));
    expect(sightings).toHaveLength(2);
    for (const { fingerprint, run: first, cases } of sightings) {
      const shows = (units: number): boolean => (units % 2 === 0 ? 'even' : 'odd') === fingerprint.cause;
      expect(first).toBe(seen.findIndex(shows));
      expect(cases).toBe(seen.filter(shows).length);
    }
  });

  it('keeps apart two invariants that break for causes of the same name', async () => {
    const both = [invariant('no-abort', () => 'same'), invariant('map-aligned', () => 'same')];
    const { sightings } = await search(options({ runs: 3, invariants: both }));
    expect(sightings.map(({ fingerprint }) => fingerprint)).toEqual([
      { invariant: 'no-abort', cause: 'same' },
      { invariant: 'map-aligned', cause: 'same' },
    ]);
  });

  it('counts for each invariant the cases to which it applies', async () => {
    const { run, seen } = recording();
    const invariants = [
      holds,
      invariant(
        'no-abort',
        () => undefined,
        (units) => units > 500,
      ),
      invariant(
        'window-limit',
        () => undefined,
        () => false,
      ),
    ];
    const { exercised } = await search(options({ run, invariants }));
    expect([...exercised]).toEqual([
      ['flat-minimal', 100],
      ['no-abort', seen.filter((units) => units > 500).length],
      ['window-limit', 0],
    ]);
  });

  it('reports its progress every 250 cases', async () => {
    const reported: [number, number][] = [];
    const late = invariant('no-abort', () => 'always');
    const onProgress = (cases: number, findings: number): void => {
      reported.push([cases, findings]);
    };
    await search(options({ runs: 900, invariants: [late], onProgress }));
    expect(reported).toEqual([
      [250, 1],
      [500, 1],
      [750, 1],
    ]);
  });

  it('runs the same cases for the same seed, and other cases for another seed', async () => {
    const casesOf = async (seed: number): Promise<number[]> => {
      const { run, seen } = recording();
      await search(options({ run, seed }));
      return seen;
    };
    const cases = await casesOf(5);
    expect(await casesOf(5)).toEqual(cases);
    expect(await casesOf(6)).not.toEqual(cases);
    expect(await casesOf(-(2 ** 31))).toHaveLength(100);
  });

  it('begins with the same cases when `runs` is larger', async () => {
    const casesOf = async (runs: number): Promise<number[]> => {
      const { run, seen } = recording();
      await search(options({ run, runs }));
      return seen;
    };
    expect((await casesOf(60)).slice(0, 20)).toEqual(await casesOf(20));
  });

  it('passes on an exception of the target, with the case that leads to it', async () => {
    const broken = new TypeError('the model is broken');
    const run = (): Trace => {
      throw broken;
    };
    const error = expect.objectContaining({ message: expect.stringMatching(/"machine"/), cause: broken });
    await expect(search(options({ run }))).rejects.toThrow(error);
  });
});

describe('scenarios drawn in lanes', () => {
  const two = fc.array(scenarios, { minLength: 2, maxLength: 2 });
  const lanes = fc.array(two, { minLength: 2, maxLength: 2 });
  const big = invariant('no-abort', (units) => (units >= 500 ? 'big' : undefined));

  it('count as single cases, and no more than `runs` of them are run', async () => {
    const { run, seen } = recording();
    const { cases } = await search(options({ run, scenarios: lanes, runs: 10 }));
    expect(cases).toBe(10);
    const drawn = fc.sample(lanes, { seed: 1, numRuns: 3 }).flat(2);
    expect(seen.toSorted()).toEqual(drawn.slice(0, 10).map(unitsOf).toSorted());
  });

  it('run side by side, except that scenarios of one lane run one after the other', async () => {
    let running = 0;
    let most = 0;
    const run = async (scenario: Scenario): Promise<Trace> => {
      most = Math.max(most, ++running);
      await new Promise(setImmediate);
      running--;
      return traceOf(scenario);
    };
    await search(options({ run, scenarios: lanes, runs: 20 }));
    // Two lanes of two scenarios: at most one scenario of each lane runs at a time.
    expect(most).toBe(2);
  });

  it('report the progress of the search after every draw', async () => {
    const reported: number[] = [];
    await search(options({ scenarios: lanes, runs: 10, onProgress: (cases) => reported.push(cases) }));
    expect(reported).toEqual([4, 8, 10]);
  });

  it('are judged in the order of the draw, also if a later one finishes first', async () => {
    const run = async (scenario: Scenario): Promise<Trace> => {
      await new Promise((resolve) => setTimeout(resolve, unitsOf(scenario) % 7));
      return traceOf(scenario);
    };
    const slow = await search(options({ run, scenarios: lanes, invariants: [big], runs: 60 }));
    const fast = await search(options({ scenarios: lanes, invariants: [big], runs: 60 }));
    expect(slow.sightings).toEqual(fast.sightings);
  });

  it('are all finished before the exception of one is passed on', async () => {
    let done = 0;
    const run = async (scenario: Scenario): Promise<Trace> => {
      if (done === 0 && unitsOf(scenario) === unitsOf(first!)) throw new Error('a fault');
      await new Promise((resolve) => setTimeout(resolve, 5));
      done++;
      return traceOf(scenario);
    };
    const [first] = fc.sample(lanes, { seed: 1, numRuns: 1 }).flat(2);
    await expect(search(options({ run, scenarios: lanes }))).rejects.toMatchObject({
      cause: { message: 'a fault' },
    });
    expect(done).toBe(2);
  });

  it('are counted for a fingerprint one by one, and shrink from their draws', async () => {
    const drawn = fc.sample(lanes, { seed: 1, numRuns: 25 }).map((lists) => lists.flat());
    const showing = drawn.flat().filter((scenario) => unitsOf(scenario) >= 500);
    const { sightings } = await search(options({ scenarios: lanes, invariants: [big] }));
    expect(sightings[0]).toMatchObject({ cases: showing.length, run: drawn.flat().indexOf(showing[0]!) });
    const draws = drawn.flatMap((list, draw) => (list.some((one) => showing.includes(one)) ? [draw] : []));
    expect(sightings[0]!.starts).toEqual(draws.slice(0, 3));
  });

  it('shrink to the smallest scenario, on a path by which fast-check finds it again', async () => {
    const all = options({ scenarios: lanes, invariants: [big] });
    const { sightings } = await search(all);
    const shrunk = await shrinkSighting(sightings[0]!, all);
    expect(unitsOf(shrunk.scenario)).toBe(500);
    const property = fc.property(lanes, (lists) => lists.flat().every((one) => unitsOf(one) < 500));
    const again = fc.check(property, { seed: all.seed, path: shrunk.path, endOnFailure: true });
    expect(again.counterexample?.[0].flat().map(unitsOf)).toContain(500);
  });
});

describe('a search whose signal is aborted', () => {
  it('stops after the current case, and generates no more cases', async () => {
    const controller = new AbortController();
    let generated = 0;
    const counted = scenarios.map((scenario) => {
      if (++generated === 30) controller.abort();
      return scenario;
    });
    const { run, seen } = recording();
    const { cases, outcomes } = await search(
      options({ run, scenarios: counted, runs: 100_000_000, signal: controller.signal }),
    );
    expect(generated).toBe(30);
    expect(seen).toHaveLength(29);
    expect(cases).toBe(29);
    expect([...outcomes.values()]).toEqual([29]);
  });

  it('stops although the abort comes from the event loop: the event loop gets a turn every 250 cases', async () => {
    const controller = new AbortController();
    setImmediate(() => controller.abort());
    const { cases } = await search(options({ runs: 100_000_000, signal: controller.signal }));
    expect(cases).toBe(250);
  });

  it('waits for a target that returns promises', async () => {
    const run = async (scenario: Scenario): Promise<Trace> => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      return traceOf(scenario);
    };
    const { outcomes } = await search(options({ run, runs: 5 }));
    expect([...outcomes]).toEqual([['ok', 5]]);
  });

  it('passes on an exception that the target throws in the last case', async () => {
    const controller = new AbortController();
    const run = (): Trace => {
      controller.abort();
      throw new TypeError('the model is broken');
    };
    const searching = search(options({ run, signal: controller.signal }));
    await expect(searching).rejects.toMatchObject({ cause: { message: 'the model is broken' } });
  });
});

describe('the sightings that a search reports', () => {
  it('hold the first case of a fingerprint, its trace and its violation, before the next case runs', async () => {
    const big = invariant('no-abort', (units) => (units >= 500 ? 'big' : undefined));
    const { run, seen } = recording();
    const reported: unknown[] = [];
    await search(
      options({
        run,
        invariants: [big],
        onSighting: ({ fingerprint, run: first }, scenario, trace, violation) => {
          expect(trace.scenario).toBe(scenario);
          expect(violation.message).toBe(`${unitsOf(scenario)} units`);
          reported.push([fingerprint, first, unitsOf(scenario), seen.length]);
        },
      }),
    );
    const first = seen.findIndex((units) => units >= 500);
    expect(reported).toEqual([[{ invariant: 'no-abort', cause: 'big' }, first, seen[first], first + 1]]);
  });
});

describe('shrinkSighting', () => {
  const shrinkFirst = async (rest: Partial<SearchOptions>, name: string) => {
    const all = options(rest);
    const { sightings } = await search(all);
    const sighting = sightings.find(({ fingerprint }) => fingerprintText(fingerprint) === name);
    expect(sighting, `${name} is seen`).toBeDefined();
    return { all, shrunk: await shrinkSighting(sighting!, all) };
  };

  it('shrinks a case to the smallest that still breaks the invariant', async () => {
    const big = invariant('no-abort', (units) => (units >= 500 ? 'big' : undefined));
    const { shrunk } = await shrinkFirst({ invariants: [big] }, 'no-abort/big');
    expect(unitsOf(shrunk.scenario)).toBe(500);
    expect(shrunk.violation).toEqual({ invariant: 'no-abort', cause: 'big', message: '500 units', step: 0 });
    expect(shrunk.shrinks).toBeGreaterThan(0);
  });

  it('does not take a smaller case that breaks for another cause', async () => {
    const causeOf = (units: number): string | undefined =>
      units < 100 ? undefined : units < 700 ? 'small' : 'large';
    const { shrunk } = await shrinkFirst({ invariants: [invariant('no-abort', causeOf)] }, 'no-abort/large');
    expect(unitsOf(shrunk.scenario)).toBe(700);
  });

  it('does not take a smaller case that breaks another invariant for the same cause', async () => {
    const invariants = [
      invariant('map-aligned', (units) => (units >= 10 ? 'same' : undefined)),
      invariant('no-abort', (units) => (units >= 600 ? 'same' : undefined)),
    ];
    const { shrunk } = await shrinkFirst({ invariants }, 'no-abort/same');
    expect(unitsOf(shrunk.scenario)).toBe(600);
  });

  it('gives a path by which fast-check finds the shrunk case again', async () => {
    const big = invariant('no-abort', (units) => (units >= 321 ? 'big' : undefined));
    const { all, shrunk } = await shrinkFirst({ invariants: [big] }, 'no-abort/big');
    const property = fc.property(scenarios, (scenario) => unitsOf(scenario) < 321);
    const again = fc.check(property, { seed: all.seed, path: shrunk.path, endOnFailure: true });
    expect(again.counterexample?.map(unitsOf)).toEqual([321]);
  });

  it('names the draws and the fingerprint when no case shows the fingerprint again', async () => {
    let broken = true;
    const flaky = invariant('no-abort', () => (broken ? 'flaky' : undefined));
    const all = options({ invariants: [flaky], seed: 9 });
    const { sightings } = await search(all);
    broken = false;
    await expect(shrinkSighting(sightings[0]!, all)).rejects.toThrow(
      'draws 0, 1, 2 of seed 9 showed no-abort/flaky in the search, but not when they were run again',
    );
  });

  it('runs a case `attempts` times before it gives up', async () => {
    let turns = 0;
    const flaky = invariant('no-abort', () => (turns++ % 4 === 0 ? 'flaky' : undefined));
    const all = options({ invariants: [flaky], runs: 1, starts: 1 });
    const { sightings } = await search(all);
    await expect(shrinkSighting(sightings[0]!, { ...all, attempts: 3 })).rejects.toThrow(NotSeenAgain);
    turns = 1;
    await expect(shrinkSighting(sightings[0]!, { ...all, attempts: 4 })).resolves.toMatchObject({
      violation: { cause: 'flaky' },
    });
  });

  it('returns the first case unshrunk when the signal is aborted', async () => {
    const big = invariant('no-abort', (units) => (units >= 500 ? 'big' : undefined));
    const { run, seen } = recording();
    const all = options({ run, invariants: [big] });
    const { sightings } = await search(all);
    const { run: first } = sightings[0]!;
    const { scenario, path, shrinks } = await shrinkSighting(sightings[0]!, {
      ...all,
      signal: AbortSignal.abort(),
    });
    expect({ units: unitsOf(scenario), path, shrinks }).toEqual({
      units: seen[first],
      path: String(first),
      shrinks: 0,
    });
  });
});
