import { appendFileSync } from 'node:fs';

/** The value below which `at` of the values lie, from 0 to 1. */
export const quantile = (values: readonly number[], at: number): number =>
  values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * at)]!;

/** The exponent of growth: the slope of the least-squares line through log time over log n. */
export function exponent(points: readonly { readonly n: number; readonly time: number }[]): number {
  const logs = points.map(({ n, time }) => [Math.log(n), Math.log(time)] as const);
  const mean = (of: 0 | 1): number => logs.reduce((sum, one) => sum + one[of], 0) / logs.length;
  const [x, y] = [mean(0), mean(1)];
  const rise = logs.reduce((sum, one) => sum + (one[0] - x) * (one[1] - y), 0);
  return rise / logs.reduce((sum, one) => sum + (one[0] - x) ** 2, 0);
}

/** The microseconds of CPU time that an action takes in this process, all threads of it together. */
export function cpuTime(act: () => void): number {
  const before = process.cpuUsage();
  act();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

/** Figures of a benchmark, by name. Times name their unit; ratios and exponents have none. */
export type Figures = Readonly<Record<string, number | string | readonly object[] | object>>;

/**
 * Prints what a benchmark measured, as text and as one line of JSON. Numbers in the JSON have four digits. The JSON is
 * also appended to the file that `BARPROOF_BENCH_JSON` names, if the variable is set.
 *
 * @param name the name of the benchmark, that of its file.
 */
export function reportBenchmark(name: string, lines: readonly string[], figures: Figures): void {
  const json = JSON.stringify({ benchmark: name, node: process.version, ...figures }, (_, value: unknown) =>
    typeof value === 'number' ? Number(value.toPrecision(4)) : value,
  );
  const file = process.env['BARPROOF_BENCH_JSON'];
  if (file !== undefined) appendFileSync(file, `${json}\n`);
  console.log(`\n${lines.join('\n')}\n${json}\n`);
}
