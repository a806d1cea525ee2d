import { describe, expect, it } from 'vitest';
import { junitProblems, parseXml, type Element } from '../../properties/testing/junit-rules.ts';
import { junitXml } from './junit.ts';
import type { Report } from './report.ts';
import * as reports from './testing/reports.ts';

const suiteOf = (report: Report): Element => {
  const root = parseXml(junitXml(report, reports.TIMES));
  expect(junitProblems(root)).toEqual([]);
  return root.children[0]!;
};

/** The test cases of a report: their names, and the kind of their results. */
const resultsOf = (report: Report): string[] =>
  suiteOf(report)
    .children.filter(({ name }) => name === 'testcase')
    .map(({ attributes, children }) => `${attributes['name']}: ${children[0]?.name ?? 'passed'}`);

describe('JUnit', () => {
  it('has a test case for each rule; one that no case exercised is skipped', () => {
    expect(resultsOf(reports.report())).toEqual([
      'map-aligned: passed',
      'no-abort: passed',
      'guest-page-reachable: skipped',
    ]);
    expect(suiteOf(reports.report()).attributes).toMatchObject({
      name: 'barproof check seed-v2',
      timestamp: '2026-01-02T03:04:05',
      time: '1.500',
      tests: '3',
      failures: '0',
      skipped: '1',
    });
  });

  it('has the problem as an error where no case ran', () => {
    expect(resultsOf(reports.FAILED)).toEqual(['barproof can run: error']);
    const text = junitXml(reports.FAILED, reports.TIMES);
    expect(text).toContain('--revision: there is no revision &quot;seed-v3&quot;');
  });

  it('has an error for an interrupt, beside what was found until then', () => {
    expect(resultsOf(reports.INTERRUPTED)).toEqual([
      'map-aligned: failure',
      'no-abort: passed',
      'guest-page-reachable: skipped',
      'all cases ran: error',
    ]);
    expect(resultsOf(reports.INTERRUPTED_EARLY)).toEqual(['all cases ran: error']);
  });

  it('puts all faults of a rule into one failure, and warnings into the output', () => {
    expect(resultsOf(reports.HUNDRED)).toEqual([
      'map-aligned: failure',
      'no-abort: passed',
      'guest-page-reachable: skipped',
    ]);
    const text = junitXml(reports.HUNDRED, reports.TIMES);
    expect(text.match(/^map-aligned\/cause-\d+$/gm)).toHaveLength(89);
    expect(text.match(/warning: guest-page-reachable\/cause-\d0?:/g)).toHaveLength(10);
  });

  it('has a test case for each file of a replay, one error for a file that cannot be read', () => {
    const inputs = [
      { name: 'a.json', result: 'holds', text: 'every invariant holds' },
      { name: 'b.json', result: 'counterexample', text: 'breaks map-aligned' },
      { name: 'c.json', result: 'could-not-run', text: 'this is not JSON' },
    ] as const;
    const replay = reports.report({
      command: 'replay',
      inputs,
      findings: [reports.finding({ file: 'b.json' })],
      problems: [{ path: 'c.json', message: 'this is not JSON' }],
      verdict: 'could-not-run',
    });
    expect(resultsOf(replay)).toEqual(['a.json: passed', 'b.json: failure', 'c.json: error']);
  });

  it('is well-formed XML without characters that XML lacks, also for hostile texts', () => {
    const text = junitXml(reports.HOSTILE_REPORT, reports.TIMES);
    expect(() => suiteOf(reports.HOSTILE_REPORT)).not.toThrow();
    expect(text).not.toMatch(reports.OBEYED);
    expect(text).not.toMatch(/[\ufffe\uffff]|[\ud800-\udfff]/);
    expect(text).toContain('\\u001b[31m');
  });
});
