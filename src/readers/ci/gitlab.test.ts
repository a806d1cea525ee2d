import { describe, expect, it } from 'vitest';
import * as reports from '../testing/reports.ts';
import { codeQuality } from './gitlab.ts';

interface Entry {
  readonly description: string;
  readonly check_name: string;
  readonly fingerprint: string;
  readonly severity: string;
  readonly location: { readonly path: string; readonly lines: { readonly begin: number } };
}

/** The entries of a report, which have what GitLab demands. */
function entriesOf(report: typeof reports.HUNDRED): readonly Entry[] {
  const entries = codeQuality(report, '/checkout') as readonly Entry[];
  for (const { description, check_name: rule, fingerprint, severity, location } of entries) {
    expect(description).not.toBe('');
    expect(rule).not.toBe('');
    expect(fingerprint).toMatch(/^[0-9a-f]{40}$/);
    expect(['info', 'minor', 'major', 'critical', 'blocker']).toContain(severity);
    expect(location.path).not.toBe('');
    expect(location.lines.begin).toBeGreaterThanOrEqual(1);
  }
  expect(new Set(entries.map(({ fingerprint }) => fingerprint)).size).toBe(entries.length);
  return entries;
}

describe('Code Quality of GitLab', () => {
  it('has no entry where nothing is found', () => {
    expect(entriesOf(reports.report())).toEqual([]);
  });

  it('has an entry for an error, and one for an interrupt', () => {
    expect(entriesOf(reports.FAILED).map(({ severity, location }) => [severity, location.path])).toEqual([
      ['blocker', '--revision'],
    ]);
    expect(entriesOf(reports.INTERRUPTED).map(({ check_name: rule }) => rule)).toEqual([
      'map-aligned',
      'interrupted',
    ]);
  });

  it('has an entry for each of a hundred findings, and keeps warnings apart', () => {
    const entries = entriesOf(reports.HUNDRED);
    expect(entries).toHaveLength(100);
    expect(entries.filter(({ severity }) => severity === 'minor')).toHaveLength(10);
  });

  it('keeps two findings of one cause apart, such as those of two files', () => {
    const findings = ['a.json', 'b.json'].map((file) => reports.finding({ file: `/checkout/${file}` }));
    expect(entriesOf(reports.report({ findings })).map(({ location }) => location.path)).toEqual([
      'a.json',
      'b.json',
    ]);
  });

  it('leaves out what a patch mends, and keeps the path that the user gave for a file elsewhere', () => {
    const { site: _, ...siteless } = reports.finding();
    const findings = [
      reports.finding({ effect: 'mends' }),
      reports.finding({ file: '../elsewhere/a.json' }),
      reports.finding({ file: '/checkout/sessions.ndjson', line: 3 }),
      reports.finding(),
      siteless,
    ];
    expect(entriesOf(reports.report({ findings })).map(({ location }) => location)).toEqual([
      { path: '../elsewhere/a.json', lines: { begin: 1 } },
      { path: 'sessions.ndjson', lines: { begin: 3 } },
      { path: 'hw/vfio/listener.c', lines: { begin: 1 } },
      { path: 'map-aligned', lines: { begin: 1 } },
    ]);
  });

  it('commands no terminal, also for hostile texts', () => {
    const texts = entriesOf(reports.HOSTILE_REPORT).map(({ description }) => description);
    expect(texts).toHaveLength(3);
    for (const text of texts) expect(text).not.toMatch(reports.OBEYED);
  });
});
