import { metricsOf, type Metrics } from '../invariants/index.ts';
import type { Trace } from '../trace/index.ts';
import type { Sides } from './difference.ts';

/** The metrics by which the cost of a patch is measured: of runs that both sides complete. */
export type Figure = Exclude<keyof Metrics, 'flatRanges' | 'undecidedBytes'>;

/** All figures, in the order in which they are shown. */
export const FIGURES = [
  'directMappedBytes',
  'trappedBytes',
  'p2pMappedBytes',
  'memslots',
  'maps',
] as const satisfies readonly Figure[];

/** How a patch changes one figure over many cases. */
export interface FigureChange {
  /** Sum over all cases on the base; bytes, or a count of memslots or maps. */
  readonly base: bigint;
  /** The same sum on the patched side. */
  readonly patched: bigint;
  /** Number of cases in which the patched side has more. */
  readonly more: number;
  /** Number of cases in which the patched side has less. */
  readonly less: number;
}

/** How a patch changes all figures over many cases. */
export interface Cost {
  /** Number of cases that both sides completed; only their figures can be compared. */
  readonly cases: number;
  readonly figures: Readonly<Record<Figure, FigureChange>>;
}

/** The figures of the last state of a run: bytes, and counts of memslots and maps. */
export function figuresOf(trace: Trace): Readonly<Record<Figure, bigint>> {
  const metrics = metricsOf(trace);
  const figures = FIGURES.map((figure) => [figure, BigInt(metrics[figure])] as const);
  return Object.fromEntries(figures) as Record<Figure, bigint>;
}

/** Adds up the figures of many cases. */
export class CostTally {
  #cases = 0;
  readonly #figures = Object.fromEntries(
    FIGURES.map((figure) => [figure, { base: 0n, patched: 0n, more: 0, less: 0 }]),
  ) as Record<Figure, { base: bigint; patched: bigint; more: number; less: number }>;

  /** Adds one case, if both sides completed it. */
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
