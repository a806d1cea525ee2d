import type { MtreeForm } from './mtree-form.ts';
import type { MtreeRegion } from './mtree-region.ts';

/** What the caller knows and the text does not say. */
export interface RebuildOptions {
  /**
   * The form of the text. By default, address spaces count as grouped by root if some heading has several
   * names, and a region outside any container counts as `container` if some line has that type.
   */
  readonly form?: MtreeForm;
  /**
   * Whether disabled regions have lines, as in {@link ParseTreeOptions}. By default they do if some line
   * describes a disabled region.
   */
  readonly disabledShown?: boolean;
  /**
   * Whether a region printed as `i/o` or `container` terminates: whether it answers the accesses that its
   * subregions leave. If the function returns `undefined`, the lines decide. A region with lines below is a
   * container. Without lines below, `i/o` terminates and `container` does not. The root of an address space
   * terminates with either type, because an empty container would show nothing. But if disabled regions have
   * no lines, some may lie below the root (a closed window, the alias of a bus master), so it is a container.
   */
  readonly terminates?: (region: MtreeRegion) => boolean | undefined;
  /**
   * Sorts siblings of one priority into rendering order, the topmost first. They come in the order of the
   * text, which is the rendering order only among siblings with the same address (memory facts 1.5 and 8.6).
   * The default is {@link laterOnTop}.
   */
  readonly siblingOrder?: (siblings: readonly MtreeRegion[]) => readonly MtreeRegion[];
}

/**
 * Sorts siblings of one priority: the one that starts last is on top, and equal starts keep the order of the
 * text. A machine hardly adds a region where another one hides its start.
 */
export const laterOnTop = (siblings: readonly MtreeRegion[]): readonly MtreeRegion[] =>
  siblings.toSorted((a, b) => (a.start > b.start ? -1 : a.start < b.start ? 1 : 0));
