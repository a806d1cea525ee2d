import * as fc from 'fast-check';
import { afterAll, bench, describe } from 'vitest';
import { scenarios } from '../../generators/index.ts';
import { COMMON_INVARIANTS, examine } from '../invariants/index.ts';
import type { Scenario } from '../scenario/index.ts';
import { runOnModel } from '../model/index.ts';
import { NEWEST } from '../vfio/index.ts';

/**
 * What is measured: the generation of a case alone, generation with a run on the model, and the whole check
 * of a case: generation, run and all invariants.
 */
type Task = 'generation' | 'model' | 'check';

const BATCH = 50;
/** Number of batches with different cases; then the same batches are repeated. */
const SEEDS = 100;

const drawn = scenarios({ revision: NEWEST.id, iommuTypes: NEWEST.iommus });
/** Depends on every run, so that the JavaScript engine cannot drop one. */
let sink = 0;

const PROPERTIES: Readonly<Record<Task, (scenario: Scenario) => void>> = {
  generation: () => undefined,
  model: (scenario) => {
    sink += runOnModel(scenario, NEWEST).steps.length;
  },
  check: (scenario) => {
    const trace = runOnModel(scenario, NEWEST);
    for (const invariant of COMMON_INVARIANTS) sink += examine(trace, invariant).exercised;
  },
};

function runBatch(task: Task, seed: number): void {
  const property = fc.property(drawn, (scenario) => PROPERTIES[task](scenario));
  fc.assert(property, { seed, numRuns: BATCH, endOnFailure: true });
}

describe(`${BATCH} cases of ${NEWEST.id}`, () => {
  bench('generation', () => runBatch('generation', 0), { time: 200 });
  bench('generation and model', () => runBatch('model', 0), { time: 200 });
  bench('generation, model and all invariants', () => runBatch('check', 0), { time: 200 });
});

const ROUNDS = 101;
const WARM_UP_ROUNDS = 150;
const ROUND_MS = 20;

/** Runs batches for one round of 20 ms; returns the microseconds for one case. */
function timeRound(task: Task, seeds: () => number): number {
  const start = performance.now();
  let cases = 0;
  let now = start;
  for (; now - start < ROUND_MS; now = performance.now()) {
    runBatch(task, seeds());
    cases += BATCH;
  }
  return ((now - start) * 1000) / cases;
}

const quantile = (values: readonly number[], at: number): number =>
  values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * at)]!;

afterAll(() => {
  const times: Record<Task, number[]> = { generation: [], model: [], check: [] };
  let batch = 0;
  const seeds = (): number => batch++ % SEEDS;
  // The tasks take turns of equal length, so that other load on the machine slows each of them alike.
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
    for (const task of ['generation', 'model', 'check'] as const) {
      const time = timeRound(task, seeds);
      if (round >= 0) times[task].push(time);
    }
  }
  const lineOf = (name: string, at: number): string => {
    const [generation, model, check] = [times.generation, times.model, times.check].map((values) =>
      quantile(values, at),
    ) as [number, number, number];
    return (
      `${name}: generation ${generation.toFixed(1)} us, model ${(model - generation).toFixed(1)} us, ` +
      `invariants ${(check - model).toFixed(1)} us; ${(1e6 / generation).toFixed(0)} cases a second generated, ` +
      `${(1e6 / check).toFixed(0)} checked: ratio ${(check / generation).toFixed(2)}`
    );
  };
  const lines = [lineOf('lowest tenth', 0.1), lineOf('median', 0.5)];
  const work = sink > 0 ? `${COMMON_INVARIANTS.length} invariants` : 'nothing';
  console.log(
    `\nA case of ${NEWEST.id}, ${work}, ${ROUNDS} rounds of each in one run:\n${lines.join('\n')}\n`,
  );
}, 120_000);
