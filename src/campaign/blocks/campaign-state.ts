import { Decoder, InvalidInput } from '../../input/index.ts';
import { toJsonLine, toJsonText } from '../../scenario/index.ts';
import { parseShard, shardText, type Shard } from './shard.ts';
import { TALLIED, sumOf, type Tally, type TalliedBy } from './tally.ts';

/** How far one shard of a campaign has come. */
export interface CampaignState {
  /** The command line that repeats the campaign: two states of the same command are about the same cases. */
  readonly command: string;
  readonly revision: string;
  /** The real VMM that was searched, with its version; the model when left out. */
  readonly target?: string | undefined;
  readonly shard: Shard;
  /** How many blocks of the shard are done: the first ones. */
  readonly blocks: number;
  /** The cases of these blocks. */
  readonly tally: Tally;
  /** After how many cases how many behaviours were known, by rising number of cases. */
  readonly growth: readonly (readonly [cases: number, behaviours: number])[];
}

/** The state of a shard that has not begun. */
export const notBegun = ({
  command,
  revision,
  target,
  shard,
}: Pick<CampaignState, 'command' | 'revision' | 'target' | 'shard'>): CampaignState => ({
  command,
  revision,
  ...(target !== undefined && { target }),
  shard,
  blocks: 0,
  tally: sumOf([]),
  growth: [],
});

/** The state that has come further. The order is total, so that folders can be merged in any order. */
export function furtherOf(a: CampaignState, b: CampaignState): CampaignState {
  if (a.blocks !== b.blocks) return a.blocks > b.blocks ? a : b;
  return formatState(a) <= formatState(b) ? a : b;
}

/** The text of a state's file. */
export function formatState({ shard, tally, growth, ...rest }: CampaignState): string {
  const by = Object.fromEntries(TALLIED.map((what) => [what, Object.fromEntries(sorted(tally.by[what]))]));
  return toJsonText({
    schema: 1,
    ...rest,
    shard: shardText(shard),
    cases: tally.cases,
    by,
    growth,
  });
}

const sorted = (counts: ReadonlyMap<string, number>): (readonly [string, number])[] =>
  [...counts].toSorted(([a], [b]) => (a < b ? -1 : 1));

/** Two states of one campaign and shard have the same key. Another version of a real VMM is another campaign. */
export const stateKey = ({
  command,
  target,
  shard,
}: Pick<CampaignState, 'command' | 'target' | 'shard'>): string =>
  toJsonLine([command, shardText(shard), ...(target === undefined ? [] : [target])]);

const KEYS = ['schema', 'command', 'revision', 'target', 'shard', 'blocks', 'cases', 'by', 'growth'];
const MOST = Number.MAX_SAFE_INTEGER;

/**
 * Reads a state out of parsed JSON.
 *
 * @throws InvalidInput with every problem and its path.
 */
export function decodeState(value: unknown): CampaignState {
  const decoder = new Decoder();
  const root = decoder.object(value, '', KEYS);
  decoder.integer(root['schema'], 'schema', 1, 1);
  const whole = (number: unknown, path: string): number => decoder.integer(number, path, 0, MOST);
  const shard = parseShard(decoder.string(root['shard'], 'shard'));
  if (shard === undefined) decoder.report('shard', 'expected a shard, such as 1/4');
  const by = decoder.object(root['by'], 'by', TALLIED);
  const countsOf = (what: TalliedBy): ReadonlyMap<string, number> => {
    const names = Object.keys((by[what] ?? {}) as object);
    const counts = decoder.object(by[what], `by.${what}`, names);
    return new Map(names.map((name) => [name, whole(counts[name], `by.${what}.${name}`)]));
  };
  const state: CampaignState = {
    command: decoder.text(root['command'], 'command'),
    revision: decoder.string(root['revision'], 'revision'),
    ...(root['target'] !== undefined && { target: decoder.text(root['target'], 'target') }),
    shard: shard ?? { number: 1, of: 1 },
    blocks: whole(root['blocks'], 'blocks'),
    tally: {
      cases: whole(root['cases'], 'cases'),
      by: Object.fromEntries(TALLIED.map((what) => [what, countsOf(what)])) as unknown as Tally['by'],
    },
    growth: decoder.array(root['growth'], 'growth', (pair, path) => {
      const [cases, behaviours] = decoder.array(pair, path, whole);
      return [cases ?? 0, behaviours ?? 0] as const;
    }),
  };
  if (decoder.problems.length > 0) throw new InvalidInput(decoder.problems);
  return state;
}
