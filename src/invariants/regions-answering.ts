import type { RangeAttributes, TraceNode, TraceRegion } from '../trace/index.ts';

/** The region that answers an address. */
export interface AnsweringRegion {
  readonly region: TraceRegion;
  /** The address at which offset 0 of the region lies; behind some aliases it is negative. */
  readonly base: bigint;
  /** Those that any region on the path from the root has (memory fact 2.5). */
  readonly attributes: RangeAttributes;
  /** Whether a ROM device shows its contents; true for every other region. */
  readonly romdMode: boolean;
}

const NO_ATTRIBUTES: RangeAttributes = { readonly: false, nonvolatile: false, unmergeable: false };

/**
 * The region that answers each of `addresses`, counted from the start of `root`: children first, in the
 * order of their priority, then the region itself (memory fact 2.3). One descent of the tree answers all
 * addresses: each child gets those that lie in it. It knows nothing of how the memory core renders.
 *
 * @param addresses in any order.
 * @returns in the order of `addresses`; `undefined` where no region answers.
 */
export function regionsAnswering(
  root: TraceNode,
  addresses: readonly bigint[],
): readonly (AnsweringRegion | undefined)[] {
  // The addresses come in a few ascending runs, which this sort makes use of.
  const order = addresses
    .map((_, index) => index)
    .sort((a, b) => (addresses[a]! < addresses[b]! ? -1 : addresses[a]! > addresses[b]! ? 1 : 0));
  const descent = new Descent(order.map((index) => addresses[index]!));
  descent.visit(root, 0n, 0, addresses.length, NO_ATTRIBUTES);
  const answers: (AnsweringRegion | undefined)[] = addresses.map(() => undefined);
  for (let position = 0; position < order.length; position++)
    answers[order[position]!] = descent.answers[position];
  return answers;
}

const union = (a: RangeAttributes, b: RangeAttributes): RangeAttributes => ({
  readonly: a.readonly || b.readonly,
  nonvolatile: a.nonvolatile || b.nonvolatile,
  unmergeable: a.unmergeable || b.unmergeable,
});

class Descent {
  readonly #sorted: readonly bigint[];
  readonly answers: (AnsweringRegion | undefined)[];

  constructor(sorted: readonly bigint[]) {
    this.#sorted = sorted;
    this.answers = sorted.map(() => undefined);
  }

  /**
   * Answers the addresses that no region of higher priority answers.
   *
   * @param base the address at which the node begins.
   * @param first index of the first of the addresses that the nodes above show; none of them is below `base`.
   * @param end one past the last of them.
   * @param inherited attributes of the nodes above.
   */
  visit(
    { region, enabled, size, terminates, attributes: own, romdMode, children, alias }: TraceNode,
    base: bigint,
    first: number,
    end: number,
    inherited: RangeAttributes,
  ): void {
    if (!enabled) return;
    let from = first;
    let to = this.#firstNotBelow(base + size, first, end);
    while (from < to && this.answers[from] !== undefined) from++;
    while (from < to && this.answers[to - 1] !== undefined) to--;
    if (from === to) return;
    const attributes = own === undefined ? inherited : union(inherited, own);
    if (alias !== undefined) {
      this.visit(alias.node, base - alias.offset, from, to, attributes);
      return;
    }
    const [lowest, highest] = [this.#sorted[from]! - base, this.#sorted[to - 1]! - base];
    for (const child of children) {
      if (child.address > highest || child.end <= lowest) continue;
      const start = base + child.address;
      const below = this.#firstNotBelow(start, from, to);
      this.visit(child, start, below, this.#firstNotBelow(base + child.end, below, to), attributes);
    }
    if (!terminates) return;
    const answer = { region, base, attributes, romdMode: romdMode ?? true };
    for (let index = from; index < to; index++) this.answers[index] ??= answer;
  }

  /** Index of the first address at or above `limit`, among those from index `first` up to `end`. */
  #firstNotBelow(limit: bigint, first: number, end: number): number {
    let low = first;
    let high = end;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#sorted[middle]! < limit) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
