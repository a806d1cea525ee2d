import { createRequire } from 'node:module';
import Ajv04 from 'ajv-draft-04';
import formats from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import { toJsonLine } from '../scenario/index.ts';
import type { Report } from './report.ts';
import { sarifLog } from './sarif.ts';
import * as reports from './testing/reports.ts';

const require = createRequire(import.meta.url);
const OFFICIAL = require('@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json') as object;
// Patterns of the schema are no Unicode patterns.
const ajv = new Ajv04.default({ strict: false, allErrors: true, unicodeRegExp: false });
formats.default(ajv);
const isSarif = ajv.compile(OFFICIAL);

interface Location {
  readonly physicalLocation: {
    readonly artifactLocation: { readonly uri: string; readonly index?: number };
    readonly region: object;
  };
}
interface Result {
  readonly level: string;
  readonly kind: string;
  readonly locations: readonly Location[];
  readonly partialFingerprints: Readonly<Record<string, string>>;
  readonly attachments?: readonly { readonly artifactLocation: { readonly index: number } }[];
}
interface Run {
  readonly results: readonly Result[];
  readonly artifacts?: readonly { readonly contents?: { text: string } }[];
  readonly invocations: readonly {
    readonly executionSuccessful: boolean;
    readonly exitCode: number;
    readonly toolExecutionNotifications: readonly {
      readonly level: string;
      readonly message: { text: string };
    }[];
  }[];
}

/** The only run of a log, which the official schema accepts. */
function runOf(report: Report): Run {
  const log = JSON.parse(toJsonLine(sarifLog(report, '/checkout'))) as { readonly runs: readonly Run[] };
  expect(isSarif(log), JSON.stringify(isSarif.errors)).toBe(true);
  return log.runs[0]!;
}

const placeOf = (run: Run, index = 0) => run.results[index]!.locations[0]!.physicalLocation;

describe('SARIF', () => {
  it('has no results and no artifacts where nothing is found', () => {
    const run = runOf(reports.report());
    expect(run.results).toEqual([]);
    expect(run).not.toHaveProperty('artifacts');
    expect(run.invocations[0]).toMatchObject({ executionSuccessful: true, exitCode: 0 });
  });

  it('tells of a problem and of an interrupt as notifications', () => {
    expect(runOf(reports.FAILED).invocations[0]).toMatchObject({
      executionSuccessful: false,
      exitCode: 2,
      toolExecutionNotifications: [
        { level: 'error', message: { text: '--revision: there is no revision "seed-v3"' } },
      ],
    });
    const interrupted = runOf(reports.INTERRUPTED);
    expect(interrupted.results).toHaveLength(1);
    expect(interrupted.invocations[0]!.toolExecutionNotifications[0]!.level).toBe('warning');
    expect(runOf(reports.INTERRUPTED_EARLY).invocations[0]!.exitCode).toBe(2);
  });

  it('points to the file of a saved case, relative to the checkout', () => {
    const run = runOf(
      reports.report({ findings: [reports.finding({ file: '/checkout/regressions/a b.json' })] }),
    );
    expect(placeOf(run).artifactLocation).toEqual({ uri: 'regressions/a%20b.json' });
    const outside = runOf(reports.report({ findings: [reports.finding({ file: '/elsewhere/a.json' })] }));
    expect(placeOf(outside).artifactLocation).toEqual({ uri: 'file:///elsewhere/a.json' });
  });

  it('points to the line of a session in its file', () => {
    const findings = [reports.finding({ file: '/checkout/sessions.ndjson', line: 17 })];
    expect(placeOf(runOf(reports.report({ findings })))).toEqual({
      artifactLocation: { uri: 'sessions.ndjson' },
      region: { startLine: 17 },
    });
  });

  it('holds a case that no file holds, and points to the place in the VMM', () => {
    const { site: _, ...siteless } = reports.finding();
    const findings = [
      reports.finding({ file: 'saved.json' }),
      reports.finding(),
      reports.finding({ effect: 'mends' }),
      siteless,
    ];
    const run = runOf(reports.report({ findings }));
    expect(placeOf(run, 1)).toEqual({
      artifactLocation: { uri: 'hw/vfio/listener.c', uriBaseId: 'VMM_SOURCE' },
      region: { startLine: 1 },
    });
    expect(run.results[2]!.attachments![0]!.artifactLocation).toEqual({ index: 1 });
    expect(run.results[0]).not.toHaveProperty('attachments');
    expect(run.results[3]!.locations[0]).not.toHaveProperty('physicalLocation');
    expect(run.artifacts!.every((artifact) => !('location' in artifact))).toBe(true);
    expect(JSON.parse(run.artifacts![0]!.contents!.text)).toEqual(reports.finding().scenario);
    expect(run.results[2]).toMatchObject({ kind: 'informational', level: 'none' });
  });

  it('has a result and a fingerprint of its own for each of a hundred findings', () => {
    const { results } = runOf(reports.HUNDRED);
    expect(new Set(results.map((result) => result.partialFingerprints['barproof/v1'])).size).toBe(100);
    expect(results.filter(({ level }) => level === 'warning')).toHaveLength(10);
  });

  it('is valid for hostile texts, also where they become a path', () => {
    const { findings } = reports.HOSTILE_REPORT;
    runOf(reports.HOSTILE_REPORT);
    const { file: _, ...unsaved } = findings[0]!;
    const run = runOf({ ...reports.HOSTILE_REPORT, findings: [unsaved] });
    expect(run.results[0]!.locations[0]).not.toHaveProperty('physicalLocation');
  });
});
