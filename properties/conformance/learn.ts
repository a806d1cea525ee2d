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

/** A range of QEMU's text, with an exclusive end as our ranges have it. */
interface QemuRange {
  readonly start: bigint;
  readonly end: bigint;
  readonly text: FlatRangeText;
}

/**
 * Looks at each address from which on the rebuilt tree and QEMU differ, and adds the answers by which the
 * two agree there. An answer concerns only a question that the text leaves open: whether an `i/o` region
 * terminates, or which of two siblings with the same priority is on top.
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
  const learner = new Learner(tree, views, answers);
  let isNew = false;
  for (const { index, view } of pairs) {
    const space = tree.topology.addressSpaces[index]!;
    const theirs = view.ranges.map((text): QemuRange => ({ start: text.start, end: text.end + 1n, text }));
    for (const address of edgesOf(space.view.ranges, theirs)) {
      const ours = rangeAt(space.view.ranges, address);
      const their = rangeAt(theirs, address);
      if (ours === undefined && their === undefined) continue;
      if (their !== undefined && ours !== undefined && agree(ours, their, address, tree)) continue;
      if (learner.learnAt(address, candidatesAt(space.root, address), their?.text)) isNew = true;
    }
  }
  return isNew;
}

class Learner {
  readonly #tree: RebuiltTree;
  readonly #answers: Answers;
  /** The regions that have a range in some view of QEMU. */
  readonly #visible: ReadonlySet<string>;

  constructor(tree: RebuiltTree, views: readonly FlatViewText[], answers: Answers) {
    this.#tree = tree;
    this.#answers = answers;
    this.#visible = new Set(
      views.flatMap(({ ranges }) => ranges.map(({ name, owner }) => keyOf(name, owner))),
    );
  }

  /**
   * @param candidates the regions at `address`, in rendering order.
   * @param their QEMU's range at `address`; `undefined` if QEMU has none.
   * @returns whether there are new answers.
   */
  learnAt(address: bigint, candidates: readonly Candidate[], their: FlatRangeText | undefined): boolean {
    const wanted = their && candidates.find((candidate) => isAt(candidate, address, their, this.#tree));
    // No candidate is QEMU's region, so no answer explains the difference.
    if (their !== undefined && wanted === undefined) return false;
    let isNew = false;
    if (wanted !== undefined && !wanted.region.terminates) isNew = this.#answer(wanted.region, true);
    for (const candidate of candidates) {
      if (candidate === wanted) break;
      const { region } = candidate;
      if (!region.terminates) continue;
      const parting = wanted && partingOf(candidate, wanted);
      const swappable = parting !== undefined && parting[0].priority === parting[1].priority;
      const isVisible = this.#visible.has(keyOf(region.name, region.owner));
      if (swappable && (isVisible || region.kind !== 'io')) {
        const [lower, upper] = [this.#tree.lineOf(parting[0]), this.#tree.lineOf(parting[1])];
        if (lower !== undefined && upper !== undefined && this.#answers.isAbove(upper, lower)) isNew = true;
      } else if (this.#answer(region, false)) {
        isNew = true;
      }
    }
    return isNew;
  }

  /** Answers whether `region` terminates, if the text leaves that open: it does for I/O regions and containers. */
  #answer(region: MemoryRegion, terminates: boolean): boolean {
    const line = this.#tree.lineOf(region);
    const open = region.kind === 'io' || region.kind === 'container';
    return open && line !== undefined && line.hidden !== true && this.#answers.terminates(line, terminates);
  }
}

/** Whether the candidate is the region of QEMU's range, at the offset that the range has at `address`. */
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

const agree = (ours: FlatRange, { text }: QemuRange, address: bigint, tree: RebuiltTree): boolean =>
  isAt({ region: ours.region, offset: ours.offset + (address - ours.start), path: [] }, address, text, tree);

/** Each address at which a range of ours or of QEMU's begins or ends; nothing changes in between. */
function edgesOf(ours: readonly FlatRange[], theirs: readonly QemuRange[]): bigint[] {
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
