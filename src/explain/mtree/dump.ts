import { shortened } from '../../report/index.ts';
import {
  MtreeSyntaxError,
  parseFlatViews,
  parseTree,
  type FlatViewText,
  type MtreeText,
} from '../../memory/index.ts';
import type { CleanLine } from '../text/clean-text.ts';
import { dumpLines } from './dump-lines.ts';
import type { MtreeLine } from './mtree-line.ts';
import { modernTypes } from './modern-types.ts';
import { treeText } from './tree-text.ts';

/** The memory maps that a text shows. */
export interface Dump {
  readonly tree: MtreeText | undefined;
  readonly views: readonly FlatViewText[];
  /** What had to be mended or assumed. */
  readonly notes: readonly string[];
  /** Why a part of the text could not be read, in one sentence each. */
  readonly faults: readonly string[];
  /** Whether the regions have types: QEMU 2.8 and older print `RW` and `R-` instead. */
  readonly hasTypes: boolean;
  /** Whether the text ends within the dump, so that views or regions are missing. */
  readonly isCut: boolean;
}

/** Reads all of `info mtree` and `info mtree -f` that a text contains; `undefined` if it contains neither. */
export function readDump(text: readonly CleanLine[]): Dump | undefined {
  const { lines, notes: mended, isCut } = dumpLines(text);
  const { lines: typed, notes: oldTypes, hasTypes } = modernTypes(lines);
  if (!typed.some(({ kind }) => kind === 'region' || kind === 'empty-view' || kind === 'flat-root'))
    return undefined;
  const notes = [...mended, ...oldTypes];
  const faults: string[] = [];
  const [flat, tree] = partition(typed, notes);
  const attempt = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof MtreeSyntaxError)) throw error;
      faults.push(`a line has a form that QEMU does not print: ${shortened(error.line.trim(), 100)}`);
      return undefined;
    }
  };
  const views = flat.length === 0 ? [] : (attempt(() => parseFlatViews(flatText(flat))) ?? []);
  const parsed =
    tree.length === 0
      ? undefined
      : attempt(() => {
          const { text: canonical, notes: placed } = treeText(tree);
          notes.push(...placed);
          return parseTree(canonical);
        });
  return { tree: parsed, views, notes, faults, hasTypes, isCut };
}

/** The lines of flat views, and those of trees. A fragment without headings is one or the other as a whole. */
function partition(
  lines: readonly MtreeLine[],
  notes: string[],
): [flat: readonly MtreeLine[], tree: readonly MtreeLine[]] {
  const flat: MtreeLine[] = [];
  const tree: MtreeLine[] = [];
  let current: MtreeLine[] | undefined;
  const orphans: MtreeLine[] = [];
  for (const line of lines) {
    if (
      line.kind === 'flat-view' ||
      line.kind === 'flat-space' ||
      line.kind === 'flat-root' ||
      line.kind === 'empty-view'
    )
      current = flat;
    else if (line.kind !== 'region') current = tree;
    (current ?? orphans).push(line);
  }
  if (orphans.length === 0) return [flat, tree];
  const isFlat = looksFlat(orphans);
  notes.push(
    `the first ${orphans.length} lines are a fragment without a heading, read as ${isFlat ? 'a flat view (info mtree -f)' : 'a part of a tree (info mtree)'}`,
  );
  if (isFlat) flat.unshift(...orphans);
  else tree.unshift(...orphans);
  return [flat, tree];
}

const RANGE = /^([0-9a-f]+)-([0-9a-f]+)/i;

/** In a flat view all lines have one indent, and no range begins before the end of the range above. */
function looksFlat(lines: readonly MtreeLine[]): boolean {
  if (lines.length < 2)
    return lines.some((line) => line.kind === 'region' && / @[0-9a-f]{16}/.test(line.text));
  let end = -1n;
  let indent: number | undefined;
  for (const line of lines) {
    if (line.kind !== 'region') continue;
    const match = RANGE.exec(line.text);
    if (match === null || / alias /.test(line.text)) return false;
    if (indent !== undefined && line.indent !== indent) return false;
    indent = line.indent;
    if (BigInt(`0x${match[1]}`) <= end) return false;
    end = BigInt(`0x${match[2]}`);
  }
  return true;
}

/** The text that QEMU prints for these lines of flat views. */
function flatText(lines: readonly MtreeLine[]): string {
  const result: string[] = [];
  let number = 0;
  let hasRoot = true;
  const openView = (name: string | undefined): void => {
    result.push('', `FlatView #${name ?? number}`);
    number++;
    hasRoot = false;
  };
  for (const line of lines) {
    switch (line.kind) {
      case 'flat-view':
        openView(/^\d+$/.test(line.name) ? line.name : undefined);
        // QEMU 2.9 and 2.10: one view for each space, without its root.
        if (!/^\d+$/.test(line.name)) result.push(` AS "${line.name}", root: ${line.name}`);
        break;
      case 'flat-space':
        // A view without its heading: the spaces of a view stand in front of its root.
        if (hasRoot) openView(undefined);
        result.push(` ${line.name}`);
        break;
      case 'flat-root':
        if (hasRoot) openView(undefined);
        result.push(` Root memory region: ${line.name}`);
        hasRoot = true;
        break;
      case 'region':
      case 'empty-view':
        if (!hasRoot || result.length === 0) {
          if (result.length === 0) openView(undefined);
          result.push(' Root memory region: (not shown)');
          hasRoot = true;
        }
        result.push(line.kind === 'region' ? `  ${line.text}` : '  No rendered FlatView');
        break;
      default:
    }
  }
  if (!hasRoot) result.push(' Root memory region: (none)', '  No rendered FlatView');
  return `${result.join('\n').trimStart()}\n`;
}
