import { afterAll, bench, describe } from 'vitest';
import { exponent, quantile, reportBenchmark } from '../../properties/testing/benchmark.ts';
import { END_OF_SPACE, offset } from '../address/index.ts';
import { FlatView } from './flat-view.ts';
import { MemoryRegion } from './memory-region.ts';
import { MemoryTopology } from './memory-topology.ts';

/** How many regions the machines have. */
const SIZES = [100, 1_000, 10_000, 100_000] as const;
const PAGE = 0x1000n;

/** 0 to n - 1 in the same random order each time: sorted runs would help one sort more than another. */
function shuffled(n: number): number[] {
  const order = Array.from({ length: n }, (_, index) => index);
  let state = 1;
  for (let last = n - 1; last > 0; last--) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const other = Math.floor((state / 2 ** 32) * (last + 1));
    [order[last], order[other]] = [order[other]!, order[last]!];
  }
  return order;
}

interface Machine {
  readonly topology: MemoryTopology;
  readonly root: MemoryRegion;
  /** Overlaps no other region, and has room for one more page before the next region. */
  readonly bar: MemoryRegion;
}

/**
 * A container of `count` regions, added in scattered order. Of each four regions two overlap no other; the
 * other two overlap, and the one with the higher priority lies in the middle.
 */
function machineOf(count: number): Machine {
  const topology = new MemoryTopology();
  const root = MemoryRegion.container('root', END_OF_SPACE);
  const places = shuffled(count).map((index) => {
    const base = BigInt(index >> 2) * 16n * PAGE;
    const [start, pages, priority] = ([[0n, 1n, 0], [4n, 2n, 0], [8n, 6n, 0], [10n, 2n, 1]] as const)[index % 4]!; // prettier-ignore
    return { address: base + start * PAGE, size: pages * PAGE, priority };
  });
  let bar: MemoryRegion | undefined;
  // By ascending priority, so that each region is inserted at the front: otherwise building takes n².
  for (const { address, size, priority } of places.toSorted((a, b) => a.priority - b.priority)) {
    const region = MemoryRegion.ram('region', size);
    topology.addSubregion(root, region, offset(address), priority);
    if (size === PAGE) bar = region;
  }
  return { topology, root, bar: bar! };
}

/** The start and end of each region, in the order of the container. */
const endPointsOf = ({ root }: Machine): bigint[] =>
  root.subregions.flatMap(({ address, end }) => [address, end]);

const sortTyped = (points: BigUint64Array): BigUint64Array => points.slice().sort();
const sortCompared = (points: readonly bigint[]): bigint[] =>
  points.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0));

const cases = SIZES.map((count) => {
  const machine = machineOf(count);
  const points = endPointsOf(machine);
  return { count, machine, points, typed: BigUint64Array.from(points) };
});

/** A function that moves the BAR by a page and back, in a view of all regions that has a listener. */
function barMover({ topology, root, bar }: Machine): () => void {
  const space = topology.createAddressSpace('memory', root);
  let calls = 0;
  const count = (): void => void calls++;
  topology.registerListener({ name: 'counts', priority: 0, regionAdd: count, regionDel: count }, space);
  const [home, away] = [bar.address, offset(bar.address + PAGE)];
  return () => topology.setAddress(bar, bar.address === home ? away : home);
}
const move = barMover(machineOf(SIZES.at(-1)!));

/** Few rounds for slow tasks: the summary below takes its own medians. */
const options = (count: number) => ({
  time: count < 10_000 ? 100 : 0,
  warmupTime: 0,
  warmupIterations: 1,
  iterations: 5,
});

describe.each(cases)('$count regions', ({ count, machine: { root }, points, typed }) => {
  bench('rendering', () => void FlatView.render(root), options(count));
  bench('sorting the end points in a BigUint64Array', () => void sortTyped(typed), options(count));
  bench('sorting the end points with a comparator', () => void sortCompared(points), options(count));
});

describe('a view of 100000 regions', () => {
  bench('moving one BAR', move, { time: 300 });
});

const median = (values: readonly number[]): number => quantile(values, 0.5);

/** Each measurement renders as many regions as the largest machine has, so that other load slows all sizes alike. */
const AT_ONCE = SIZES.at(-1)!;
const ROUNDS = 9;

interface Task {
  readonly run: () => unknown;
  /** How often one measurement runs the task. */
  readonly times: number;
}

/** The median of the milliseconds that one run of each task takes, over rounds of all tasks in turn. */
function medians(tasks: readonly Task[]): number[] {
  const measured = tasks.map((): number[] => []);
  for (let round = -1; round < ROUNDS; round++) {
    tasks.forEach(({ run, times }, index) => {
      const start = performance.now();
      for (let time = 0; time < times; time++) run();
      // The first round warms up.
      if (round >= 0) measured[index]!.push((performance.now() - start) / times);
    });
  }
  return measured.map(median);
}

afterAll(() => {
  const lines = ['   regions    rendering   typed sort    ratio   comparator    ratio'];
  const milliseconds = (value: number): string => `${value.toFixed(3)} ms`.padStart(13);
  const ratio = (value: number): string => value.toFixed(2).padStart(9);
  const figures = medians(
    cases.flatMap(({ count, machine: { root }, points, typed }) =>
      [() => FlatView.render(root), () => sortTyped(typed), () => sortCompared(points)].map((run) => ({
        run,
        times: AT_ONCE / count,
      })),
    ),
  );
  const grown = cases.map(({ count }, index) => {
    const [rendering, typed, compared] = figures.slice(3 * index) as [number, number, number];
    lines.push(
      `${String(count).padStart(10)}${milliseconds(rendering)}` +
        `${milliseconds(typed)}${ratio(rendering / typed)}${milliseconds(compared)}${ratio(rendering / compared)}`,
    );
    return { n: count, rendering, typed, compared };
  });
  const growthOf = (what: 'rendering' | 'compared'): number =>
    exponent(grown.map((one) => ({ n: one.n, time: one[what] })));
  const growth = { rendering: growthOf('rendering'), comparatorSort: growthOf('compared') };
  const [moving] = medians([{ run: move, times: 10 }]);
  const largest = grown.at(-1)!;
  reportBenchmark(
    'flat-view',
    [
      'Flat views, medians of one run:',
      ...lines,
      `growth: rendering n^${growth.rendering.toFixed(2)}, sorting with a comparator n^${growth.comparatorSort.toFixed(2)}`,
      `moving one BAR in a view of ${largest.n} regions: ${moving!.toFixed(3)} ms, a new rendering: ${largest.rendering.toFixed(3)} ms`,
    ],
    {
      views: grown.map(({ n, rendering, typed, compared }) => ({
        regions: n,
        milliseconds: rendering,
        toTypedSort: rendering / typed,
        toComparatorSort: rendering / compared,
      })),
      exponents: growth,
      moveToRendering: moving! / largest.rendering,
    },
  );
}, 120_000);
