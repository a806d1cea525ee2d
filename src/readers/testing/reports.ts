import type { ReportedFinding } from '../report-event.ts';
import type { Report } from '../report.ts';

/** When every report of these tests began, and how long it took. */
export const TIMES = { begin: new Date(Date.UTC(2026, 0, 2, 3, 4, 5, 678)), duration: 1.5 };

/** Control characters, text that runs both ways, what XML lacks, half a character, and the marks of each format. */
export const HOSTILE =
  'a\u0000\u0007\u001b[31m\u009b\u202e\u2066\u2028\ufffe\uffff\ud800 <&"\'>]]>--> ::error::%0A `|*_[x](y) \r\n::stop';

const SCENARIO = { version: 1, machine: { type: 'q35' }, devices: [] };

/** A finding. @param rest replaces fields. */
export const finding = (rest: Partial<ReportedFinding> = {}): ReportedFinding => ({
  number: 1,
  rule: 'map-aligned',
  cause: 'bar-fragment-unaligned',
  severity: 'error',
  message: 'device memory is to be mapped at [0x1000, 0x17ff]',
  expected: 'every map is aligned',
  observed: 'the VMM dies',
  site: 'hw/vfio/listener.c: vfio_listener_region_add',
  revision: 'seed-v2',
  realism: 'seen on a machine as firmware sets it up',
  howOften: '3 cases',
  again: 'barproof replay case.json',
  scenario: SCENARIO,
  description: ['machine  q35', 'steps    1 set-bar dev0 BAR 0 to 0x1000   <-- here'],
  steps: [],
  pictures: [],
  ...rest,
});

const RULES = [
  { id: 'map-aligned', clause: 'every map is aligned', severity: 'error' },
  { id: 'no-abort', clause: 'the VMM does not die', severity: 'error' },
  { id: 'guest-page-reachable', clause: 'every guest page is reachable', severity: 'warning' },
] as const;

/** A check of 20 cases that finds nothing. @param rest replaces fields. */
export const report = (rest: Partial<Report> = {}): Report => ({
  command: 'check',
  version: '0.1.0',
  plan: {
    subject: 'seed-v2',
    target: 'model',
    seed: 'ci',
    cases: 20,
    rules: RULES,
    again: 'barproof check --revision seed-v2 --seed ci --runs 20',
    notes: [],
  },
  inputs: [],
  findings: [],
  problems: [],
  interrupted: false,
  summary: {
    cases: 20,
    exercised: { 'map-aligned': 12, 'no-abort': 20 },
    outcomes: { ok: 20 },
    notRun: {},
    known: [],
    headline: ['seed-v2 breaks no invariant', '20 cases on model, seed ci', 'every invariant was exercised'],
  },
  verdict: 'holds',
  ...rest,
});

const { plan: _, summary: __, ...WITHOUT_RESULT } = report();

/** An error before the first case. */
export const FAILED: Report = {
  ...WITHOUT_RESULT,
  problems: [{ path: '--revision', message: 'there is no revision "seed-v3"' }],
  verdict: 'could-not-run',
};

/** An interrupt before the first result. */
export const INTERRUPTED_EARLY: Report = { ...WITHOUT_RESULT, interrupted: true, verdict: 'could-not-run' };

/** An interrupt after a finding. */
export const INTERRUPTED: Report = report({
  findings: [finding()],
  interrupted: true,
  verdict: 'counterexample',
});

/** A hundred findings, each of a cause of its own; every tenth is a warning. */
export const HUNDRED: Report = report({
  findings: Array.from({ length: 100 }, (_unused, index) =>
    finding({
      number: index + 1,
      cause: `cause-${index}`,
      ...(index % 10 === 0 && { rule: 'guest-page-reachable', severity: 'warning' as const }),
    }),
  ),
  verdict: 'counterexample',
});

/** Hostile text in every field that comes from outside. */
export const HOSTILE_REPORT: Report = report({
  findings: [
    finding({
      cause: HOSTILE,
      message: HOSTILE,
      expected: HOSTILE,
      observed: HOSTILE,
      site: HOSTILE,
      revision: HOSTILE,
      known: HOSTILE,
      file: HOSTILE,
      again: HOSTILE,
      scenario: { name: HOSTILE },
      description: [HOSTILE.repeat(3)],
      pictures: [{ caption: HOSTILE, map: { columns: [], marks: [] } as never, table: [HOSTILE.repeat(3)] }],
    }),
  ],
  problems: [{ path: HOSTILE, message: HOSTILE }],
  inputs: [{ name: HOSTILE, result: 'counterexample', text: HOSTILE }],
  plan: { ...report().plan!, subject: HOSTILE, target: HOSTILE, seed: HOSTILE, again: HOSTILE },
  summary: { ...report().summary!, headline: [HOSTILE, HOSTILE, HOSTILE], cost: [HOSTILE] },
  interrupted: true,
  verdict: 'counterexample',
});

/** Characters that a terminal obeys, or that turn text around. */
export const OBEYED =
  // oxlint-disable-next-line no-control-regex -- this pattern finds control characters
  /[\0-\u0009\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/;
