import { InvalidInput } from '../input/index.ts';

/** A mail, decoded to text. */
export interface Mail {
  /** Without line breaks; undefined for a text without headers. */
  readonly subject: string | undefined;
  /** Lines end with a line feed alone. */
  readonly body: string;
}

/** The line that begins each mail of a mailbox, as git format-patch and mail readers write it (RFC 4155). */
const FROM_LINE = /^From \S+ .*\d\d:\d\d.*$/;
const HEADER = /^([!-9;-~]+):[ \t]*(.*)$/;

/**
 * The mails of a mailbox, or of a file that holds one mail. A text that begins with no header, such as the output of
 * `git diff`, is one mail without a subject.
 *
 * @throws InvalidInput for an encoding that no mail reader would write.
 */
export function readMails(text: string): readonly Mail[] {
  const mails: string[][] = [[]];
  let before = '';
  for (const line of text.split(/\r?\n/)) {
    if (FROM_LINE.test(line) && before === '') mails.push([]);
    else mails.at(-1)!.push(line);
    before = line;
  }
  return mails.filter((lines) => lines.some((line) => line !== '')).map(readMail);
}

function readMail(lines: readonly string[]): Mail {
  const { headers, rest } = splitHeaders(lines);
  // The first line of a mail is a header; `diff --git` and `commit 1234` are none.
  if (!headers.has('subject') && !headers.has('from')) return { subject: undefined, body: lines.join('\n') };
  const type = headers.get('content-type') ?? '';
  const boundary = /^multipart\/.*;\s*boundary="?([^";]+)"?/is.exec(type)?.[1];
  const body = boundary === undefined ? decodeBody(rest, headers) : decodeParts(rest, boundary);
  const subject = headers.get('subject');
  return {
    subject: subject === undefined ? undefined : decodeWords(subject).replaceAll(/\s+/g, ' ').trim(),
    body: body.replaceAll('\r\n', '\n'),
  };
}

/** Headers by their name in small letters, with their continuation lines (RFC 5322, 2.2.3), and the lines behind. */
function splitHeaders(lines: readonly string[]) {
  const headers = new Map<string, string>();
  let name = '';
  let index = lines.findIndex((line) => line !== '');
  for (; index < lines.length; index++) {
    const line = lines[index]!;
    const [, found, value] = HEADER.exec(line) ?? [];
    if (/^[ \t]/.test(line) && name !== '') headers.set(name, `${headers.get(name)!}\n${line}`);
    else if (found === undefined) break;
    else headers.set((name = found.toLowerCase()), value!);
  }
  return { headers, rest: lines.slice(lines[index] === '' ? index + 1 : index) };
}

/** The text parts of a mail with attachments: patches are often attached. */
function decodeParts(lines: readonly string[], boundary: string): string {
  const parts: string[][] = [];
  for (const line of lines) {
    if (line === `--${boundary}--`) break;
    if (line === `--${boundary}`) parts.push([]);
    else parts.at(-1)?.push(line);
  }
  return parts
    .map((part) => splitHeaders(['', ...part]))
    .filter(({ headers }) => /^(?:$|text\/(?!html))/i.test(headers.get('content-type') ?? ''))
    .map(({ headers, rest }) => decodeBody(rest, headers))
    .join('\n');
}

function decodeBody(lines: readonly string[], headers: ReadonlyMap<string, string>): string {
  const encoding = (headers.get('content-transfer-encoding') ?? '').trim().toLowerCase();
  if (['', '7bit', '8bit', 'binary'].includes(encoding)) return lines.join('\n');
  if (encoding === 'base64') return Buffer.from(lines.join(''), 'base64').toString('utf8');
  if (encoding === 'quoted-printable') return decodeQuoted(lines.join('\n').replaceAll(/=[ \t]*\n/g, ''));
  throw new InvalidInput([{ path: 'Content-Transfer-Encoding', message: `"${encoding}" is not known` }]);
}

/** Bytes written as `=C3` (RFC 2045, 6.7). */
const decodeQuoted = (text: string): string =>
  text.replaceAll(/(?:=[0-9a-f]{2})+/gi, (bytes) => Buffer.from(bytes.replaceAll('=', ''), 'hex').toString());

/** Words of a header written as `=?utf-8?q?...?=` (RFC 2047). Other character sets stay as they are. */
const decodeWords = (text: string): string =>
  text
    .replaceAll(/(\?=)\s+(=\?)/g, '$1$2')
    .replaceAll(/=\?(?:utf-8|us-ascii)\?([bq])\?([^?]*)\?=/gi, (_, kind: string, word: string) =>
      kind.toLowerCase() === 'b'
        ? Buffer.from(word, 'base64').toString('utf8')
        : decodeQuoted(word.replaceAll('_', ' ')),
    );
