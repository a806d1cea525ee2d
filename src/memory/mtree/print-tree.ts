import { hex16, low64 } from '../../address/index.ts';
import type { AddressSpace } from '../address-space.ts';
import type { MemoryRegion } from '../memory-region.ts';
import type { MtreeForm } from './mtree-form.ts';
import { OVERFLOW_MARKER, lastByte } from './mtree-region.ts';
import { regionType } from './region-type.ts';

/** What can be asked of `info mtree`. */
export interface PrintTreeOptions {
  /** `-D`: also a line for every disabled region, in the forms that leave them out. */
  readonly disabled?: boolean;
}

/**
 * The text of `info mtree`: the tree of every address space, then that of every region which an
 * alias shows (mtree_info_as, memory facts 8.4 to 8.8).
 *
 * QEMU orders groups of address spaces by a hash; here they stand in the order of their first space.
 *
 * @param spaces in the order of their making.
 * @returns text whose lines end with a newline; empty without spaces.
 */
export function printTree(
  spaces: readonly AddressSpace[],
  form: MtreeForm,
  options: PrintTreeOptions = {},
): string {
  const printer = new TreePrinter(form, form.disabledRegions === 'always' || options.disabled === true);
  for (const { names, root } of groupSpaces(spaces, form)) {
    printer.section(
      names.map((name) => `address-space: ${name}`),
      root,
    );
  }
  // The set grows while it is walked: trees of targets have aliases of their own (memory fact 8.7).
  for (const target of printer.aliasTargets) printer.section([`memory-region: ${target.name}`], target);
  return printer.text;
}

interface SpaceGroup {
  readonly names: string[];
  readonly root: MemoryRegion;
}

/** What shares a heading (memory fact 8.8). */
function groupSpaces(spaces: readonly AddressSpace[], form: MtreeForm): SpaceGroup[] {
  if (form.grouping === 'none') return spaces.map(({ name, root }) => ({ names: [name], root }));
  const groups = new Map<MemoryRegion, SpaceGroup>();
  for (const { name, root } of spaces) {
    const group = groups.get(root);
    if (group === undefined) groups.set(root, { names: [name], root });
    else group.names.push(name);
  }
  for (const { names } of groups.values()) names.sort();
  return [...groups.values()];
}

/** By address, then the higher priority, then the order of the siblings (memory fact 8.6). */
function inPrintedOrder(siblings: readonly MemoryRegion[]): readonly MemoryRegion[] {
  if (siblings.length < 2) return siblings;
  return siblings.toSorted((a, b) =>
    a.address < b.address ? -1 : a.address > b.address ? 1 : b.priority - a.priority,
  );
}

class TreePrinter {
  /** Every region that an alias met so far shows, in the order of meeting. */
  readonly aliasTargets = new Set<MemoryRegion>();
  readonly #form: MtreeForm;
  readonly #disabledShown: boolean;
  readonly #lines: string[] = [];
  /** Markers of regions without a line: QEMU has printed them already, and no newline. */
  #unfinished = '';

  constructor(form: MtreeForm, disabledShown: boolean) {
    this.#form = form;
    this.#disabledShown = disabledShown;
  }

  get text(): string {
    return this.#lines.length === 0 ? '' : `${this.#lines.join('\n')}\n`;
  }

  section(headings: readonly string[], root: MemoryRegion): void {
    this.#lines.push(...headings);
    this.#region(root, 0n, '  ');
    this.#line('');
  }

  #line(text: string): void {
    this.#lines.push(this.#unfinished + text);
    this.#unfinished = '';
  }

  /** mtree_print_mr. */
  #region(region: MemoryRegion, base: bigint, indent: string): void {
    const form = this.#form;
    const start = low64(base + region.address);
    const last = lastByte(region.size);
    const end = low64(start + last);
    const overflow = start < base || end < start ? OVERFLOW_MARKER : '';
    if (form.overflowMarker === 'before-indent') this.#unfinished += overflow;
    const { alias } = region;
    if (alias !== undefined) this.aliasTargets.add(alias.region);
    if (region.enabled || this.#disabledShown) {
      const marker = form.overflowMarker === 'after-indent' ? overflow : '';
      const persistent = region.nonvolatile && form.nonvolatile ? 'nv-' : '';
      const name =
        alias === undefined
          ? region.name
          : `alias ${region.name} @${alias.region.name} ${hex16(alias.offset)}-${hex16(low64(alias.offset + last))}`;
      this.#line(
        `${indent}${marker}${hex16(start)}-${hex16(end)} (prio ${region.priority}, ` +
          `${persistent}${regionType(region, form)}): ${name}${region.enabled ? '' : ' [disabled]'}`,
      );
    }
    const below = `${indent}  `;
    for (const child of inPrintedOrder(region.subregions)) this.#region(child, start, below);
  }
}
