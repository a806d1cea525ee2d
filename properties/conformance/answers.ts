import { laterOnTop, type MtreeRegion, type RebuildOptions } from '../../src/memory/index.ts';

/**
 * A question that the text of `info mtree` leaves open, although the flat view depends on it:
 * - `terminates`: does an `i/o` region answer the accesses that its subregions leave, or is it a container?
 * - `sibling-order`: which of two overlapping siblings of the same priority is on top? It is the one added
 *   last, but the text is sorted by address.
 */
export type Question = 'terminates' | 'sibling-order';

/** Answers to the questions that one text leaves open. */
export class Answers {
  readonly #terminates = new Map<MtreeRegion, boolean>();
  /** By line, the siblings on top of it. */
  readonly #above = new Map<MtreeRegion, Set<MtreeRegion>>();

  /** How many answers to a question there are. */
  count(question: Question): number {
    if (question === 'terminates') return this.#terminates.size;
    return [...this.#above.values()].reduce((sum, { size }) => sum + size, 0);
  }

  /** Answers whether a region terminates, unless there is an answer; returns whether this one is new. */
  terminates(line: MtreeRegion, terminates: boolean): boolean {
    if (this.#terminates.has(line)) return false;
    this.#terminates.set(line, terminates);
    return true;
  }

  /** Answers that `upper` is on top of `lower`, unless there is an answer; returns whether this one is new. */
  isAbove(upper: MtreeRegion, lower: MtreeRegion): boolean {
    if (this.#above.get(upper)?.has(lower)) return false;
    const above = this.#above.get(lower) ?? new Set();
    if (above.has(upper)) return false;
    this.#above.set(lower, above.add(upper));
    return true;
  }

  /** Options by which `rebuildTree` follows the answers to `questions`; for other questions it uses its defaults. */
  options(questions: readonly Question[]): Pick<RebuildOptions, 'terminates' | 'siblingOrder'> {
    const terminating = questions.includes('terminates') ? this.#terminates : undefined;
    const above = questions.includes('sibling-order') ? this.#above : undefined;
    return {
      ...(terminating === undefined ? {} : { terminates: (line) => terminating.get(line) }),
      ...(above === undefined ? {} : { siblingOrder: (siblings) => sortedBy(above, laterOnTop(siblings)) }),
    };
  }
}

/** The siblings in rendering order: the given order, as far as `above` allows. */
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
