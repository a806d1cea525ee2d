import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the judged series: what barproof said of each, and what people say of it. */
export const MAIL = fileURLToPath(new URL('../../regressions/mail', import.meta.url));

/** A series that was sent to a mailing list. */
export interface MailedSeries {
  readonly messageId: string;
  /** When it was sent: `2026-02-11`. */
  readonly date: string;
  readonly subject: string;
}

/** What barproof said of a series, on the commit that its branch starts at. */
export interface MailVerdict extends MailedSeries {
  /** The base, as `git describe` names it. */
  readonly base: string;
  /** `judged`, or the first line of the error for which there is no verdict. */
  readonly result: string;
  /** The first line of the verdict. */
  readonly verdict?: string;
  /** How many cases ran, stored ones included. */
  readonly cases?: number;
  /** How many functions the series changes, how many of these the built QEMU holds, and how many the cases ran. */
  readonly functions?: { readonly changed: number; readonly compiled: number; readonly run: number };
  /** What the series breaks, the smallest case of each, and what barproof says of it. */
  readonly breaks?: readonly {
    readonly finding: string;
    readonly message: string;
    readonly scenario: unknown;
  }[];
}

/** One verdict a line. */
export const VERDICTS_FILE = join(MAIL, 'verdicts.ndjson');

/** The lines of a list: Message-Id, date and subject, with `|` between them. */
export const readList = (text: string): readonly MailedSeries[] =>
  text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [messageId = '', date = '', ...subject] = line.split('|');
      return { messageId, date, subject: subject.join('|') };
    });

/** The stored verdicts, the newest series first. */
export const loadVerdicts = (): readonly MailVerdict[] =>
  existsSync(VERDICTS_FILE) ? parseLines<MailVerdict>(readFileSync(VERDICTS_FILE, 'utf8')) : [];

/** The text of the file of verdicts. */
export const verdictsText = (verdicts: readonly MailVerdict[]): string =>
  verdicts
    .toSorted((a, b) => (a.date < b.date ? 1 : a.date > b.date ? -1 : a.messageId < b.messageId ? -1 : 1))
    .map((verdict) => `${JSON.stringify(verdict)}\n`)
    .join('');

/** What people say of a verdict after they looked at it, by Message-Id. */
export const loadSentences = (): Readonly<Record<string, string>> =>
  JSON.parse(readFileSync(new URL('sentences.json', import.meta.url), 'utf8')) as Readonly<
    Record<string, string>
  >;

const parseLines = <T>(text: string): readonly T[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);
