import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeAtomically } from '../../src/input/index.ts';
import { builtBarproof } from '../testing/built-barproof.ts';
import type { StoredVerdict } from '../thread/stored-verdict.ts';
import {
  loadVerdicts,
  readList,
  VERDICTS_FILE,
  verdictsText,
  type MailedSeries,
  type MailVerdict,
} from './mailed-series.ts';

/**
 * Judges the series of a list. Not part of a test run: a series takes minutes.
 *
 * - `BARPROOF_MAIL` names the list.
 * - `BARPROOF_QEMU_TREE` names a git tree with a branch for each series, which has the Message-Id as its name, and a
 *   branch `master`.
 * - `BARPROOF_MAIL_CASES` says how many cases are generated for each series.
 *
 * A series that has a verdict keeps it, so that a second run goes on where the first one was ended.
 */
const { BARPROOF_MAIL: list, BARPROOF_QEMU_TREE: tree, BARPROOF_MAIL_CASES: cases = '60' } = process.env;

/** The verdict of `validate --json` on C code, as far as it is kept. */
interface TreeVerdict extends StoredVerdict {
  readonly tree: {
    readonly base: string;
    readonly functions: readonly { readonly compiled: boolean; readonly runs: number }[];
  };
}

const git = (...words: readonly string[]): string =>
  execFileSync('git', ['-C', tree!, ...words], { encoding: 'utf8' }).trim();

function judge(series: MailedSeries): MailVerdict {
  const { messageId } = series;
  const base = git('merge-base', 'master', `refs/heads/${messageId}`);
  const title = `${git('show', `${base}:VERSION`)}-g${base.slice(0, 10)}`;
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [
      join(builtBarproof(), 'cli/main.js'),
      ...['validate', `${base}..refs/heads/${messageId}`, '--qemu-tree', tree!],
      ...['--json', '--no-save', '--runs', cases, '--seed', 'mail'],
    ],
    { encoding: 'utf8', maxBuffer: 1 << 28 },
  );
  if (stdout === '') {
    const problem = stderr.split('\n').find((line) => line.startsWith('✖ ')) ?? 'no answer';
    return { ...series, base: title, result: problem.slice('✖ '.length).trim() };
  }
  const verdict = JSON.parse(stdout) as TreeVerdict;
  const { functions } = verdict.tree;
  const breaks = verdict.findings
    .filter(({ effect }) => effect === 'breaks')
    .map(({ invariant, cause }) => {
      const { counterexample } = verdict.invariants
        .find((one) => one.invariant === invariant)!
        .causes.find((one) => one.cause === cause)!;
      return {
        finding: `${invariant}/${cause}`,
        message: counterexample?.patched.violation?.message ?? '',
        scenario: counterexample?.scenario ?? null,
      };
    });
  return {
    ...series,
    base: verdict.tree.base,
    result: 'judged',
    verdict: verdict.summary[0]!,
    cases: verdict.cases,
    functions: {
      changed: functions.length,
      compiled: functions.filter(({ compiled }) => compiled).length,
      run: functions.filter(({ runs }) => runs > 0).length,
    },
    ...(breaks.length > 0 && { breaks }),
  };
}

const series = list === undefined ? [] : readList(readFileSync(list, 'utf8'));

describe.runIf(series.length > 0)('a mailed series', { timeout: 3_600_000 }, () => {
  it.each(series.map((one) => [one.messageId, one] as const))('%s is judged', (messageId, one) => {
    const before = loadVerdicts();
    if (before.some((verdict) => verdict.messageId === messageId)) return;
    const verdict = judge(one);
    expect(verdict.result).not.toBe('no answer');
    writeAtomically(VERDICTS_FILE, verdictsText([...before, verdict]));
  });
});
