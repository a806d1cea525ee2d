import { offset } from '../../address/index.ts';
import type { FlatRangeText, FlatViewSpace, FlatViewText } from './mtree-region.ts';
import { MtreeSyntaxError } from './mtree-syntax-error.ts';
import { REGION_LINE, fromHex16, readRegionLine, takeOwners } from './region-line.ts';

const SPACE = ' AS "NAME", root: NAME';
const ROOT = ' Root memory region: ';
const NONE = '(none)';
const EMPTY = '  No rendered FlatView';

const HEADING_LINE = /^FlatView #(\d+)$/;
const SPACE_LINE = /^ AS "(.*)", root: (.*)$/s;
const ROOT_ALIAS = /^(.*), alias (.*)$/s;
/**
 * The argument of `-accel` in QEMU 4.1 and 4.2, perhaps with fallbacks or as the name of the class; `KVM`
 * in later releases (memory fact 8.9).
 */
const ACCELERATOR = / (KVM|kvm(?:-accel|(?::[a-z]+)*))$/;
const OFFSET = /^(.*) @([0-9a-f]{16})$/s;
/** With `-d` the dispatch tree follows the ranges, with a deeper indent. */
const DISPATCH = '  Dispatch';
const DISPATCH_LINE = /^(?: {4}|\t)/;

/** A view of which the parser has not seen the end. */
interface OpenView {
  readonly number: number;
  readonly spaces: FlatViewSpace[];
  root: string | undefined;
  readonly ranges: FlatRangeText[];
  /** The part of the view that the parser is in; it decides which lines may follow. */
  part: 'spaces' | 'ranges' | 'end' | 'dispatch';
}

/**
 * Parses the text of `info mtree -f`, with or without `-o` and `-d`, of QEMU 2.11 to 11. Lines end with LF
 * or CR LF (memory fact 8.1). The dispatch tree of `-d` is skipped.
 *
 * @throws MtreeSyntaxError at the first line that QEMU does not print at its place.
 */
export function parseFlatViews(text: string): FlatViewText[] {
  const views: FlatViewText[] = [];
  let view: OpenView | undefined;

  const close = (): void => {
    if (view === undefined) return;
    const { number, spaces, root, ranges } = view;
    views.push({ number, spaces, ...(root === undefined ? {} : { root }), ranges });
    view = undefined;
  };

  // The appended newline ends the last view, like the blank line behind the other views.
  `${text}\n`.split(/\r?\n/).forEach((line, index) => {
    const fail = (expected: string): never => {
      throw new MtreeSyntaxError(index + 1, line, expected);
    };
    if (line === '') {
      if (view?.part === 'spaces') fail(`"${ROOT.trimStart()}NAME"`);
      close();
      return;
    }
    const heading = HEADING_LINE.exec(line);
    if (heading !== null) {
      close();
      view = { number: Number(heading[1]), spaces: [], root: undefined, ranges: [], part: 'spaces' };
      return;
    }
    if (view === undefined) return fail('"FlatView #N"');
    switch (view.part) {
      case 'spaces': {
        const space = readSpace(line);
        if (space !== undefined) {
          view.spaces.push(space);
        } else if (line.startsWith(ROOT)) {
          const root = line.slice(ROOT.length);
          if (root !== NONE) view.root = root;
          view.part = 'ranges';
        } else {
          fail(`"${SPACE.trimStart()}" or "${ROOT.trimStart()}NAME"`);
        }
        return;
      }
      case 'ranges':
        if (line === DISPATCH) view.part = 'dispatch';
        else if (line === EMPTY && view.ranges.length === 0) view.part = 'end';
        else view.ranges.push(readRange(line) ?? fail(REGION_LINE));
        return;
      case 'end':
        return fail('a blank line');
      case 'dispatch':
        if (!DISPATCH_LINE.test(line)) fail('a line of the dispatch tree, or a blank one');
    }
  });
  return views;
}

function readSpace(line: string): FlatViewSpace | undefined {
  const match = SPACE_LINE.exec(line);
  if (match === null) return undefined;
  const [, name, shown] = match;
  const alias = ROOT_ALIAS.exec(shown!);
  if (alias === null) return { name: name!, root: shown! };
  return { name: name!, root: alias[1]!, alias: alias[2]! };
}

function readRange(line: string): FlatRangeText | undefined {
  const region = line.startsWith('  ') ? readRegionLine(line.slice(2)) : undefined;
  if (region === undefined) return undefined;
  const { rest: suffixed, ...fields } = region;
  let text = suffixed;
  const accelerators: string[] = [];
  for (let match = ACCELERATOR.exec(text); match !== null; match = ACCELERATOR.exec(text)) {
    accelerators.push(match[1]!);
    text = text.slice(0, match.index);
  }
  const { rest, owners } = takeOwners(text);
  const placed = OFFSET.exec(rest);
  return {
    ...fields,
    ...owners,
    name: placed === null ? rest : placed[1]!,
    offset: offset(placed === null ? 0n : fromHex16(placed[2]!)),
    accelerators,
  };
}
