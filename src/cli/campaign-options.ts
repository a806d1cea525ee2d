import { InvalidArgumentError, Option, type Command } from 'commander';
import type { Shard } from '../campaign/index.ts';
import { wholeNumber } from './option-values.ts';

/** The options that every campaign has: how many jobs work on it, which part of it, and where its results lie. */
export interface CampaignOptions {
  readonly jobs: number;
  /** Left out where a scheduler, or nothing, says which. */
  readonly shard?: Shard;
}

const MOST_JOBS = 256;

/** Adds the options that every campaign has. */
export const addCampaignOptions = (command: Command): Command =>
  command
    .option(
      '--jobs <number>',
      'how many threads, or processes for a real QEMU, work on it; the results do not depend on it',
      numberOfJobs,
      1,
    )
    .addOption(
      new Option(
        '--shard <I/N>',
        'run only part I of N; default: what Kubernetes, Slurm or GitLab says, or else all of it',
      ).argParser(shard),
    );

/** A number of jobs, 1 to 256. */
export const numberOfJobs = wholeNumber(1, MOST_JOBS);

/** As in `src/campaign/blocks/shard.ts`, which must not be loaded for `--help`. */
const MOST_SHARDS = 1_000_000;

/** A part of a campaign: `2/8`. */
export function shard(text: string): Shard {
  const [, number, of] = (/^(\d{1,7})\/(\d{1,7})$/.exec(text) ?? []).map(Number);
  if (number !== undefined && of !== undefined && number >= 1 && number <= of && of <= MOST_SHARDS) {
    return { number, of };
  }
  throw new InvalidArgumentError(
    `expected a part and the number of parts, such as 1/4 or 4/4, of at most ${MOST_SHARDS} parts.`,
  );
}

const SECONDS = { s: 1, m: 60, h: 3600 } as const;
/** The longest time of a campaign: 24 days, as long as a timer of Node runs. */
const MOST_SECONDS = 24 * 24 * 3600;

/** A time as `90s`, `10m` or `1h30m`, in seconds. */
export function duration(text: string): number {
  const parts = [...text.matchAll(/(\d{1,7})([smh])/g)];
  const seconds = parts.reduce((sum, [, count, unit]) => sum + Number(count) * SECONDS[unit as 's'], 0);
  const isWhole = parts.map(([part]) => part).join('') === text;
  if (isWhole && seconds >= 1 && seconds <= MOST_SECONDS) return seconds;
  throw new InvalidArgumentError('expected a time such as 90s, 10m or 1h30m, of at most 24 days.');
}
