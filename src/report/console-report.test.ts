import { describe, expect, it } from 'vitest';
import type { CampaignEvent, CampaignPlan, CampaignSummary, Finding } from '../campaign/index.ts';
import { findInvariant, type InvariantId } from '../invariants/index.ts';
import { decodeScenario } from '../scenario/index.ts';
import { runOnModel } from '../model/index.ts';
import { NEWEST } from '../vfio/index.ts';
import { consoleReport } from './console-report.ts';

const plan = (rest: Partial<CampaignPlan> = {}): CampaignPlan => ({
  target: 'model',
  revision: 'qemu-11.1',
  seed: 'barproof',
  runs: 20_000,
  invariants: ['no-abort', 'map-aligned'],
  command: 'barproof check',
  ...rest,
});

const summary = (rest: Partial<CampaignSummary> = {}): CampaignSummary => ({
  plan: plan(),
  cases: 20_000,
  findings: [],
  known: [],
  exercised: new Map([['no-abort', 5]]),
  outcomes: new Map([
    ['ok', 19_000],
    ['aborted', 1000],
  ]),
  notRun: new Map(),
  holds: true,
  unsaved: [],
  ...rest,
});

const scenario = decodeScenario({
  version: 1,
  machine: { type: 'generic', ram: '0x10000000' },
  host: { kernel: 'msix-mappable', iommu: { type: 'type1' } },
  devices: [],
});

const finding = (invariant: InvariantId, cause: string, rest: Partial<Finding> = {}): Finding => ({
  invariant,
  cause,
  severity: findInvariant(invariant).severity,
  scenario,
  violation: { invariant, cause, message: 'a message', step: 0 },
  trace: runOnModel(scenario, NEWEST),
  cases: 2,
  origin: { kind: 'search', run: 0, seed: 1, path: '0', shrinks: 0 },
  file: undefined,
  known: undefined,
  ...rest,
});

/** The report and the progress lines of these events. */
function report(...events: CampaignEvent[]): { readonly out: string; readonly progress: string[] } {
  let out = '';
  const progress: string[] = [];
  const listener = consoleReport({
    out: (text) => {
      out += text;
    },
    progress: (line) => progress.push(line),
    replayCommand: ({ file }, revision) =>
      file === undefined ? undefined : `barproof replay regressions/${file} --revision ${revision}`,
    version: '1.2.3',
  });
  for (const event of events) listener(event);
  return { out, progress };
}

const finished = (rest: Partial<CampaignSummary>): string[] =>
  report({ type: 'finished', summary: summary(rest) }).out.split('\n');

describe('the first line of a console report', () => {
  it('names version, revision, target, invariants, cases and seed', () => {
    expect(report({ type: 'started', plan: plan() }).out).toBe(
      'barproof 1.2.3: qemu-11.1 on model, 2 invariants, 20000 cases, seed barproof\n',
    );
  });

  it('escapes control characters in the seed', () => {
    const { out } = report({ type: 'started', plan: plan({ seed: 'a\u001B[2Jb\nc' }) });
    expect(out).toContain(', seed a\\u001b[2Jb\\u000ac\n');
  });

  it('is followed by the notes of the plan, one line each', () => {
    const { out } = report({ type: 'started', plan: plan({ notes: ['this is one.', 'this another.'] }) });
    expect(out).toMatch(/, seed barproof\nthis is one\.\nthis another\.\n$/);
  });

  it('names the invariant when only one is checked', () => {
    const { out } = report({ type: 'started', plan: plan({ invariants: ['no-abort'], runs: 1 }) });
    expect(out).toContain(' on model, no-abort, 1 case, seed ');
  });
});

