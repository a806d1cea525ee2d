import type { Scenario } from '../../scenario/index.ts';
import { deriveSeed } from '../derive-seed.ts';
import type { CampaignFolder } from './campaign-folder.ts';
import type { CampaignState } from './campaign-state.ts';
import { byNumber, discoveryName, type Discovery } from './discovery.ts';
import { inOrder } from './in-order.ts';
import type { BlockResult, KeptScenario } from './run-block.ts';
import { SavedState } from './saved-state.ts';
import { blocksOf, type Shard } from './shard.ts';
import type { ShrunkDiscovery } from './shrink-discovery.ts';
import { byPreference, discoveryIn, originOf, storedFinding, type StoredFinding } from './stored-finding.ts';
import { sumOf, type Tally } from './tally.ts';

/** How many cases a block has on the model. More would delay a report; fewer would cost time for each block. */
export const BLOCK_CASES = 1000;

/** A block to run. */
export interface BlockOrder {
  /** From 0. */
  readonly number: number;
  /** The integer seed from which the cases of the block are drawn. */
  readonly seed: number;
  /** How many cases: the last block of a campaign may have fewer than others. */
  readonly size: number;
}

/** Threads that run blocks and shrink discoveries, several at a time. */
export interface Workers {
  /** How many orders they work on at a time. */
  readonly jobs: number;
  /** @param onDiscovery called for the first case of each discovery of the block, while the block runs. */
  runBlock(order: BlockOrder, onDiscovery: (discovery: Discovery) => void): Promise<BlockResult>;
  shrink(discovery: Discovery): Promise<ShrunkDiscovery>;
  /** The simplest scenario that shows the behaviours of a kept one. */
  shrinkKept(kept: KeptScenario): Promise<Scenario>;
}

/** What a campaign searches. Two campaigns of the same plan find the same. */
export interface FuzzPlan {
  readonly revision: string;
  /** The real VMM that is searched; the model when left out. */
  readonly target?: string | undefined;
  /** How many cases a block has. */
  readonly blockCases: number;
  /** Any text; the same text gives the same cases. */
  readonly seed: string;
  /** How many cases all shards have together; no end if left out. */
  readonly runs?: number | undefined;
  readonly shard: Shard;
  /** The command line that repeats the campaign, without the shard and without the number of workers. */
  readonly command: string;
}

export interface FuzzOptions {
  readonly plan: FuzzPlan;
  readonly workers: Workers;
  readonly folder: CampaignFolder;
  readonly version: string;
  /** Today as YYYY-MM-DD. */
  readonly date: string;
  /** Called for each finding that the folder did not have, in the order of the cases, after it is stored. */
  readonly onFinding: (finding: Discovery, file: string) => void;
  /** Called after each block, with all cases so far. */
  readonly onProgress: (cases: number, findings: number) => void;
  /** Ends the campaign: workers finish their case. The caller tells the workers, too. */
  readonly signal?: AbortSignal;
}

/** The result of a campaign. */
export interface FuzzResult {
  /** The cases of this campaign and shard, those of earlier commands included. */
  readonly tally: Tally;
  readonly growth: CampaignState['growth'];
  /** How many of them earlier commands have run. */
  readonly before: number;
  /** The findings of the folder about what was searched, sorted by file. */
  readonly findings: readonly (StoredFinding & { readonly file: string })[];
  /** Whether all cases of the shard ran. */
  readonly isComplete: boolean;
}

/**
 * Searches until the cases end or the signal comes. Findings are stored when they are first seen, and again when they are
 * shrunk. A campaign that was ended goes on where its folder says it came to.
 *
 * @throws TargetFailed, and InvalidInput for a folder that cannot be read or written.
 */
export async function fuzz(options: FuzzOptions): Promise<FuzzResult> {
  const { plan, workers, folder, onProgress, signal } = options;
  const findings = new Findings(options);
  const state = folder.stateOf(plan);
  const { runs = Infinity, shard, blockCases } = plan;
  const end = Math.ceil(runs / blockCases);
  const shrinking: Promise<void>[] = findings.unshrunk().map((one) => findings.shrink(one));
  // A part without blocks has a file, too: a merge then shows that no part is missing.
  const saved = new SavedState(folder, state);
  let now = state;
  let unsaved: readonly BlockResult[] = [];
  let saving: Promise<void> = Promise.resolve();
  const results = inOrder(ordersFrom(state.blocks, { plan, end, signal }), workers.jobs, (order) =>
    workers.runBlock(order, (discovery) => void findings.save(discovery)),
  );
  for await (const result of results) {
    for (const discovery of result.discoveries) {
      if (findings.announce(discovery)) shrinking.push(findings.shrink(discovery));
    }
    const kept = newTo(now, result).map(async (one) => folder.saveScenario(await workers.shrinkKept(one)));
    // A later block is not counted if an earlier one was cut: its cases would run twice.
    if (result.isComplete && unsaved.length === 0) {
      const after = (now = withBlock(now, result));
      // A block is done when its scenarios are stored: after a crash it would not be asked for them again.
      const before = saving;
      saving = Promise.all([before, ...kept]).then(() => saved.update(after));
      shrinking.push(saving);
    } else {
      unsaved = [...unsaved, result];
      shrinking.push(...kept);
    }
    onProgress(now.tally.cases, findings.size);
  }
  await Promise.all(shrinking);
  saved.finish();
  await findings.shrinkNearMisses();
  const tally = sumOf([now.tally, ...unsaved.map((result) => result.tally)]);
  const all = folder.findings().filter((one) => isAbout(one, plan));
  const blocks = [...(end === Infinity ? [] : blocksOf(shard, end))].length;
  const isComplete = end !== Infinity && now.blocks === blocks;
  return { tally, growth: now.growth, before: state.tally.cases, findings: all, isComplete };
}

