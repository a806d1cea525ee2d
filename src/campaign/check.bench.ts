import { afterAll, bench, describe } from 'vitest';
import { quantile, reportBenchmark } from '../../properties/testing/benchmark.ts';
import { measureCheckSpeed, type CheckSpeed } from './testing/check-speed.ts';

const ROUNDS = 11;

let speed: CheckSpeed | undefined;

describe('the installed package', () => {
  const once = { time: 0, iterations: 1, warmupTime: 0, warmupIterations: 0 };
  // The runner calls a benchmark more than once; one call takes all the rounds.
  bench('all rounds of the measurement', () => void (speed ??= measureCheckSpeed(ROUNDS)), once);
});

const perSecond = (microseconds: number, each = 1): number => (1e6 / microseconds) * each;

/** The warm figures at a quantile of the rounds. */
function warmAt(speed: CheckSpeed, at: number) {
  const [generation, model, check] = (['generation', 'model', 'check'] as const).map((task) =>
    quantile(speed.warm[task], at),
  ) as [number, number, number];
  const microseconds = { generation, model: model - generation, invariants: check - model };
  return {
    microseconds,
    modelToGeneration: microseconds.model / generation,
    invariantsToGeneration: microseconds.invariants / generation,
    casesPerSecond: perSecond(check),
    statesPerSecond: perSecond(check, speed.statesPerCase),
  };
}

function lineOf(name: string, figures: ReturnType<typeof warmAt>): string {
  const { generation, model, invariants } = figures.microseconds;
  const ratio = `1 : ${figures.modelToGeneration.toFixed(1)} : ${figures.invariantsToGeneration.toFixed(1)}`;
  return (
    `${name}: ${rates(figures)}; ` +
    `generation ${generation.toFixed(1)} us, model ${model.toFixed(1)} us, invariants ${invariants.toFixed(1)} us = ${ratio}`
  );
}

interface Rates {
  readonly casesPerSecond: number;
  readonly statesPerSecond: number;
}

const rates = ({ casesPerSecond, statesPerSecond }: Rates): string =>
  `${casesPerSecond.toFixed(0)} cases and ${statesPerSecond.toFixed(0)} checked states a second`;

afterAll(() => {
  if (speed === undefined) return;
  const { revision, invariants, statesPerCase } = speed;
  const cold = {
    cases: speed.cold.cases,
    casesPerSecond: perSecond(speed.cold.microseconds),
    statesPerSecond: perSecond(speed.cold.microseconds, statesPerCase),
  };
  const warm = { lowestTenth: warmAt(speed, 0.1), median: warmAt(speed, 0.5) };
  const warmToCold = warm.median.casesPerSecond / cold.casesPerSecond;
  reportBenchmark(
    'check',
    [
      `A case of ${revision}, ${invariants} invariants, ${statesPerCase.toFixed(1)} states; ${ROUNDS} rounds in one run, by CPU time:`,
      `cold, first ${cold.cases} cases: ${rates(cold)}`,
      lineOf('warm, lowest tenth', warm.lowestTenth),
      lineOf('warm, median', warm.median),
      `warm to cold: ${warmToCold.toFixed(1)}`,
    ],
    { revision, invariants, statesPerCase, cold, warm, warmToCold },
  );
});
