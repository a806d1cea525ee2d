import { hex16, low64 } from '../../address/index.ts';
import type { AddressSpace } from '../address-space.ts';
import type { MemoryRegion } from '../memory-region.ts';
import type { MtreeForm } from './mtree-form.ts';
import { OVERFLOW_MARKER, lastByte } from './mtree-region.ts';
import { regionType } from './region-type.ts';

/** The options of `info mtree`. */
export interface PrintTreeOptions {
  /** `-D`: print a line for each disabled region too, in the forms that omit these by default. */
  readonly disabled?: boolean;
}

/**
 * Prints the text of `info mtree`: the tree of each address space, then the tree of each region that an
 * alias shows (mtree_info_as, memory facts 8.4 to 8.8).
 *
 * QEMU prints groups of address spaces in the order of a hash table. This function prints them in the
 * order of their first space.
 *
 * @param spaces in the order of their creation.
 * @returns lines that end with a newline; the empty string if there are no spaces.
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
  // The set grows during the loop, because the trees of targets have aliases too (memory fact 8.7).
  for (const target of printer.aliasTargets) printer.section([`memory-region: ${target.name}`], target);
  return printer.text;
}

interface SpaceGroup {
  readonly names: string[];
  readonly root: MemoryRegion;
}

/** The address spaces that share a tree in this form (memory fact 8.8). */
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

/** Sorts siblings by ascending address, then by descending priority, then in rendering order (memory fact 8.6). */
function inPrintedOrder(siblings: readonly MemoryRegion[]): readonly MemoryRegion[] {
  if (siblings.length < 2) return siblings;
  return siblings.toSorted((a, b) =>
    a.address < b.address ? -1 : a.address > b.address ? 1 : b.priority - a.priority,
  );
}

class TreePrinter {
  /** The targets of the aliases printed so far, in the order in which QEMU meets them. */
  readonly aliasTargets = new Set<MemoryRegion>();
  readonly #form: MtreeForm;
  readonly #disabledShown: boolean;
  readonly #lines: string[] = [];
  /** The markers of regions without a line: QEMU prints them without a newline, so the next line follows them. */
  #unfinished = '';

  constructor(form: MtreeForm, disabledShown: boolean) {
    this.#form = form;
    this.#disabledShown = disabledShown;
  }

  get text(): string {
    return this.#lines.length === 0 ? '' : `${this.#lines.join('\n')}\n`;
  }

  /** Prints headings, the tree of `root` and a blank line. */
  section(headings: readonly string[], root: MemoryRegion): void {
    this.#lines.push(...headings);
    this.#region(root, 0n, '  ');
    this.#line('');
  }

  #line(text: string): void {
    this.#lines.push(this.#unfinished + text);
    this.#unfinished = '';
  }

  /** Prints a region and the regions below it (mtree_print_mr). */
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
