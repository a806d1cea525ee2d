import { describe, expect, it } from 'vitest';
import { mailText } from './mail.ts';
import type { Report } from './report.ts';
import * as reports from './testing/reports.ts';

/** The lines of a mail, none of which is too wide. */
function linesOf(report: Report): string[] {
  const lines = mailText(report).split('\n');
  expect(lines.filter((line) => line.length > 72)).toEqual([]);
  return lines;
}

describe('a mail', () => {
  it('has the verdict in three lines, versions, and the command, where nothing is found', () => {
    expect(mailText(reports.report())).toBe(`seed-v2 breaks no invariant
20 cases on model, seed ci
every invariant was exercised

barproof 0.1.0, seed-v2 on model, seed ci, 20 cases

To reproduce:

  barproof check --revision seed-v2 --seed ci --runs 20
`);
  });

  it('says why there is no verdict', () => {
    expect(linesOf(reports.FAILED)[0]).toBe('No verdict: --revision: there is no revision "seed-v3"');
    expect(linesOf(reports.INTERRUPTED_EARLY)[0]).toBe('No verdict: interrupted before the first case.');
  });

  it('says that it is about an interrupted run', () => {
    expect(linesOf(reports.INTERRUPTED)[0]).toBe('Interrupted: this is about the cases until then.');
  });

  it('says beside the verdict what could not be run', () => {
    const problems = [{ path: 'c.json', message: 'this is not JSON' }];
    expect(linesOf(reports.report({ problems }))[3]).toBe('Could not run: c.json: this is not JSON');
  });

  it('shows three of a hundred findings, and says how many more there are', () => {
    const text = linesOf(reports.HUNDRED).join('\n');
    expect(text.match(/^\d\. map-aligned\/cause-\d+$/gm)).toHaveLength(3);
    expect(text).toContain('87 more of them, not shown.');
  });

  it('ends with the smallest case, to copy', () => {
    const text = mailText(reports.INTERRUPTED);
    const json = text.slice(text.indexOf('"barproof replay case.json":') + 28);
    expect(JSON.parse(json)).toEqual(reports.finding().scenario);
  });

  it('keeps to 72 columns and commands no terminal, also for hostile texts', () => {
    const { again: _, ...finding } = reports.HOSTILE_REPORT.findings[0]!;
    const report = { ...reports.HOSTILE_REPORT, findings: [{ ...finding, scenario: { version: 1 } }] };
    linesOf(report);
  });

  it('breaks a command with a long path by backslashes', () => {
    const path = `/${'a-folder-with-a-long-name/'.repeat(5)}case.json`;
    const again = `barproof replay ${path} --revision seed-v2`;
    const lines = linesOf({ ...reports.HUNDRED, plan: { ...reports.HUNDRED.plan!, again } });
    const from = lines.indexOf('To reproduce:') + 2;
    const command = lines.slice(from, lines.indexOf('', from));
    expect(command.length).toBeGreaterThan(2);
    expect(command.join('\n').replaceAll('\\\n', '').replaceAll(/ +/g, ' ').trim()).toBe(again);
    expect(mailText(reports.HOSTILE_REPORT)).not.toMatch(reports.OBEYED);
  });
});