/** Whether a stored finding is about what a campaign searches. */
const isAbout = ({ regression }: StoredFinding, { revision, target }: FuzzPlan): boolean =>
  regression.scenario.revision === revision && regression.observed.target === target;

/** The kept scenarios with behaviours that the campaign did not know, and these behaviours. */
const newTo = ({ tally }: CampaignState, { kept }: BlockResult): readonly KeptScenario[] =>
  kept.flatMap(({ scenario, behaviours }) => {
    const fresh = behaviours.filter((behaviour) => !tally.by.behaviours.has(behaviour));
    return fresh.length > 0 ? [{ scenario, behaviours: fresh }] : [];
  });

/** The blocks of a shard behind the first `done`. */
function* ordersFrom(
  done: number,
  { plan, end, signal }: { plan: FuzzPlan; end: number; signal: AbortSignal | undefined },
): Generator<BlockOrder> {
  const { seed, revision, runs = Infinity, shard, blockCases } = plan;
  let index = 0;
  for (const number of blocksOf(shard, end)) {
    if (index++ < done) continue;
    if (signal?.aborted) return;
    const size = Math.min(blockCases, runs - number * blockCases);
    yield { number, size, seed: seedOf(number, { seed, revision }) };
  }
}

const seedOf = (block: number, { seed, revision }: Pick<FuzzPlan, 'seed' | 'revision'>): number =>
  deriveSeed(seed, `fuzz ${revision} block ${block}`);

/** The state after one more block. The growth of behaviours is noted whenever the number of cases has doubled. */
function withBlock(state: CampaignState, { tally }: BlockResult): CampaignState {
  const sum = sumOf([state.tally, tally]);
  const [last] = state.growth.at(-1) ?? [0];
  const point = [sum.cases, sum.by.behaviours.size] as const;
  const growth = sum.cases >= 2 * last ? [...state.growth, point] : state.growth;
  return { ...state, blocks: state.blocks + 1, tally: sum, growth };
}

/** The findings of a campaign: in memory by name, and in the folder. */
class Findings {
  readonly #options: FuzzOptions;
  readonly #stored = new Map<string, StoredFinding>();
  readonly #announced: Set<string>;

  constructor(options: FuzzOptions) {
    this.#options = options;
    for (const { place, regression } of options.folder.findings()) {
      if (!isAbout({ place, regression }, options.plan)) continue;
      const { invariant, cause } = regression;
      this.#stored.set(discoveryName({ invariant: invariant!, cause: cause!, place }), { place, regression });
    }
    this.#announced = new Set(this.#stored.keys());
  }

  get size(): number {
    return this.#stored.size;
  }

  /** Findings whose smallest case no command has found yet; near misses only if asked for. */
  unshrunk(nearMisses = false): readonly Discovery[] {
    const found: Discovery[] = [];
    for (const stored of this.#stored.values()) {
      const origin = originOf(stored.regression);
      if (origin === undefined || origin.isSmallest || (origin.isNearMiss && !nearMisses)) continue;
      found.push(discoveryIn(stored, origin));
    }
    return found.toSorted(byNumber);
  }

  /** Stores a discovery, unless there is a better case of it. @returns whether it was stored. */
  save(discovery: Discovery, { steps, isSmallest } = { steps: 0, isSmallest: false }): boolean {
    const { plan, folder } = this.#options;
    const name = discoveryName(discovery);
    const { revision, target, seed: campaign, command } = plan;
    const { version, date } = this.#options;
    const seed = seedOf(discovery.block, { seed: campaign, revision });
    const file = { revision, target, seed, command, version, date };
    const stored = storedFinding(discovery, { steps, isSmallest }, file);
    const before = this.#stored.get(name);
    if (before !== undefined && byPreference(before, stored) <= 0) return false;
    this.#stored.set(name, stored);
    folder.saveFinding(stored);
    return true;
  }

  /** Stores a discovery whose turn has come, and tells of it if it is new. @returns whether to shrink it. */
  announce(discovery: Discovery): boolean {
    const { plan, folder, onFinding } = this.#options;
    const name = discoveryName(discovery);
    this.save(discovery);
    const origin = originOf(this.#stored.get(name)!.regression);
    if (!this.#announced.has(name)) {
      this.#announced.add(name);
      onFinding(discovery, folder.findingFile(discovery, plan));
    }
    return (
      origin !== undefined && !origin.isSmallest && byNumber(origin, discovery) === 0 && !origin.isNearMiss
    );
  }

  /** Shrinks a discovery and stores its smallest case, and near misses. */
  async shrink(discovery: Discovery): Promise<void> {
    const { workers, signal } = this.#options;
    if (signal?.aborted) return;
    const { discovery: smallest, steps, isSmallest, nearMisses } = await workers.shrink(discovery);
    this.save(smallest, { steps, isSmallest });
    for (const miss of nearMisses) this.save(miss);
  }

  /** Shrinks the near misses that no case has shown, and near misses of these. */
  async shrinkNearMisses(): Promise<void> {
    const { signal } = this.#options;
    for (;;) {
      const misses = this.unshrunk(true);
      if (misses.length === 0 || signal?.aborted) return;
      await Promise.all(misses.map((miss) => this.shrink(miss)));
      for (const miss of misses) this.announce(miss);
    }
  }
}