describe('a finding in a console report', () => {
  const tell = (rest: Partial<Finding> = {}): string =>
    report({
      type: 'finding',
      finding: finding('no-abort', 'a', rest),
      number: 3,
      revision: 'seed-v2',
    }).out;

  it('is a failure block after an empty line', () => {
    expect(tell()).toMatch(/^\n3 {2}no-abort \/ a {3}\(2 cases/);
  });

  it('names the command that replays it on the checked revision, if a file holds its case', () => {
    expect(tell({ file: 'no-abort/a-1.json' })).toContain(
      'again     barproof replay regressions/no-abort/a-1.json --revision seed-v2\n',
    );
    expect(tell()).not.toContain('again');
  });
});

describe('the last lines of a console report', () => {
  it('say that every invariant holds', () => {
    expect(finished({})).toEqual(['', 'cases: 20000 (19000 ok, 1000 aborted)', 'every invariant holds', '']);
  });

  it('list known findings, and then find no new counterexample', () => {
    const known = [finding('no-abort', 'a'), finding('no-abort', 'b'), finding('window-limit', 'c')];
    const lines = finished({ known });
    expect(lines.slice(1, 4)).toEqual(['known: no-abort/a', 'known: no-abort/b', 'known: window-limit/c']);
    expect(lines.at(-2)).toBe('no new counterexample');
  });

  it('print what is known of a finding below its name', () => {
    const explanation = `${'The listener forgets a refused mapping. '.repeat(6)}Observed.`;
    const known = [finding('no-abort', 'a', { explanation }), finding('no-abort', 'b')];
    const lines = finished({ known }).slice(1, -3);
    expect(lines[0]).toBe('known: no-abort/a');
    expect(lines.at(-1)).toBe('known: no-abort/b');
    for (const line of lines.slice(1, -1)) expect(line).toMatch(/^ {2}\S.{0,98}$/);
    expect(
      lines
        .slice(1, -1)
        .map((line) => line.trim())
        .join(' '),
    ).toBe(explanation);
  });

  it('say only that the check was interrupted when no case was run', () => {
    const lines = finished({ cases: 0, outcomes: new Map(), exercised: new Map([['no-abort', 0]]) });
    expect(lines).toEqual(['', 'interrupted: 0 of 20000 cases were run', '']);
  });

  it('do not say that every invariant holds when the check was interrupted', () => {
    const lines = finished({ cases: 700, outcomes: new Map([['ok', 700]]) });
    expect(lines).toEqual(['', 'cases: 700 (700 ok)', 'interrupted: 700 of 20000 cases were run', '']);
  });

  it('count the counterexamples of an interrupted check', () => {
    const findings = [finding('no-abort', 'a')];
    const lines = finished({ cases: 700, findings, holds: false });
    expect(lines.slice(-3)).toEqual([
      'interrupted: 700 of 20000 cases were run',
      'found 1 counterexample',
      '',
    ]);
  });

  it('name the invariants that apply to no case', () => {
    const exercised = new Map([
      ['no-abort', 5],
      ['window-limit', 0],
      ['map-aligned', 0],
    ]);
    expect(finished({ exercised })).toContain('not exercised by any case: window-limit, map-aligned');
  });

  it('count the cases that were not compared with the model, if others were compared', () => {
    const linesOf = (compared: number, reasons: readonly (readonly [string, number])[] = []) =>
      finished({ exercised: new Map([['model-agrees', compared]]), notRun: new Map(reasons) });
    expect(linesOf(19_996)).toContain('not compared with the model: 4 cases');
    expect(linesOf(19_996, [['no machine', 3]])).toContain('not compared with the model: 1 case');
    for (const lines of [linesOf(20_000), linesOf(19_996, [['no machine', 4]]), linesOf(0), finished({})]) {
      expect(lines.join('\n')).not.toContain('not compared');
    }
  });

  it('say that there is no result when no case was run', () => {
    expect(finished({ plan: plan({ runs: 0 }), cases: 0, exercised: new Map([['no-abort', 0]]) })).toEqual([
      '',
      'no case ran: there is no result',
      '',
    ]);
    const notRun = new Map([['no such machine', 5]]);
    expect(finished({ plan: plan({ runs: 5 }), cases: 5, notRun }).slice(-3)).toEqual([
      'not run: 5 cases, no such machine',
      'no case ran: there is no result',
      '',
    ]);
  });

  it.each([
    [1, 0, false, 'found 1 counterexample'],
    [2, 0, false, 'found 2 counterexamples'],
    [2, 1, false, 'found 2 counterexamples, 1 warning'],
    [0, 1, true, 'every invariant holds, 1 warning'],
    [0, 3, true, 'every invariant holds, 3 warnings'],
  ])('count %d errors and %d warnings', (errors, warnings, holds, verdict) => {
    const findings = [
      ...Array.from({ length: errors }, () => finding('no-abort', 'a')),
      ...Array.from({ length: warnings }, () => finding('guest-page-reachable', 'b')),
    ];
    expect(finished({ findings, holds }).at(-2)).toBe(verdict);
  });
});

describe('the progress lines of a console report', () => {
  const EVENTS: readonly CampaignEvent[] = [
    { type: 'started', plan: plan() },
    { type: 'progress', cases: 500, runs: 20_000, findings: 1 },
    { type: 'shrinking', fingerprint: { invariant: 'no-abort', cause: 'a' } },
    { type: 'finding', finding: finding('no-abort', 'a'), number: 1, revision: 'qemu-11.1' },
    { type: 'finished', summary: summary() },
  ];

  it('are cleared before the report goes on', () => {
    expect(report(...EVENTS).progress).toEqual([
      'replaying the stored cases',
      '500 of 20000 cases, 1 finding',
      'shrinking no-abort/a',
      '',
      '',
    ]);
  });

  it('leave the report the same as without a terminal', () => {
    let out = '';
    const listener = consoleReport({
      out: (text) => {
        out += text;
      },
      progress: undefined,
      replayCommand: ({ file }, revision) =>
        file === undefined ? undefined : `barproof replay regressions/${file} --revision ${revision}`,
      version: '1.2.3',
    });
    for (const event of EVENTS) listener(event);
    expect(out).toBe(report(...EVENTS).out);
  });

  it('are never part of the report', () => {
    const { out } = report(...EVENTS);
    expect(out).not.toContain('shrinking');
    expect(out).not.toContain('500 of');
    expect(out).not.toContain('\u001B');
  });
});
