import { describe, expect, it } from 'vitest';
import * as reports from '../testing/reports.ts';
import { githubAnnotations, githubSummary } from './github.ts';

const annotate = (report: typeof reports.HUNDRED): string[] =>
  githubAnnotations(report, '/checkout').split('\n').slice(0, -1);

describe('annotations for GitHub', () => {
  it('are none where nothing is found', () => {
    expect(annotate(reports.report())).toEqual([]);
  });

  it('tell of an error and of an interrupt', () => {
    expect(annotate(reports.FAILED)).toEqual([
      '::error title=barproof could not run::--revision: there is no revision "seed-v3"',
    ]);
    expect(annotate(reports.INTERRUPTED_EARLY)).toEqual([
      '::warning title=barproof::interrupted before all cases had run',
    ]);
  });

  it('stand at the file of a saved case, relative to the checkout', () => {
    const findings = [reports.finding({ file: '/checkout/regressions/a.json' })];
    expect(annotate(reports.report({ findings }))).toEqual([
      '::error file=regressions/a.json,line=1,title=map-aligned/bar-fragment-unaligned::' +
        'device memory is to be mapped at [0x1000, 0x17ff]%0Aexpected: every map is aligned%0Aagain: barproof replay case.json',
    ]);
  });

  it('stand at the line of a session, and at the path that the user gave for a file elsewhere', () => {
    const findings = [
      reports.finding({ file: '/checkout/sessions.ndjson', line: 17 }),
      reports.finding({ file: '../elsewhere/a.json' }),
    ];
    const lines = annotate(reports.report({ findings }));
    expect(lines[0]).toMatch(/^::error file=sessions\.ndjson,line=17,/);
    expect(lines[1]).toMatch(/^::error file=\.\.\/elsewhere\/a\.json,line=1,/);
  });

  it('are at most ten of a kind, the problems first, and say how many more there are', () => {
    const lines = annotate({ ...reports.HUNDRED, problems: [{ path: '', message: 'a disk is full' }] });
    expect(lines).toHaveLength(21);
    expect(lines[0]).toBe('::error title=barproof could not run::a disk is full');
    expect(lines.at(-1)).toBe('::notice title=barproof::81 more, in the summary');
  });

  it('are one command a line and command no terminal, also for hostile texts', () => {
    const lines = annotate(reports.HOSTILE_REPORT);
    expect(lines).toHaveLength(3);
    for (const line of lines) {
      expect(line).toMatch(/^::(?:error|warning) (?:[a-z]+=[^,:]*,?)+::/);
      expect(line).not.toMatch(reports.OBEYED);
    }
  });
});

describe('the summary for GitHub', () => {
  it('has the verdict and no table where nothing is found', () => {
    const text = githubSummary(reports.report());
    expect(text).toMatch(/^### barproof check: holds\n\nseed-v2 breaks no invariant {2}\n/);
    expect(text).not.toContain('|');
  });

  it('has the problem of a run that failed', () => {
    expect(githubSummary(reports.FAILED)).toContain('- --revision: there is no revision "seed-v3"\n');
  });

  it('has a row for each of a hundred findings', () => {
    expect(githubSummary(reports.HUNDRED).match(/^\| `.*\|$/gm)).toHaveLength(100);
  });

  it('has rows of three cells, and no mark-up of others, also for hostile texts', () => {
    const text = githubSummary(reports.HOSTILE_REPORT);
    expect(text).not.toMatch(reports.OBEYED);
    const [row] = text.split('\n').filter((line) => line.startsWith('| `'));
    expect(row!.replaceAll(/\\./g, '').split('|')).toHaveLength(5);
    // In a span of code nothing is mark-up.
    expect(text.replaceAll(/`[^`\n]*`/g, '')).not.toMatch(/(?<!\\)[<*_[]/);
  });
});
