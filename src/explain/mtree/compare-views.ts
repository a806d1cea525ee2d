import type { MtreeRegion, MtreeText } from '../../memory/index.ts';
import { viewDifferences, type ViewDifference } from './check-view.ts';
import { memoryView, renderedViews, type NamedView } from './view-ranges.ts';

/** How tree and flat view of one text compare. */
export interface ViewComparison {
  readonly differences: readonly ViewDifference[];
  /** Whether the flat view had to say which `i/o` regions are containers: the text of the tree does not. */
  readonly readsContainersOffView: boolean;
}

/**
 * Holds the tree to the flat view. `info mtree` prints `i/o` for registers and for containers, whose gaps answer nothing
 * (memory fact 8.3). Where the plain reading differs, a region counts as registers if the flat views have it.
 */
export function compareViews(
  text: MtreeText,
  flat: NamedView,
  all: readonly NamedView[],
): ViewComparison | undefined {
  const plain = memoryView(renderedViews(text));
  if (plain === undefined) return undefined;
  const differences = viewDifferences(flat, plain);
  if (differences.every(({ unknowable }) => unknowable))
    return { differences, readsContainersOffView: false };
  const answering = new Set(all.flatMap(({ ranges }) => ranges.map(({ name }) => name)));
  const learned = memoryView(
    renderedViews(text, { terminates: ({ name }: MtreeRegion) => answering.has(name) }),
  );
  const rest = learned === undefined ? differences : viewDifferences(flat, learned);
  return rest.length < differences.length
    ? { differences: rest, readsContainersOffView: true }
    : { differences, readsContainersOffView: false };
}
