import type { MtreeRegion } from './mtree-region.ts';

/** The name given to a region that the text does not show. */
export const HIDDEN_NAME = '(hidden)';

/** The highest priority that a region can have. */
export const HIGHEST_PRIORITY = 0x7fffffff;

/**
 * A disabled region that has no line in the text.
 *
 * @param end the last address, as in {@link MtreeRegion}.
 * @param overflow whether QEMU marked the region with `[DETECTED OVERFLOW!]`.
 */
export const hiddenRegion = (
  start: bigint,
  end: bigint,
  priority: number,
  overflow: boolean,
): MtreeRegion => ({
  start,
  end,
  priority,
  type: 'i/o',
  nonvolatile: false,
  name: HIDDEN_NAME,
  disabled: true,
  overflow,
  hidden: true,
  children: [],
});
