import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as fc from 'fast-check';
import { afterAll, bench, describe } from 'vitest';
import { scenarios } from '../../generators/index.ts';
import { quantile, reportBenchmark } from '../../properties/testing/benchmark.ts';
import { packageFolder } from '../input/index.ts';
import { encodeScenario, type Scenario } from '../scenario/index.ts';
import { measureCheckSpeed } from './testing/check-speed.ts';

/**
 * The whole check of a case (generation, run on the model, all invariants) against Hypothesis, which generates the
 * same record for an empty property.
 */
const PROGRAM = fileURLToPath(new URL('testing/hypothesis_record.py', import.meta.url));
/** Where `.ci/install-hypothesis` unpacks Hypothesis. */
const UNPACKED = join(packageFolder(), '.cache/hypothesis/usr/lib/python3/dist-packages');

const environment = {
  ...process.env,
  ...(existsSync(UNPACKED) && {
    PYTHONPATH: [UNPACKED, ...(process.env['PYTHONPATH'] ? [process.env['PYTHONPATH']] : [])].join(delimiter),
  }),
};

const missing =
  spawnSync('python3', ['-c', 'import hypothesis'], { env: environment }).status === 0
    ? undefined
    : 'no Hypothesis for python3; run .ci/install-hypothesis';

/** What hypothesis_record.py prints. */
interface HypothesisRun {
  readonly version: string;
  /** Of CPU time for one example. */
  readonly microseconds: number;
  /** How many numbers and words an example has on average. */
  readonly leaves: number;
}

const EXAMPLES = 400;
const ROUNDS = 5;
/** The check must be at least so many times as fast. */
const LEAST_RATIO = 40;

const runHypothesis = (): HypothesisRun =>
  JSON.parse(
    execFileSync('python3', [PROGRAM, String(EXAMPLES)], { env: environment, encoding: 'utf8' }),
  ) as HypothesisRun;

const leavesOf = (value: unknown): number =>
  typeof value === 'object' && value !== null
    ? Object.values(value).reduce((sum: number, part) => sum + leavesOf(part), 0)
    : 1;

const meanLeaves = (records: readonly Scenario[]): number =>
  records.reduce((sum, record) => sum + leavesOf(encodeScenario(record)), 0) / records.length;

/** Microseconds of CPU time for the whole check of a case. */
let check: number;
let hypothesis: readonly HypothesisRun[] = [];

describe.skipIf(missing !== undefined)(
  `a whole check against Hypothesis${missing === undefined ? '' : ` (skipped: ${missing})`}`,
  () => {
    const measure = (): void => {
      // The runner calls a benchmark more than once; one call takes all the rounds.
      if (hypothesis.length > 0) return;
      // Hypothesis runs before and after barproof, so that other load slows both alike.
      const before = runHypothesis();
      check = quantile(measureCheckSpeed(ROUNDS).warm.check, 0.5);
      hypothesis = [before, runHypothesis()];
    };
    bench('all rounds of the measurement', measure, {
      time: 0,
      iterations: 1,
      warmupTime: 0,
      warmupIterations: 0,
    });
  },
);

afterAll(() => {
  const [first] = hypothesis;
  if (first === undefined) return;
  const generation = hypothesis.reduce((sum, { microseconds }) => sum + microseconds, 0) / hypothesis.length;
  const leaves = {
    barproof: meanLeaves(fc.sample(scenarios({ revision: 'qemu-11.1' }), { seed: 1, numRuns: 2000 })),
    hypothesis: first.leaves,
  };
  const ratio = generation / check;
  const { version } = first;
  reportBenchmark(
    'hypothesis',
    [
      `One run, warm, by CPU time:`,
      `barproof, whole check of a case: ${check.toFixed(1)} us (${leaves.barproof.toFixed(0)} numbers and words a case)`,
      `Hypothesis ${version}, the record alone: ${generation.toFixed(1)} us (${leaves.hypothesis.toFixed(0)} numbers and words)`,
      `ratio: ${ratio.toFixed(1)}; at least ${LEAST_RATIO} is ${ratio >= LEAST_RATIO ? 'reached' : 'missed'}`,
    ],
    { version, microseconds: { check, hypothesis: generation }, leaves, ratio, leastRatio: LEAST_RATIO },
  );
});
