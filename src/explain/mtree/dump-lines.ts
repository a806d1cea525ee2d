import { shortened } from '../../report/index.ts';
import type { CleanLine } from '../text/clean-text.ts';
import { isCutLine, isHeadingLine } from './cut-line.ts';
import { readMtreeLine, type MtreeLine } from './mtree-line.ts';

/** The lines of a dump, with wrapped lines made whole, and what was noted on the way. */
export interface DumpLines {
  readonly lines: readonly MtreeLine[];
  readonly notes: readonly string[];
  /** Whether the text ends within a dump. */
  readonly isCut: boolean;
}

const PROMPT = /^\s*\((?:qemu|QEMU|monitor)\)|^\s*(?:virsh #|\$|#)\s|^\s*(?:#|\/\/)?\s*virsh qemu-monitor/;
const ELISION = /^\s*(?:\[?\.{2,}\]?|<?snip>?|\[?snip\]?|-+8<-+|\u2026)\s*$/i;
/** An alias whose line ends before the range that it shows. */
const OPEN_ALIAS = /: alias .* @\S.*$/;
const ALIAS_RANGE = / [0-9a-f]{16}-[0-9a-f]{16}(?: \[disabled\])?(?: (?:owner|parent):\{.*| orphan)?$/;
/** The rest of a line of the form `(prio N, TYPE): NAME`. */
const COMPLETE = /\(prio -?\d+, [^)]*\): ?\S/;

/** One line that fills the width may do so by chance. */
const LEAST_HARD_CUTS = 2;
/** Between these parts of a line QEMU prints a blank. */
const SEAM = /^(?:@[0-9a-f]{16}|kvm$|KVM$|mmaps\[|\[disabled\]|owner:|parent:)/;

/** A line with the lines that continue it. */
interface Wrapped {
  readonly first: MtreeLine;
  readonly rest: string[];
  /** The lines in front of each continuation, as they stand in the text. */
  readonly cut: string[];
}

/**
 * Picks the lines of `info mtree` out of a text, and joins the lines that a mail program or terminal wrapped.
 * Prompts, blank lines and remarks of the writer are left out.
 */
export function dumpLines(text: readonly CleanLine[]): DumpLines {
  const found: Wrapped[] = [];
  const notes = new Set<string>();
  const widest = widestOf(text);
  let inDispatch = false;
  let above: string | undefined;
  const end = text.findLast((line) => line.text.trim() !== '' && !PROMPT.test(line.text));
  let cut: string | undefined;
  for (const line of text) {
    const words = line.text.trim();
    const isEnd = line === end;
    if (words === '' || PROMPT.test(line.text)) {
      above = undefined;
      if (words === '') inDispatch = false;
      continue;
    }
    if (ELISION.test(words)) {
      notes.add(`line ${line.number} says that lines are left out`);
      above = undefined;
      continue;
    }
    const last = found.at(-1);
    if (isEnd && last !== undefined && isCutLine(words) && !isOpen(last)) {
      cut = words;
      break;
    }
    if (above !== undefined && last !== undefined && continues(last, words, above.length, widest)) {
      last.rest.push(line.text);
      last.cut.push(above);
      above = line.text;
      continue;
    }
    above = undefined;
    const read = readMtreeLine(line);
    if (read === undefined) continue;
    if (read.kind === 'dispatch') inDispatch = true;
    else if (inDispatch && read.kind === 'region') continue;
    else {
      inDispatch = false;
      found.push({ first: read, rest: [], cut: [] });
      above = line.text;
      if (isEnd && isHeadingLine(line)) cut = words;
    }
  }
  const last = found.at(-1);
  if (cut === undefined && last !== undefined && isAtEnd(last, end) && isOpen(last)) {
    found.pop();
    cut = textOf(last);
  }
  if (cut !== undefined)
    notes.add(`the text ends in the middle of "${shortened(cut, 60)}": what follows there is missing`);
  const isWrapped = found.some(({ rest }) => rest.length > 0);
  if (isWrapped) notes.add('wrapped lines are joined');
  // A terminal cuts each line at its width, even in a word; a mail program cuts at blanks.
  const lengths = found.flatMap(({ cut }) => cut.map((line) => line.length));
  const isHard =
    lengths.every((length) => length >= widest - 1) &&
    lengths.filter((length) => length === widest).length >= LEAST_HARD_CUTS;
  return {
    lines: found.map((line) => whole(line, isHard ? widest : undefined)),
    notes: [...notes],
    isCut: cut !== undefined,
  };
}

/** Whether a line of a region lacks its name, or the range of its alias. */
const isOpen = (line: Wrapped): boolean => {
  if (line.first.kind !== 'region') return false;
  const text = textOf(line);
  return !COMPLETE.test(text) || (OPEN_ALIAS.test(text) && !ALIAS_RANGE.test(text));
};

const textOf = ({ first, rest }: Wrapped): string =>
  [first.kind === 'region' ? first.text : '', ...rest.map((next) => next.trim())].join(' ');

const isAtEnd = ({ first, rest }: Wrapped, end: CleanLine | undefined): boolean =>
  end !== undefined && (rest.at(-1) === end.text || (rest.length === 0 && first.line.number === end.number));

/** The length of the longest line of the dump. */
const widestOf = (text: readonly CleanLine[]): number =>
  text.reduce((widest, line) => Math.max(widest, line.text.length > 512 ? 0 : line.text.length), 0);

/** @param width of the terminal that cut the lines; `undefined` where a program cut them at blanks. */
function whole({ first, rest, cut }: Wrapped, width: number | undefined): MtreeLine {
  if (rest.length === 0) return first;
  const join = (start: string): string =>
    rest.reduce((line, next, index) => {
      if (width === undefined)
        return /[0-9a-f]{16}-$/.test(line) ? line + next.trim() : `${line} ${next.trim()}`;
      // A blank at the width is cut from the end of the line.
      return cut[index]!.length < width || SEAM.test(next) || line.endsWith('BAR')
        ? `${line} ${next.trimStart()}`
        : line + next;
    }, start);
  if (first.kind === 'region') return { ...first, text: join(first.text) };
  return 'name' in first ? { ...first, name: join(first.name) } : first;
}

/** Lines that were cut are at least so long. */
const LEAST_WIDTH = 40;

/**
 * Whether `words` are the rest of the line above: what is cut off cannot be a line of its own, and its first word had
 * no room above.
 *
 * @param length of the line above, in characters.
 */
function continues(line: Wrapped, words: string, length: number, widest: number): boolean {
  const { first } = line;
  if (/^[0-9a-f]{16}-[0-9a-f]{16} \(prio/i.test(words) || isHeading(words)) return false;
  if (first.kind !== 'region') {
    if (!('name' in first)) return false;
  } else {
    if (isOpen(line)) return true;
    if (
      /^(?:mmaps\[\d+\]|BAR \d|@[0-9a-f]{16}|kvm$|KVM$|\[disabled\]|owner:\{|parent:\{|orphan$)/.test(words)
    )
      return true;
  }
  const word = words.split(' ')[0]!;
  return length >= LEAST_WIDTH && length + 1 + word.length > widest;
}

const isHeading = (words: string): boolean =>
  /^(?:address-space|memory-region|FlatView #|AS "|Root memory region|No rendered FlatView|Dispatch$|Physical sections$|Nodes \()/.test(
    words,
  );
