import { metricsOf, type Metrics } from '../invariants/index.ts';
import type { Trace } from '../trace/index.ts';
import type { Sides } from './difference.ts';

/** The figures of a state that tell what a patch costs or gains. */
export type Figure = Exclude<keyof Metrics, 'flatRanges'>;

/** All of them, as they are shown. */
export const FIGURES = [
  'directMappedBytes',
  'trappedBytes',
  'p2pMappedBytes',
  'memslots',
  'maps',
] as const satisfies readonly Figure[];

/** How a figure changes over many cases. */
export interface FigureChange {
  /** The sums over all cases. */
  readonly base: bigint;
  readonly patched: bigint;
  /** In how many cases there is more of it, and in how many less. */
  readonly more: number;
  readonly less: number;
}

/** What a patch costs or gains over many cases. */
export interface Cost {
  /** How many cases came to their end on both sides; the others cannot be compared. */
  readonly cases: number;
  readonly figures: Readonly<Record<Figure, FigureChange>>;
}

/** The figures of the last state of a run, as whole numbers. */
export function figuresOf(trace: Trace): Readonly<Record<Figure, bigint>> {
  const metrics = metricsOf(trace.steps.at(-1)!.state);
  const figures = FIGURES.map((figure) => [figure, BigInt(metrics[figure])] as const);
  return Object.fromEntries(figures) as Record<Figure, bigint>;
}

/** Adds up what cases cost. */
export class CostTally {
  #cases = 0;
  readonly #figures = Object.fromEntries(
    FIGURES.map((figure) => [figure, { base: 0n, patched: 0n, more: 0, less: 0 }]),
  ) as Record<Figure, { base: bigint; patched: bigint; more: number; less: number }>;

  /** Takes one case into account, if both sides came to the end of it. */
  add({ base, patched }: Sides<Trace>): void {
    if (base.outcome !== 'ok' || patched.outcome !== 'ok') return;
    this.#cases++;
    const before = figuresOf(base);
    const after = figuresOf(patched);
    for (const figure of FIGURES) {
      const change = this.#figures[figure];
      change.base += before[figure];
      change.patched += after[figure];
      if (after[figure] > before[figure]) change.more++;
      else if (after[figure] < before[figure]) change.less++;
    }
  }

  sum(): Cost {
    return { cases: this.#cases, figures: this.#figures };
  }
}
