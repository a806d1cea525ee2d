import { END_OF_SPACE, low64 } from '../../address/index.ts';
import type { MtreeRegion } from './mtree-region.ts';

/** How many aliases inside each other the check follows: no machine comes near, and QEMU would soon run out of stack. */
const DEEPEST_ALIAS = 64;
/** How many aliases the check follows altogether before it assumes a rendering without end. */
const MOST_ALIASES_PASSED = 2_000;

/**
 * Deletes the targets of aliases by which a region would show itself for ever.
 *
 * A cycle is real if its rendering ends: some machines show a part of a container at another place of the
 * same container. Each pass around the cycle is then shifted and cut, until nothing is left.
 *
 * @param trees the roots of all trees.
 * @param targets by alias, the line of its target.
 */
export function cutAliasCycles(trees: readonly MtreeRegion[], targets: Map<MtreeRegion, MtreeRegion>): void {
  while (cutSomeCycles(trees, targets));
}

/** Returns whether there were cycles; deleting the targets may have left others. */
function cutSomeCycles(trees: readonly MtreeRegion[], targets: Map<MtreeRegion, MtreeRegion>): boolean {
  const open = new Set<MtreeRegion>();
  const closed = new Set<MtreeRegion>();
  const aliases: MtreeRegion[] = [];
  let found = false;
  const visit = (line: MtreeRegion): void => {
    if (closed.has(line)) return;
    if (open.has(line)) {
      // A chain of aliases that leads back to itself has no type, even if its rendering ends.
      if (line.alias === undefined && renderingEnds(line, targets)) return;
      // Containers alone form no cycle, so the alias followed last is part of this cycle.
      targets.delete(aliases.at(-1)!);
      found = true;
      return;
    }
    open.add(line);
    const target = targets.get(line);
    if (target !== undefined) {
      aliases.push(line);
      visit(target);
      aliases.pop();
    }
    line.children.forEach(visit);
    open.delete(line);
    closed.add(line);
  };
  trees.forEach(visit);
  return found;
}

/** Whether rendering `root` and the regions below it ends, if all regions are taken for enabled. */
function renderingEnds(root: MtreeRegion, targets: ReadonlyMap<MtreeRegion, MtreeRegion>): boolean {
  let left = MOST_ALIASES_PASSED;
  /** @param shift what is added to the addresses of the text. */
  const visit = (line: MtreeRegion, shift: bigint, from: bigint, to: bigint, depth: number): boolean => {
    const start = line.start + shift;
    const end = start + low64(line.end - line.start) + 1n;
    const clipFrom = start > from ? start : from;
    const clipTo = end < to ? end : to;
    if (clipFrom >= clipTo) return true;
    if (line.alias === undefined) {
      return line.children.every((child) => visit(child, shift, clipFrom, clipTo, depth));
    }
    const target = targets.get(line);
    if (target === undefined) return true;
    if (depth === DEEPEST_ALIAS || left-- === 0) return false;
    return visit(target, start - line.alias.start - target.start, clipFrom, clipTo, depth + 1);
  };
  return visit(root, 0n, 0n, END_OF_SPACE, 0);
}
