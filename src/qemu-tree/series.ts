import { createHash } from 'node:crypto';
import { InvalidInput } from '../input/index.ts';
import { readDiff, type ChangedFile, type Diff } from './diff.ts';
import { readMails, type Mail } from './mail.ts';

/** One patch of a series. */
export interface MailedPatch {
  /** Without `[PATCH 1/2]`. */
  readonly subject: string | undefined;
  readonly diff: Diff;
}

/** Patches in the order in which they are applied. */
export interface Series {
  /** Of the cover letter, or of the only patch; undefined where no mail has one. */
  readonly subject: string | undefined;
  readonly patches: readonly MailedPatch[];
  /** The commit that the author made the patches on, where a mail names it. */
  readonly baseCommit: string | undefined;
  /** Tells series with different changes apart, and is the same in every run. */
  readonly digest: string;
}

/** The most patches that a series may have; the longest ones that were mailed to QEMU had about 130. */
const MAX_PATCHES = 500;

/** `[PATCH v2 3/7]`, `[RFC PATCH-for-10.0 1/2]`. */
const TAG = /^(?:\[[^\]]*\]\s*)*/;
const NUMBER = /\[[^\]]*?\b(\d+)\/(\d+)\b[^\]]*\]/;
const VERSION = /\[[^\]]*?\bv(\d+)\b[^\]]*\]/i;
/** What git format-patch --cover-letter leaves to the author to replace. */
const NO_SUBJECT = '*** SUBJECT HERE ***';
const REPLY = /^(?:re|aw|fwd?):/i;
/** A trailer that git format-patch --base writes below the last diff or into the cover letter. */
const BASE_COMMIT = /^base-commit: ([0-9a-f]{40}(?:[0-9a-f]{24})?)$/m;

/** Whether a text is a C patch or a mailbox of patches, and no program. */
export const isSeries = (text: string): boolean =>
  /^(?:diff --git \S|--- \S[^\n]*\n\+\+\+ \S)/m.test(text) && /^@@ -\d/m.test(text);

/**
 * Reads a patch, as `git diff` or `git format-patch` writes it, or a mailbox with the mails of a series. Cover letters
 * and answers hold no diff and are left out. Of several versions the newest counts.
 *
 * @throws InvalidInput for a text without a patch, a series that lacks one, and every diff that is never applied.
 */
export function readSeries(text: string): Series {
  if (text.includes('\0')) throw invalid('this is a binary file; expected a patch');
  const all = readMails(text);
  const newest = Math.max(1, ...all.map(versionOf));
  const mails = all.filter((mail) => versionOf(mail) === newest);
  const withDiff = mails.flatMap((mail) => {
    if (REPLY.test(mail.subject ?? '')) return [];
    const diff = readDiff(mail.body);
    return diff === undefined ? [] : [{ mail, diff }];
  });
  if (withDiff.length === 0) throw invalid('expected a patch; there is no diff in the text');
  if (withDiff.length > MAX_PATCHES)
    throw invalid(`${withDiff.length} patches; at most ${MAX_PATCHES} are applied`);
  const ordered = inOrder(withDiff);
  const cover = mails.find(
    ({ subject }) =>
      numberOf(subject)?.index === 0 && !REPLY.test(subject!) && !subject!.includes(NO_SUBJECT),
  );
  const first = ordered[0]!.mail;
  return {
    subject: cover === undefined ? subjectOf(first) : subjectOf(cover),
    patches: ordered.map(({ mail, diff }) => ({ subject: subjectOf(mail), diff })),
    baseCommit: mails.map(({ body }) => BASE_COMMIT.exec(body)?.[1]).find((commit) => commit !== undefined),
    digest: createHash('sha256')
      .update(ordered.map(({ diff }) => `${diff.strip}\n${diff.text}`).join('\0'))
      .digest('hex')
      .slice(0, 16),
  };
}

/** The files that a series changes, each once, in the order of the patches. */
export const filesOf = ({ patches }: Series): readonly string[] => [
  ...new Set(patches.flatMap(({ diff }) => diff.files.map(({ path }: ChangedFile) => path))),
];

interface WithDiff {
  readonly mail: Mail;
  readonly diff: Diff;
}

/** By the numbers in the subjects; as they come where a subject has none. @throws InvalidInput where one is missing. */
function inOrder(patches: readonly WithDiff[]): readonly WithDiff[] {
  const numbers = patches.map(({ mail }) => numberOf(mail.subject));
  if (patches.length === 1 || numbers.includes(undefined)) return patches;
  const byIndex = new Map<number, WithDiff>();
  for (const [index, patch] of patches.entries()) {
    const { index: number, of } = numbers[index]!;
    if (byIndex.has(number)) throw invalid(`patch ${number}/${of} is there twice`);
    byIndex.set(number, patch);
  }
  const { of } = numbers[0]!;
  const missing = Array.from({ length: of }, (_, index) => index + 1).filter((index) => !byIndex.has(index));
  if (missing.length > 0) throw invalid(`of ${of} patches, these are missing: ${missing.join(', ')}`);
  return [...byIndex].toSorted(([a], [b]) => a - b).map(([, patch]) => patch);
}

function numberOf(subject: string | undefined): { readonly index: number; readonly of: number } | undefined {
  const [, index, of] = NUMBER.exec(subject ?? '') ?? [];
  return index === undefined ? undefined : { index: Number(index), of: Number(of) };
}

const versionOf = ({ subject }: Mail): number => Number(VERSION.exec(subject ?? '')?.[1] ?? 1);

/** The subject without its tags; of a `git show` the first line of the message. */
function subjectOf({ subject, body }: Mail): string | undefined {
  const shown = /^commit [0-9a-f]{7,64}\b/.test(body) ? /\n\n {4}(\S.*)/.exec(body)?.[1] : undefined;
  return (subject ?? shown)?.replace(TAG, '');
}

const invalid = (message: string): InvalidInput => new InvalidInput([{ path: '', message }]);
