import { hex16 } from '../../address/index.ts';
import type { AddressSpace } from '../address-space.ts';
import type { FlatRange } from '../flat-range.ts';
import type { FlatView } from '../flat-view.ts';
import type { MtreeForm } from './mtree-form.ts';
import { rangeType } from './region-type.ts';

/** What `info mtree -f` prints besides the views. */
export interface PrintFlatViewsOptions {
  /** Whether KVM has a memslot of exactly this range in this space; forms from 4.1 on print that. */
  readonly hasMemslot?: (space: AddressSpace, range: FlatRange) => boolean;
}

/**
 * Prints the text of `info mtree -f`: each distinct view under the address spaces that share it
 * (mtree_info_flatview, memory fact 8.9).
 *
 * QEMU numbers views in the order of a hash table. This function numbers them from 0, in the order of
 * their first address space.
 *
 * @param spaces in the order of their creation.
 * @returns lines that end with a newline; the empty string if there are no spaces.
 */
export function printFlatViews(
  spaces: readonly AddressSpace[],
  form: MtreeForm,
  options: PrintFlatViewsOptions = {},
): string {
  const sharers = new Map<FlatView, AddressSpace[]>();
  for (const space of spaces) {
    const others = sharers.get(space.view);
    if (others === undefined) sharers.set(space.view, [space]);
    else others.push(space);
  }
  const lines: string[] = [];
  let number = 0;
  for (const [view, spacesOfView] of sharers) {
    lines.push(`FlatView #${number++}`);
    for (const { name, root } of spacesOfView) {
      const alias = root.alias === undefined ? '' : `, alias ${root.alias.region.name}`;
      lines.push(` AS "${name}", root: ${root.name}${alias}`);
    }
    lines.push(` Root memory region: ${view.root?.name ?? '(none)'}`);
    if (view.ranges.length === 0) lines.push('  No rendered FlatView');
    for (const range of view.ranges) {
      const persistent = range.nonvolatile && form.nonvolatile ? 'nv-' : '';
      const at = range.offset === 0n ? '' : ` @${hex16(range.offset)}`;
      lines.push(
        `  ${hex16(range.start)}-${hex16(range.end - 1n)} (prio ${range.priority}, ` +
          `${persistent}${rangeType(range, form)}): ${range.region.name}${at}${accelerators(range, spacesOfView, form, options)}`,
      );
    }
    lines.push('');
  }
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}

/** The accelerator's word, once for each space of the view in which the accelerator has a slot for the range. */
function accelerators(
  range: FlatRange,
  spaces: readonly AddressSpace[],
  { accelerator }: MtreeForm,
  { hasMemslot }: PrintFlatViewsOptions,
): string {
  if (accelerator === undefined || hasMemslot === undefined) return '';
  return ` ${accelerator}`.repeat(spaces.filter((space) => hasMemslot(space, range)).length);
}
