import { describe, expect, it } from 'vitest';
import { eventLine, reportToJson } from './json.ts';
import { toJsonLine } from '../scenario/index.ts';
import type { ReportEvent } from './report-event.ts';
import { ReportCollector } from './report.ts';
import * as reports from './testing/reports.ts';

const NOW = new Date(0);

/** The events of a report, in order. */
const eventsOf = (report: typeof reports.HUNDRED): readonly ReportEvent[] => [
  { type: 'opened', command: report.command, version: report.version },
  ...(report.plan === undefined ? [] : [{ type: 'started', plan: report.plan } as const]),
  ...report.inputs.map((input) => ({ type: 'input', input }) as const),
  ...report.findings.map((finding) => ({ type: 'finding', finding }) as const),
  ...report.problems.map((problem) => ({ type: 'problem', problem }) as const),
  ...(report.interrupted ? [{ type: 'interrupted' } as const] : []),
  ...(report.summary === undefined ? [] : [{ type: 'summary', summary: report.summary } as const]),
  { type: 'finished', verdict: report.verdict },
];

const ALL = {
  'no findings': reports.report(),
  'an error': reports.FAILED,
  'an interrupt': reports.INTERRUPTED,
  'an early interrupt': reports.INTERRUPTED_EARLY,
  'a hundred findings': reports.HUNDRED,
  'hostile text': reports.HOSTILE_REPORT,
};

describe.each(Object.entries(ALL))('NDJSON of %s', (_, report) => {
  const lines = eventsOf(report).map((event) => eventLine(event, NOW));

  it('has one line of JSON for each event', () => {
    for (const line of lines) {
      expect(line.indexOf('\n')).toBe(line.length - 1);
      expect(JSON.parse(line)).toMatchObject({ time: '1970-01-01T00:00:00.000Z' });
    }
  });

  it('holds what the document of the whole report holds', () => {
    const events = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    const document = JSON.parse(toJsonLine(reportToJson(report))) as Record<string, unknown>;
    const all = (type: string, key: string) =>
      events.filter((event) => event['type'] === type).map((event) => event[key]);
    expect(all('finding', 'finding')).toEqual(document['findings']);
    expect(all('problem', 'problem')).toEqual(document['problems']);
    expect(all('input', 'input')).toEqual(document['inputs']);
    expect(all('summary', 'summary')).toEqual('summary' in document ? [document['summary']] : []);
    expect(all('finished', 'verdict')).toEqual([document['verdict']]);
  });

  it('is collected into the report again', () => {
    const collector = new ReportCollector();
    for (const event of eventsOf(report)) collector.add(event);
    expect(collector.report).toEqual(report);
  });
});
