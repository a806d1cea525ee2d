import { afterAll, bench, describe } from 'vitest';

// Measures what an address costs as a `bigint`, as a `number` (exact only below 2^53), and as an object of two
// 32-bit halves. Each task goes through the same addresses.

interface Halves {
  readonly hi: number;
  readonly lo: number;
}

const COUNT = 1024;
const PAGE = 0x1000;
const TWO_32 = 2 ** 32;

/** Addresses below 2^52 in scattered order: the sum of two is still exact as a `number`. */
const numbers = Array.from({ length: COUNT }, (_, index) => ((index * 389) % COUNT) * 0xff_1234_5678 + index);
const bigints = numbers.map(BigInt);
const halves = numbers.map((value): Halves => ({ hi: Math.floor(value / TWO_32), lo: value % TWO_32 }));

const lessThan = (a: Halves, b: Halves): boolean => a.hi < b.hi || (a.hi === b.hi && a.lo < b.lo);
function sum(a: Halves, b: Halves): Halves {
  const lo = a.lo + b.lo;
  return { hi: (a.hi + b.hi + (lo >= TWO_32 ? 1 : 0)) >>> 0, lo: lo >>> 0 };
}
const masked = (a: Halves, mask: Halves): Halves => ({
  hi: (a.hi & mask.hi) >>> 0,
  lo: (a.lo & mask.lo) >>> 0,
});

/** The results are kept, or V8 would remove the work; one array for each representation. */
const results = {
  bigint: Array.from({ length: COUNT }, () => 0n),
  number: Array.from({ length: COUNT }, () => 0),
  halves: Array.from({ length: COUNT }, (): Halves => ({ hi: 0, lo: 0 })),
};
let count = 0;

type Tasks = Readonly<Record<'number' | 'bigint' | '{hi,lo}', () => void>>;

const compare: Tasks = {
  number() {
    let less = 0;
    for (let index = 1; index < COUNT; index++) if (numbers[index - 1]! < numbers[index]!) less++;
    count = less;
  },
  bigint() {
    let less = 0;
    for (let index = 1; index < COUNT; index++) if (bigints[index - 1]! < bigints[index]!) less++;
    count = less;
  },
  '{hi,lo}'() {
    let less = 0;
    for (let index = 1; index < COUNT; index++) if (lessThan(halves[index - 1]!, halves[index]!)) less++;
    count = less;
  },
};

const add: Tasks = {
  number() {
    for (let index = 1; index < COUNT; index++) results.number[index] = numbers[index - 1]! + numbers[index]!;
  },
  bigint() {
    for (let index = 1; index < COUNT; index++) results.bigint[index] = bigints[index - 1]! + bigints[index]!;
  },
  '{hi,lo}'() {
    for (let index = 1; index < COUNT; index++)
      results.halves[index] = sum(halves[index - 1]!, halves[index]!);
  },
};

const PAGE_MASK = -BigInt(PAGE);
const PAGE_MASK_HALVES: Halves = { hi: 0xffff_ffff, lo: 0xffff_f000 };
const mask: Tasks = {
  number() {
    // `&` would cut the number to 32 bits.
    for (let index = 0; index < COUNT; index++)
      results.number[index] = numbers[index]! - (numbers[index]! % PAGE);
  },
  bigint() {
    for (let index = 0; index < COUNT; index++) results.bigint[index] = bigints[index]! & PAGE_MASK;
  },
  '{hi,lo}'() {
    for (let index = 0; index < COUNT; index++)
      results.halves[index] = masked(halves[index]!, PAGE_MASK_HALVES);
  },
};

const groups = { compare, add, mask } as const;

for (const [name, tasks] of Object.entries(groups)) {
  describe(`${name} ${COUNT} addresses`, () => {
    for (const [representation, task] of Object.entries(tasks)) bench(representation, task, { time: 200 });
  });
}

/** Nanoseconds for one address: the median of 31 runs of 400 rounds each. */
function costOf(task: () => void): number {
  const rounds = 400;
  const times = Array.from({ length: 31 }, () => {
    const start = performance.now();
    for (let round = 0; round < rounds; round++) task();
    return ((performance.now() - start) * 1e6) / (rounds * COUNT);
  });
  return times.toSorted((a, b) => a - b)[times.length >> 1]!;
}

afterAll(() => {
  const lines = Object.entries(groups).map(([name, tasks]) => {
    const [number, bigint, object] = [costOf(tasks.number), costOf(tasks.bigint), costOf(tasks['{hi,lo}'])];
    const inNumbers = (cost: number): string =>
      `${cost.toFixed(2)} ns (${(cost / number).toFixed(1)} numbers)`;
    return `${name.padEnd(8)} number ${number.toFixed(2)} ns, bigint ${inNumbers(bigint)}, {hi,lo} ${inNumbers(object)}`;
  });
  console.log(
    `\nAddresses on Node ${process.version}, medians of one run, ${count > 0 ? 'per operation' : ''}:\n${lines.join('\n')}\n`,
  );
}, 60_000);
