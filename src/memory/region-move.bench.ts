import { afterAll, bench, describe } from 'vitest';
import { cpuTime, exponent, reportBenchmark } from '../../properties/testing/benchmark.ts';
import { END_OF_SPACE, offset } from '../address/index.ts';
import { MemoryRegion } from './memory-region.ts';
import { MemoryTopology } from './memory-topology.ts';

/** One move of a BAR among 10^2 to 10^5 regions: the time must not grow with the number of regions. */
const SIZES = [100, 1_000, 10_000, 100_000] as const;
const PAGE = 0x1000n;

interface Machine {
  readonly move: () => void;
  /** How many ranges the listener heard of. */
  readonly heard: () => number;
}

/** A view of `count` RAM regions of a page in every fourth page; the one in the middle moves a page up and down. */
function machineOf(count: number): Machine {
  const topology = new MemoryTopology();
  const root = MemoryRegion.container('root', END_OF_SPACE);
  const regions = Array.from({ length: count }, (_, index) => {
    const region = MemoryRegion.ram('region', PAGE);
    topology.addSubregion(root, region, offset(BigInt(index) * 4n * PAGE));
    return region;
  });
  const space = topology.createAddressSpace('memory', root);
  let heard = 0;
  const hear = (): void => void heard++;
  topology.registerListener({ name: 'counts', priority: 0, regionAdd: hear, regionDel: hear }, space);
  const bar = regions[count >> 1]!;
  const [home, away] = [bar.address, offset(bar.address + PAGE)];
  return {
    move: () => {
      topology.setAddress(bar, bar.address === home ? away : home);
      space.changed.take();
    },
    heard: () => heard,
  };
}

const machines = SIZES.map((count) => ({ count, ...machineOf(count) }));

describe.each(machines)('$count regions', ({ move }) => {
  bench('one move', move, { time: 100 });
});

const ROUNDS = 15;
const MOVES = 300;

/** Microseconds of CPU that each of some moves takes. */
const timeMoves = (move: () => void): number =>
  cpuTime(() => {
    for (let index = 0; index < MOVES; index++) move();
  }) / MOVES;

afterAll(() => {
  const times = machines.map((): number[] => []);
  // The sizes take turns, so that other load slows all of them alike; the lowest figure is that with the least of it.
  for (let round = -5; round < ROUNDS; round++) {
    machines.forEach(({ move }, index) => {
      const time = timeMoves(move);
      if (round >= 0) times[index]!.push(time);
    });
  }
  const points = machines.map(({ count }, index) => ({ count, time: Math.min(...times[index]!) }));
  const first = points[0]!.time;
  const lines = points.map(
    ({ count, time }) =>
      `${String(count).padStart(10)}${`${time.toFixed(1)} us`.padStart(14)}${(time / first).toFixed(2).padStart(9)}`,
  );
  const growth = exponent(points.map(({ count: n, time }) => ({ n, time })));
  if (machines.some(({ heard }) => heard() === 0)) throw new Error('a move told the listener nothing');
  reportBenchmark(
    'region-move',
    [
      `One move of a BAR, least CPU time of ${ROUNDS} rounds in one run:`,
      '   regions          move    ratio',
      ...lines,
      `growth: n^${growth.toFixed(2)}`,
    ],
    {
      moves: points.map(({ count, time }) => ({ regions: count, microseconds: time, ratio: time / first })),
      exponent: growth,
    },
  );
}, 120_000);
