import { readMtreeLine } from './mtree-line.ts';
import type { CleanLine } from '../text/clean-text.ts';

/** The beginning of `0000000000000000-00000000ffffffff (prio 0, ram): name`, without a name. */
const OF_REGION =
  /^(?:[0-9a-f]{2,16}(?:-[0-9a-f]{0,16})?|[0-9a-f]{8,16}-[0-9a-f]{8,16} \((?:p|pr|pri|prio(?: [^:]*)?)?:? ?)$/i;
/** The beginning of `AS "memory", root: system`, without a root. */
const OF_SPACE = /^AS "[^"]*(?:"(?:,(?: (?:r|ro|roo|root|root: ?)?)?)?)?$/;
const EMPTY = 'No rendered FlatView';
const HEADINGS = ['address-space: ', 'memory-region: ', 'FlatView #', 'AS "', 'Root memory region: ', EMPTY];
/** Fewer letters may be the end of a letter. */
const FEWEST = 2;

/**
 * Whether a line is the beginning of a line of `info mtree` and no whole one: a text that was cut after so many
 * bytes ends so. Within a text, a mail program may have cut the line.
 */
export function isCutLine(words: string): boolean {
  if (words.length < FEWEST) return false;
  if (OF_REGION.test(words) || OF_SPACE.test(words)) return true;
  return words !== EMPTY && HEADINGS.some((heading) => heading.startsWith(words));
}

/** Whether the line begins what other lines go on with: the text is cut if there are none. */
export function isHeadingLine(line: CleanLine): boolean {
  const kind = readMtreeLine(line)?.kind;
  return kind !== undefined && kind !== 'region' && kind !== 'empty-view' && kind !== 'dispatch';
}
