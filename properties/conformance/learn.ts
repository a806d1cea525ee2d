import { firstEndingAbove } from '../../src/address/index.ts';
import type {
  FlatRange,
  FlatRangeText,
  FlatViewText,
  MemoryRegion,
  RebuiltTree,
} from '../../src/memory/index.ts';
import type { Answers } from './answers.ts';
import { candidatesAt, partingOf, type Candidate } from './candidates.ts';
import type { SpacePair } from './space-pair.ts';

/** A range of QEMU's with the end that our own have: one past the last byte. */
interface TheirRange {
  readonly start: bigint;
  readonly end: bigint;
  readonly text: FlatRangeText;
}

/**
 * Looks at every address from which on the rebuilt tree and QEMU disagree, and answers what would
 * make them agree there. An answer can only be one that the text leaves open: that an `i/o` region
 * terminates or does not, or that of two siblings of the same priority the other one is on top.
 *
 * @param tree rebuilt with the answers so far.
 * @returns whether there are new answers.
 */
export function learn(
  tree: RebuiltTree,
  pairs: readonly SpacePair[],
  views: readonly FlatViewText[],
  answers: Answers,
): boolean {
  const seen = new Set(views.flatMap(({ ranges }) => ranges.map(({ name, owner }) => keyOf(name, owner))));
  let news = false;
  for (const { index, view } of pairs) {
    const space = tree.topology.addressSpaces[index]!;
    const theirs = view.ranges.map((text): TheirRange => ({ start: text.start, end: text.end + 1n, text }));
    for (const address of edgesOf(space.view.ranges, theirs)) {
      const ours = rangeAt(space.view.ranges, address);
      const their = rangeAt(theirs, address);
      if (ours === undefined && their === undefined) continue;
      if (their !== undefined && ours !== undefined && agree(ours, their, address, tree)) continue;
      if (learnAt(address, candidatesAt(space.root, address), their?.text, seen, tree, answers)) news = true;
    }
  }
  return news;
}

function learnAt(
  address: bigint,
  candidates: readonly Candidate[],
  their: FlatRangeText | undefined,
  seen: ReadonlySet<string>,
  tree: RebuiltTree,
  answers: Answers,
): boolean {
  const wanted = their && candidates.find((candidate) => isAt(candidate, address, their, tree));
  // No order of what is there gives what QEMU has: nothing that is left open explains it.
  if (their !== undefined && wanted === undefined) return false;
  let news = false;
  if (wanted !== undefined && !wanted.region.terminates) news = answer(wanted.region, true, tree, answers);
  for (const candidate of candidates) {
    if (candidate === wanted) break;
    const { region } = candidate;
    if (!region.terminates) continue;
    const parting = wanted && partingOf(candidate, wanted);
    const swappable = parting !== undefined && parting[0].priority === parting[1].priority;
    const isSeen = seen.has(keyOf(region.name, region.owner));
    if (swappable && (isSeen || region.kind !== 'io')) {
      const [lower, upper] = [tree.lineOf(parting[0]), tree.lineOf(parting[1])];
      if (lower !== undefined && upper !== undefined && answers.isAbove(upper, lower)) news = true;
    } else if (answer(region, false, tree, answers)) {
      news = true;
    }
  }
  return news;
}

/** Only of I/O regions and containers the text does not say whether they terminate. */
function answer(region: MemoryRegion, terminates: boolean, tree: RebuiltTree, answers: Answers): boolean {
  const line = tree.lineOf(region);
  const open = region.kind === 'io' || region.kind === 'container';
  return open && line !== undefined && line.hidden !== true && answers.terminates(line, terminates);
}

/** Whether the candidate is the region of QEMU's range, at the offset that the range has there. */
export function isAt(
  { region, offset }: Candidate,
  address: bigint,
  range: FlatRangeText,
  tree: RebuiltTree,
): boolean {
  return (
    region.name === range.name &&
    region.priority === range.priority &&
    region.owner === range.owner &&
    tree.lineOf(region)?.parent === range.parent &&
    offset === range.offset + (address - range.start)
  );
}

const agree = (ours: FlatRange, { text }: TheirRange, address: bigint, tree: RebuiltTree): boolean =>
  isAt({ region: ours.region, offset: ours.offset + (address - ours.start), path: [] }, address, text, tree);

/** Every address at which a range of either begins or ends: in between, nothing changes. */
function edgesOf(ours: readonly FlatRange[], theirs: readonly TheirRange[]): bigint[] {
  const edges = new Set([...ours, ...theirs].flatMap(({ start, end }) => [start, end]));
  return [...edges].sort((a, b) => (a < b ? -1 : 1));
}

function rangeAt<R extends { readonly start: bigint; readonly end: bigint }>(
  ranges: readonly R[],
  address: bigint,
): R | undefined {
  const range = ranges[firstEndingAbove(ranges, address)];
  return range !== undefined && range.start <= address ? range : undefined;
}

const keyOf = (name: string, owner: string | undefined): string => JSON.stringify([name, owner]);
