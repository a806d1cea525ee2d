import { InvalidInput } from '../../input/index.ts';

/** One of several processes or machines that share the blocks of a campaign. */
export interface Shard {
  /** From 1. */
  readonly number: number;
  readonly of: number;
}

/** The shard of a campaign that one process runs alone. */
export const WHOLE: Shard = { number: 1, of: 1 };

/** A shard as users write it: `2/8`. */
export const shardText = ({ number, of }: Shard): string => `${number}/${of}`;

/** The largest number of shards. */
const MOST_SHARDS = 1_000_000;

/** Reads `2/8`. @returns `undefined` for another text, and for a shard that does not exist. */
export function parseShard(text: string): Shard | undefined {
  const [, number, of] = /^(\d{1,7})\/(\d{1,7})$/.exec(text) ?? [];
  const shard = { number: Number(number), of: Number(of) };
  return number !== undefined && exists(shard) ? shard : undefined;
}

const exists = ({ number, of }: Shard): boolean => number >= 1 && number <= of && of <= MOST_SHARDS;

/**
 * The numbers of a shard's blocks, in rising order. Each block belongs to exactly one of the `of` shards.
 *
 * @param end the number behind the campaign's last block, or Infinity.
 */
export function* blocksOf({ number, of }: Shard, end: number): Generator<number> {
  for (let block = number - 1; block < end; block += of) yield block;
}

type Variables = Readonly<Record<string, string | undefined>>;

/** Where a scheduler tells a process which of several it is. */
interface Scheduler {
  /** The variable with the number of this process. */
  readonly index: string;
  /** The variable with the number of all processes. */
  readonly count: string;
  /** The number of the first process; or the variable that holds it. */
  readonly first: number | string;
  /** Whether the scheduler itself sets `count`; where it does not, the user has to. */
  readonly setsCount: boolean;
}

/**
 * The schedulers whose variables barproof knows, the user's own variables first. Kubernetes numbers the pods of an
 * indexed job from 0 and does not tell them how many they are. A Slurm array may begin at any number. GitLab numbers
 * from 1. GitHub has no variables, but `strategy.job-index` and `strategy.job-total` to fill variables with.
 */
const SCHEDULERS: readonly Scheduler[] = [
  { index: 'BARPROOF_SHARD_INDEX', count: 'BARPROOF_SHARDS', first: 0, setsCount: false },
  { index: 'JOB_COMPLETION_INDEX', count: 'BARPROOF_SHARDS', first: 0, setsCount: false },
  {
    index: 'SLURM_ARRAY_TASK_ID',
    count: 'SLURM_ARRAY_TASK_COUNT',
    first: 'SLURM_ARRAY_TASK_MIN',
    setsCount: true,
  },
  { index: 'CI_NODE_INDEX', count: 'CI_NODE_TOTAL', first: 1, setsCount: true },
];

/** The distance between the numbers of two tasks of a Slurm array. */
const SLURM_STEP = 'SLURM_ARRAY_TASK_STEP';

/**
 * The shard that a scheduler gives to this process; all blocks where no scheduler is known.
 *
 * @param variables the environment of the process.
 * @throws InvalidInput when the variables name no shard: to run all blocks in each of many processes would be no use.
 */
export function shardOfEnvironment(variables: Variables): Shard {
  const scheduler = SCHEDULERS.find(({ index }) => (variables[index] ?? '') !== '');
  if (scheduler === undefined) return WHOLE;
  const { index, count, first, setsCount } = scheduler;
  const fail = (path: string, message: string): never => {
    throw new InvalidInput([{ path, message: `${message}; or give --shard, 1/1 for all cases` }]);
  };
  const read = (name: string, otherwise?: string): number => {
    const text = variables[name] ?? otherwise ?? '';
    return /^\d{1,9}$/.test(text) ? Number(text) : fail(name, `expected a whole number, found "${text}"`);
  };
  if (!setsCount && (variables[count] ?? '') === '') {
    fail(count, `${index} is set, so set ${count} to the number of all processes`);
  }
  const start = typeof first === 'number' ? first : read(first, '0');
  const step = index.startsWith('SLURM') ? Math.max(read(SLURM_STEP, '1'), 1) : 1;
  const shard = { number: (read(index) - start) / step + 1, of: read(count) };
  if (Number.isInteger(shard.number) && exists(shard)) return shard;
  return fail(index, `expected a process among those that ${count} counts, ${shard.of}`);
}
