import type { CleanLine } from '../text/clean-text.ts';

/** What a line of `info mtree` is, with its text in the form of QEMU. */
export type MtreeLine =
  | {
      readonly kind: 'space' | 'section' | 'flat-view' | 'flat-space' | 'flat-root';
      readonly name: string;
      readonly line: CleanLine;
    }
  | {
      readonly kind: 'region';
      /** Blanks before the first digit. */
      readonly indent: number;
      /** From the first digit on, perhaps without the rest that a mail program wrapped. */
      readonly text: string;
      readonly markers: number;
      readonly line: CleanLine;
    }
  /** `No rendered FlatView`. */
  | { readonly kind: 'empty-view'; readonly line: CleanLine }
  /** The dispatch tree of `-d` begins. */
  | { readonly kind: 'dispatch'; readonly line: CleanLine };

/** Longer lines are no lines of a monitor. */
const LONGEST = 4096;
/** What each line of a dump has: a range, a colon of a heading, or one of two words. */
const SIGN =
  /[0-9a-fA-F]{8}-[0-9a-fA-F]{8}|address-space|memory-region|FlatView|AS "|Root memory|rendered|Dispatch|^(?:memory|I\/O)$/;
const MARKER = /\[DETECTED OVERFLOW!\] ?/g;
/** 16 digits since 2.0; old monitors of 32-bit machines printed 8. */
const REGION = /^([ \t]*)((?:[0-9a-f]{16}-[0-9a-f]{16}|[0-9a-f]{8}-[0-9a-f]{8}) \(prio\b.*)$/i;
/** A line that a mail program cut in front of its priority. */
const CUT = /^([ \t]*)([0-9a-f]{16}-[0-9a-f]{16})$/i;
const SPACE = /^\s*address-space: ?(.*)$/;
const OLD_SPACE = /^\s*(?:memory|I\/O)$/;
const SECTION = /^\s*memory-region: ?(.*)$/;
/** 2.9 and 2.10 printed a flat view for each address space. */
const OLD_FLAT_SPACE = /^\s*address-space \(flat view\): ?(.*)$/;
const FLAT_VIEW = /^\s*FlatView #(\d+)$/;
const FLAT_SPACE = /^\s*AS "(.*)", root: (.*)$/;
const FLAT_ROOT = /^\s*Root memory region: (.*)$/;
const EMPTY_VIEW = /^\s*No rendered FlatView/;
const DISPATCH = /^\s*Dispatch$/;

/** The line, if QEMU's monitor prints such a line for `info mtree`. */
export function readMtreeLine(line: CleanLine): MtreeLine | undefined {
  const { text } = line;
  // Most lines of other texts have none of these words.
  if (text.length > LONGEST || !SIGN.test(text)) return undefined;
  const markers = text.includes('[DETECTED') ? (text.match(MARKER)?.length ?? 0) : 0;
  const bare = markers === 0 ? text : text.replaceAll(MARKER, '');
  const region = REGION.exec(bare) ?? CUT.exec(bare);
  if (region !== null)
    return { kind: 'region', indent: widthOf(region[1]!), text: region[2]!, markers, line };
  for (const [kind, pattern] of HEADINGS) {
    const match = pattern.exec(text);
    if (match !== null) return { kind, name: kind === 'flat-space' ? match[0].trim() : match[1]!, line };
  }
  if (EMPTY_VIEW.test(text)) return { kind: 'empty-view', line };
  if (DISPATCH.test(text)) return { kind: 'dispatch', line };
  return OLD_SPACE.test(text) ? { kind: 'space', name: text.trim(), line } : undefined;
}

const HEADINGS = [
  ['space', SPACE],
  ['section', SECTION],
  ['flat-view', FLAT_VIEW],
  ['flat-view', OLD_FLAT_SPACE],
  ['flat-space', FLAT_SPACE],
  ['flat-root', FLAT_ROOT],
] as const;

const TAB = 8;
const widthOf = (blanks: string): number =>
  [...blanks].reduce((width, blank) => (blank === '\t' ? width + TAB - (width % TAB) : width + 1), 0);

/** Whether only `info mtree` has such a line; a bare word or range may stand in other texts too. */
export const isMtreeLine = (line: CleanLine): boolean => {
  const found = readMtreeLine(line);
  if (found === undefined || found.kind === 'dispatch') return false;
  return found.kind === 'region' ? found.text.includes('(prio') : !OLD_SPACE.test(line.text);
};
