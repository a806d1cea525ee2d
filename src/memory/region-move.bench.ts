import { writeFileSync } from 'node:fs';
import { afterAll, bench, describe } from 'vitest';
import { END_OF_SPACE, offset } from '../address/index.ts';
import { MemoryRegion } from './memory-region.ts';
import { MemoryTopology } from './memory-topology.ts';

/**
 * One move of a BAR among 10^2 to 10^5 regions. `vitest bench --run src/memory/region-move.bench.ts` prints the
 * figures as text, and as one line of JSON; BARPROOF_BENCH_JSON names a file for the JSON.
 */
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
function timeMoves(move: () => void): number {
  const before = process.cpuUsage();
  for (let index = 0; index < MOVES; index++) move();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / MOVES;
}

/** The slope of the least-squares line through log time over log count. */
function exponent(points: readonly { readonly count: number; readonly time: number }[]): number {
  const logs = points.map(({ count, time }) => [Math.log(count), Math.log(time)] as const);
  const mean = (of: 0 | 1): number => logs.reduce((sum, one) => sum + one[of], 0) / logs.length;
  const [x, y] = [mean(0), mean(1)];
  const rise = logs.reduce((sum, one) => sum + (one[0] - x) * (one[1] - y), 0);
  return rise / logs.reduce((sum, one) => sum + (one[0] - x) ** 2, 0);
}

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
  const growth = exponent(points);
  const json = JSON.stringify({
    benchmark: 'region-move',
    node: process.version,
    moves: points.map(({ count, time }) => ({
      regions: count,
      microseconds: Number(time.toFixed(2)),
      ratio: Number((time / first).toFixed(3)),
    })),
    exponent: Number(growth.toFixed(3)),
  });
  const file = process.env['BARPROOF_BENCH_JSON'];
  if (file !== undefined) writeFileSync(file, `${json}\n`);
  if (machines.some(({ heard }) => heard() === 0)) throw new Error('a move told the listener nothing');
  console.log(
    `\nOne move of a BAR, least CPU time of ${ROUNDS} rounds in one run:\n` +
      `   regions          move    ratio\n${lines.join('\n')}\ngrowth: n^${growth.toFixed(2)}\n${json}\n`,
  );
}, 120_000);
