import type { CleanLine } from '../text/clean-text.ts';
import { readMtreeLine, type MtreeLine } from './mtree-line.ts';

/** The lines of a dump, with wrapped lines made whole, and what was noted on the way. */
export interface DumpLines {
  readonly lines: readonly MtreeLine[];
  readonly notes: readonly string[];
}

const PROMPT = /^\s*\((?:qemu|QEMU|monitor)\)|^\s*(?:virsh #|\$|#)\s|^\s*(?:#|\/\/)?\s*virsh qemu-monitor/;
const ELISION = /^\s*(?:\[?\.{2,}\]?|<?snip>?|\[?snip\]?|-+8<-+|\u2026)\s*$/i;
/** An alias whose line ends before the range that it shows. */
const OPEN_ALIAS = /: alias .* @\S.*$/;
const ALIAS_RANGE = / [0-9a-f]{16}-[0-9a-f]{16}(?: \[disabled\])?(?: (?:owner|parent):\{.*| orphan)?$/;
/** The rest of a line of the form `(prio N, TYPE): NAME`. */
const COMPLETE = /\(prio -?\d+, [^)]*\): ?\S/;

/**
 * Picks the lines of `info mtree` out of a text, and joins the lines that a mail program or terminal wrapped.
 * Prompts, blank lines and remarks of the writer are left out.
 */
export function dumpLines(text: readonly CleanLine[]): DumpLines {
  const lines: MtreeLine[] = [];
  const notes = new Set<string>();
  let inDispatch = false;
  let mayContinue = false;
  for (const line of text) {
    const words = line.text.trim();
    if (words === '' || PROMPT.test(line.text)) {
      mayContinue = false;
      if (words === '') inDispatch = false;
      continue;
    }
    if (ELISION.test(words)) {
      notes.add(`line ${line.number} says that lines are left out`);
      mayContinue = false;
      continue;
    }
    const last = lines.at(-1);
    if (mayContinue && last?.kind === 'region' && continues(last.text, words)) {
      lines[lines.length - 1] = { ...last, text: joined(last.text, words) };
      notes.add('wrapped lines are joined');
      continue;
    }
    const found = readMtreeLine(line);
    if (found === undefined) {
      if (inDispatch) continue;
      if (
        mayContinue &&
        last !== undefined &&
        last.kind !== 'region' &&
        'name' in last &&
        last.kind === 'flat-space'
      )
        lines[lines.length - 1] = { ...last, name: `${last.name} ${words}` };
      mayContinue = false;
      continue;
    }
    if (found.kind === 'dispatch') {
      inDispatch = true;
      mayContinue = false;
      continue;
    }
    if (inDispatch && found.kind === 'region') continue;
    inDispatch = false;
    lines.push(found);
    mayContinue = true;
  }
  return { lines, notes: [...notes] };
}

/** Whether `words` are the rest of the region's line: what is cut off cannot be a line of its own. */
function continues(region: string, words: string): boolean {
  if (/^[0-9a-f]{16}-[0-9a-f]{16} \(prio/i.test(words)) return false;
  if (!COMPLETE.test(region)) return !isHeading(words);
  if (isHeading(words)) return false;
  if (OPEN_ALIAS.test(region) && !ALIAS_RANGE.test(region)) return /^@?\S/.test(words);
  if (/: alias \S+$/.test(region)) return words.startsWith('@');
  return /^(?:mmaps\[\d+\]|BAR \d|base BAR \d|@[0-9a-f]{16}|kvm|KVM|\[disabled\]|owner:\{|parent:\{|orphan$|\S+\}$|quirk|virtio-\S+$)/.test(
    words,
  );
}

const isHeading = (words: string): boolean =>
  /^(?:address-space|memory-region|FlatView #|AS "|Root memory region|No rendered FlatView)/.test(words);

/** A name such as `0000:00:1a.0 BAR 0` is cut at a blank, a range at its hyphen. */
const joined = (region: string, words: string): string =>
  /[0-9a-f]{16}-$/.test(region) ? region + words : `${region} ${words}`;
