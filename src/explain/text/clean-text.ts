import { stripQuotes } from './strip-quotes.ts';
import { stripDiff } from './strip-diff.ts';
import { stripLogPrefix } from './strip-log-prefix.ts';

/** A line of a pasted text, without what terminals, mail programs and log daemons put around it. */
export interface CleanLine {
  /** In the text as it was given, from 1. */
  readonly number: number;
  /** Without blanks at its end. Blanks at its beginning are those of the text. */
  readonly text: string;
}

/** Sequences with which programs colour text or move the cursor (ECMA-48: CSI and OSC). */
// oxlint-disable-next-line no-control-regex -- control characters are what this is about
const TERMINAL = /\u001b(?:\[[0-9;:?<=>]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\^_])/g;
// oxlint-disable-next-line no-control-regex -- control characters are what this is about
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g;
/** Characters without width, and marks of writing direction. */
const INVISIBLE = /[\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;
/** A line of printable ASCII with a modest indent, as almost all are. */
const PLAIN = /^[\t ]{0,100}(?:[\x21-\x7e][\t\x20-\x7e]*)?$/;
/** No text has a deeper indent. */
const DEEP = /^[\t ]{101,}/;
const BLANK = /[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]/g;
const TYPOGRAPHY: readonly (readonly [RegExp, string])[] = [
  [/[\u2010-\u2015\u2212]/g, '-'],
  [/[\u00b4\u02b9\u02bc\u2018-\u201b\u2032\uff07]/g, "'"],
  [/[\u00ab\u00bb\u201c-\u201f\u2033\uff02]/g, '"'],
];
const ENTITIES: Readonly<Record<string, string>> = {
  '&gt;': '>',
  '&lt;': '<',
  '&quot;': '"',
  '&ldquo;': '"',
  '&rdquo;': '"',
  '&lsquo;': "'",
  '&rsquo;': "'",
  '&apos;': "'",
  '&#8216;': "'",
  '&#8217;': "'",
  '&#8220;': '"',
  '&#8221;': '"',
  '&#39;': "'",
  '&#x27;': "'",
  '&#34;': '"',
  '&#x2F;': '/',
  '&nbsp;': ' ',
  '&amp;': '&',
};
const ENTITY = /&(?:gt|lt|quot|nbsp|amp|apos|[lr][ds]quo|#39|#34|#x27|#x2F|#82(?:16|17|20|21));/g;
const TAG = /<\/?(?:pre|code|br|p|div|span|tt|samp|blockquote)(?:\s[^<>]*)?\/?>/gi;
const FENCE = /^\s*(?:```|~~~)/;
/** A fence with a line of the text behind it: words of an info string are few, and have no address. */
const GLUED =
  /^(\s*)(?:`{3,}|~{3,})(?=[ \t]*(?:[0-9a-f]{2,8}:[0-9a-f]{2}|[0-9a-f]{16}-|\S+: |\S+(?: +\S+){2}))/i;
/** A fence at the end of the last line. */
const GLUED_END = /(?<=[^\s`~])[ \t]*(?:`{3,}|~{3,})$/;
/** A line of quoted-printable that was cut; the result of a call also ends in `=` where a line is wrapped. */
const SOFT_BREAK = /^.{60,75}(?<!\)[ ]?)=[ \t]*$/m;
const SOFT_BREAKS = /(?<!\)[ ]?)=[ \t]*\n/g;
/** The number of a line, as `cat -n`, `nl` and paste services print it; the address of a PCI device is none. */
const NUMBERED =
  /^\s*(?!\d\d:\d\d:\d\d[., ])(?!(?:[0-9a-f]{4,8}:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]\b)(\d{1,6})[.:)|\t ]/i;

/**
 * The lines of a text that a user pasted: without colours, control characters, HTML, quoted-printable, marks of mail
 * quotes, prefixes of logs, and line numbers.
 */
