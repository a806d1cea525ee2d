import type { CampaignFolder } from './campaign-folder.ts';
import { notBegun, type CampaignState } from './campaign-state.ts';
import type { Discovery } from './discovery.ts';
import { BLOCK_CASES, type Workers } from './fuzz.ts';
import { inOrder } from './in-order.ts';
import type { BlockResult } from './run-block.ts';
import { SavedState } from './saved-state.ts';
import { blocksOf, type Shard } from './shard.ts';
import { sumOf, type Tally } from './tally.ts';

/** A scope to prove. */
export interface ProofPlan {
  readonly revision: string;
  /** How many scenarios the scope has. */
  readonly size: number;
  readonly shard: Shard;
  /** The command line that repeats the proof, without the shard and without the number of workers. */
  readonly command: string;
}

export interface ProofOptions {
  readonly plan: ProofPlan;
  readonly workers: Pick<Workers, 'jobs' | 'runBlock'>;
  /** Where the proof notes how far it has come; it begins anew each time if left out. */
  readonly folder?: CampaignFolder | undefined;
  /** Called after each block, with the number of scenarios so far. */
  readonly onProgress: (cases: number) => void;
  /** Ends the proof: workers finish their scenario. The caller tells the workers, too. */
  readonly signal?: AbortSignal;
}

/** The result of a proof. */
export interface ProofResult {
  /** The scenarios that ran, those of earlier commands included. */
  readonly tally: Tally;
  /** The first scenario of the scope that breaks an invariant, and what it breaks; empty if all hold. */
  readonly counterexamples: readonly Discovery[];
  /** How many scenarios the shard has. */
  readonly size: number;
}

/**
 * Runs all scenarios of a shard of the scope, in order, until one breaks an invariant or the signal comes.
 *
 * @throws TargetFailed, and InvalidInput for a folder that cannot be read or written.
 */
export async function prove({
  plan,
  workers,
  folder,
  onProgress,
  signal,
}: ProofOptions): Promise<ProofResult> {
  const blocks = [...blocksOf(plan.shard, Math.ceil(plan.size / BLOCK_CASES))];
  const sizeOf = (block: number): number => Math.min(BLOCK_CASES, plan.size - block * BLOCK_CASES);
  const size = blocks.reduce((sum, block) => sum + sizeOf(block), 0);
  let state: CampaignState = folder?.stateOf(plan) ?? notBegun(plan);
  const saved = folder && new SavedState(folder, state);
  let counterexamples: readonly Discovery[] = [];
  const isEnded = (): boolean => signal?.aborted === true || counterexamples.length > 0;
  const cut: BlockResult[] = [];
  const orders = takeWhile(blocks.slice(state.blocks), () => !isEnded());
  for await (const result of inOrder(orders, workers.jobs, (number) =>
    workers.runBlock({ number, size: sizeOf(number), seed: 0 }, () => undefined),
  )) {
    // Blocks behind a counterexample are left out, so that the number of workers does not show.
    if (counterexamples.length > 0) continue;
    counterexamples = ofFirstCase(result.discoveries);
    if (result.isComplete && cut.length === 0 && counterexamples.length === 0) {
      state = { ...state, blocks: state.blocks + 1, tally: sumOf([state.tally, result.tally]) };
      saved?.update(state);
    } else cut.push(result);
    onProgress(state.tally.cases);
  }
  saved?.finish();
  return { tally: sumOf([state.tally, ...cut.map(({ tally }) => tally)]), counterexamples, size };
}

/** What the first of the cases breaks. */
const ofFirstCase = (discoveries: readonly Discovery[]): readonly Discovery[] =>
  discoveries.filter((one) => one.case === discoveries[0]!.case);

function* takeWhile<T>(items: Iterable<T>, goesOn: () => boolean): Generator<T> {
  for (const item of items) {
    if (!goesOn()) return;
    yield item;
  }
}
