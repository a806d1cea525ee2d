import { low64 } from '../../address/index.ts';
import type { MtreeRegion, MtreeText } from './mtree-region.ts';

/** Which lines of a text stand for the same region. */
export interface TreeIdentity {
  /** The roots of the trees that are not part of another tree, in the order of the text. */
  readonly trees: readonly MtreeRegion[];
  /** The line that represents the region of `line`: one for each region. It lies in one of `trees`. */
  readonly canonical: (line: MtreeRegion) => MtreeRegion;
}

interface Tree {
  readonly root: MtreeRegion;
  readonly isSpace: boolean;
  /** Equal for trees with the same text. */
  readonly key: number;
  /** How many lines the tree has. */
  readonly lines: number;
}

/** A line below a root, and that root. */
interface Inner {
  readonly line: MtreeRegion;
  readonly tree: MtreeRegion;
}

/**
 * Finds the trees that the text has more than once.
 *
 * QEMU prints a region in the tree of its container, as the root of each address space, and once as the
 * target of aliases, in a section (memory fact 8.7). So a section is the same region as an equal tree
 * elsewhere, but two sections are two regions.
 *
 * @param mergeSpaces whether equal trees of address spaces are one region. They are two if the text groups
 *   spaces by their root, because QEMU would have printed one tree under both names.
 */
export function identifyTrees(text: MtreeText, mergeSpaces: boolean): TreeIdentity {
  const innerLines = new Map<number, Inner[]>();
  const number = numbering();
  const trees: Tree[] = [];
  const add = (root: MtreeRegion, isSpace: boolean): void => {
    let lines = 0;
    const visit = (line: MtreeRegion, base: bigint): number => {
      lines++;
      const children = line.children.map((child) => visit(child, line.start));
      const key = number(line, base, children);
      if (line !== root) {
        const others = innerLines.get(key);
        if (others === undefined) innerLines.set(key, [{ line, tree: root }]);
        else others.push({ line, tree: root });
      }
      return key;
    };
    trees.push({ root, isSpace, key: visit(root, 0n), lines });
  };
  for (const { root } of text.addressSpaces) add(root, true);
  for (const { root } of text.sections) add(root, false);

  const sameAs = new Map<MtreeRegion, MtreeRegion>();
  const spaceRoots = new Map<number, MtreeRegion[]>();
  const ofSections = new Set<MtreeRegion>();
  const ofSpaces = new Set<MtreeRegion>();
  // Larger trees first, because a tree can only be part of a larger one.
  for (const { root, isSpace, key } of trees.toSorted((a, b) => b.lines - a.lines)) {
    const taken = isSpace ? ofSpaces : ofSections;
    const isFree = (line: MtreeRegion): boolean => (isSpace && mergeSpaces) || !taken.has(line);
    const roots = isSpace && !mergeSpaces ? [] : (spaceRoots.get(key) ?? []);
    const inner = (innerLines.get(key) ?? []).filter(({ tree }) => !sameAs.has(tree));
    const same = root.hidden ? undefined : [...roots, ...inner.map(({ line }) => line)].find(isFree);
    if (same !== undefined) {
      sameAs.set(root, same);
      taken.add(same);
    } else if (isSpace) {
      const others = spaceRoots.get(key);
      if (others === undefined) spaceRoots.set(key, [root]);
      else others.push(root);
    }
  }

  const canonical = new Map<MtreeRegion, MtreeRegion>();
  const pair = (line: MtreeRegion, same: MtreeRegion): void => {
    canonical.set(line, same);
    line.children.forEach((child, index) => pair(child, same.children[index]!));
  };
  for (const [root, same] of sameAs) pair(root, same);
  return {
    trees: trees.map(({ root }) => root).filter((root) => !sameAs.has(root)),
    canonical: (line) => canonical.get(line) ?? line,
  };
}

/** Gives lines the same number if they are equal relative to their containers and have equal lines below. */
function numbering(): (line: MtreeRegion, base: bigint, children: readonly number[]) => number {
  const numbers = new Map<string, number>();
  return (line, base, children) => {
    const { start, end, alias } = line;
    const text = JSON.stringify([
      low64(start - base).toString(16),
      low64(end - start).toString(16),
      line.priority,
      line.type,
      line.nonvolatile,
      line.name,
      alias === undefined ? null : [alias.target, alias.start.toString(16), alias.end.toString(16)],
      line.disabled,
      line.hidden === true,
      line.owner,
      line.parent,
      children,
    ]);
    const known = numbers.get(text);
    if (known !== undefined) return known;
    numbers.set(text, numbers.size);
    return numbers.size - 1;
  };
}
