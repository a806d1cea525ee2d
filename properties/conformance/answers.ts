import { laterOnTop, type MtreeRegion, type RebuildOptions } from '../../src/memory/index.ts';

/**
 * What the text of `info mtree` does not say and the flat view depends on:
 * - `terminates`: whether an `i/o` region takes the accesses that its subregions leave, or is a
 *   container that lets them through;
 * - `sibling-order`: which of two overlapping siblings of the same priority is on top (it is the one
 *   added last, and the text is sorted by address).
 */
export type Question = 'terminates' | 'sibling-order';

/** Answers to the open questions of one text; lines without an answer are read as `rebuildTree` does by itself. */
export class Answers {
  readonly #terminates = new Map<MtreeRegion, boolean>();
  /** By the line below, the siblings that are above it. */
  readonly #above = new Map<MtreeRegion, Set<MtreeRegion>>();

  /** How many answers there are. */
  count(question: Question): number {
    if (question === 'terminates') return this.#terminates.size;
    return [...this.#above.values()].reduce((sum, { size }) => sum + size, 0);
  }

  /** Returns whether this is news. What was said before stays. */
  terminates(line: MtreeRegion, terminates: boolean): boolean {
    if (this.#terminates.has(line)) return false;
    this.#terminates.set(line, terminates);
    return true;
  }

  /** Returns whether this is news. What was said before stays. */
  isAbove(upper: MtreeRegion, lower: MtreeRegion): boolean {
    if (this.#above.get(upper)?.has(lower)) return false;
    const above = this.#above.get(lower) ?? new Set();
    if (above.has(upper)) return false;
    this.#above.set(lower, above.add(upper));
    return true;
  }

  /** The options with which `rebuildTree` keeps to the answers to `questions`. */
  options(questions: readonly Question[]): Pick<RebuildOptions, 'terminates' | 'siblingOrder'> {
    const bits = questions.includes('terminates') ? this.#terminates : undefined;
    const above = questions.includes('sibling-order') ? this.#above : undefined;
    return {
      ...(bits === undefined ? {} : { terminates: (line) => bits.get(line) }),
      ...(above === undefined ? {} : { siblingOrder: (siblings) => sortedBy(above, laterOnTop(siblings)) }),
    };
  }
}

/** The siblings, the topmost first: in the given order as far as `above` allows. */
function sortedBy(
  above: ReadonlyMap<MtreeRegion, ReadonlySet<MtreeRegion>>,
  siblings: readonly MtreeRegion[],
): readonly MtreeRegion[] {
  if (!siblings.some((sibling) => above.has(sibling))) return siblings;
  const waiting = [...siblings];
  const sorted: MtreeRegion[] = [];
  while (waiting.length > 0) {
    const free = waiting.findIndex((line) => !waiting.some((other) => above.get(line)?.has(other)));
    sorted.push(...waiting.splice(Math.max(free, 0), 1));
  }
  return sorted;
}