export function cleanText(text: string): readonly CleanLine[] {
  const lines = stripDiff(
    decodeQuotedPrintable(decodeEntities(text.replaceAll(/\r\n?/g, '\n')))
      .split('\n')
      .map(cleanCharacters)
      .map((line) => line.replace(GLUED, '$1').replace(GLUED_END, '')),
  );
  const isNumbered = hasLineNumbers(lines);
  const result: CleanLine[] = [];
  for (const [index, line] of lines.entries()) {
    if (FENCE.test(line)) continue;
    const bare = withoutPrefixes(isNumbered ? line.replace(NUMBERED, '') : line).trimEnd();
    // The fence may stand inside a quote.
    if (!FENCE.test(bare)) result.push({ number: index + 1, text: bare });
  }
  return isDoubleSpaced(result) ? result.filter(({ text: line }) => line !== '') : result;
}

/** Whether a blank line follows each line: some trackers and word processors add one. */
const isDoubleSpaced = (lines: readonly CleanLine[]): boolean =>
  lines.length > 4 &&
  lines.every(({ text }, index) => text === '' || index === 0 || lines[index - 1]!.text === '');

/** A mail may quote a log, and a log may hold a quoted line. */
function withoutPrefixes(line: string): string {
  let text = line;
  for (let round = 0; round < 3; round++) {
    const bare = stripLogPrefix(stripQuotes(text));
    if (bare === text) return text;
    text = bare;
  }
  return text;
}

/** Backspaces erase, as in a page of a manual or a progress line; other control characters vanish. */
function cleanCharacters(line: string): string {
  if (PLAIN.test(line)) return line;
  let text = line.replace(DEEP, ' '.repeat(100)).replaceAll(TERMINAL, '');
  // oxlint-disable-next-line no-control-regex -- a backspace is a control character
  if (text.includes('\b')) text = text.replaceAll(/[^\b]\b/g, '');
  text = text.replaceAll(CONTROL, '').replaceAll(INVISIBLE, '').replaceAll(BLANK, ' ');
  for (const [pattern, plain] of TYPOGRAPHY) text = text.replaceAll(pattern, plain);
  return text;
}

function decodeEntities(text: string): string {
  if (!/&(?:gt|lt|amp|nbsp|quot|apos|[lr][ds]quo|#)/.test(text) && text.search(TAG) === -1) return text;
  return text
    .replaceAll(/<br\s*\/?>(?!\n)/gi, '\n')
    .replaceAll(TAG, '')
    .replaceAll(ENTITY, (entity) => ENTITIES[entity]!);
}

/**
 * The part of quoted-printable (RFC 2045) that mail archives leave: `=3D`, and `=` at the end of a wrapped line. Other
 * codes are decoded only where they cannot be a part of `offset=00002000`.
 */
function decodeQuotedPrintable(text: string): string {
  const joined = /=3D/i.test(text)
    ? text.replaceAll(/=[ \t]*\n/g, '')
    : SOFT_BREAK.test(text)
      ? text.replaceAll(SOFT_BREAKS, '')
      : text;
  if (!/=3D/i.test(joined)) return joined;
  return joined
    .replaceAll(/=20(?=\n|$)/g, ' ')
    .replaceAll('=C2=A0', ' ')
    .replaceAll('=09', '\t')
    .replaceAll(/=3D/gi, '=');
}

/** Whether every line that is not blank begins with a number, each one more than the number before. */
function hasLineNumbers(lines: readonly string[]): boolean {
  let count = 0;
  let last: number | undefined;
  for (const line of lines) {
    if (line.trim() === '') {
      if (last !== undefined) last++;
      continue;
    }
    const match = NUMBERED.exec(`${line} `);
    if (match === null) return false;
    const number = Number(match[1]);
    // A blank line may have a number of its own or none.
    if (last !== undefined && number !== last + 1 && number !== last) return false;
    last = number;
    count++;
  }
  return count >= 3;
}
