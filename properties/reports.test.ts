import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Ajv04 from 'ajv-draft-04';
import formats from 'ajv-formats';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runInProcess as barproof } from '../src/cli/testing/run-in-process.ts';
import { COMMON_INVARIANTS, INVARIANT_IDS } from '../src/invariants/index.ts';
import { REPORT_FORMATS } from '../src/readers/index.ts';
import { junitXml } from '../src/readers/junit.ts';
import { mailText } from '../src/readers/mail.ts';
import type { Report } from '../src/readers/report.ts';
import { sarifLog } from '../src/readers/sarif.ts';
import { toJsonLine } from '../src/scenario/index.ts';
import { installBarproof, type InstalledBarproof } from './testing/installed-barproof.ts';
import { junitProblems, parseXml, type Element } from './testing/junit-rules.ts';

const require = createRequire(import.meta.url);
/** The official schema of OASIS, as Microsoft publishes it for tests. */
const OFFICIAL = require('@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json') as object;
// Patterns of the schema are no Unicode patterns.
const ajv = new Ajv04.default({ strict: false, allErrors: true, unicodeRegExp: false });
formats.default(ajv);
const isSarif = ajv.compile(OFFICIAL);

let here: string;
beforeAll(() => {
  here = mkdtempSync(join(tmpdir(), 'barproof-reports-'));
});
afterAll(() => rmSync(here, { recursive: true }));

const all = (name: string): string[] =>
  REPORT_FORMATS.flatMap((format) => ['--report', `${format}=${join(here, `${name}.${format}`)}`]);
const read = (name: string, format: string): string => readFileSync(join(here, `${name}.${format}`), 'utf8');

/** Whether the files of all formats are there and hold what their readers accept. */
function expectValid(name: string): void {
  const sarif = JSON.parse(read(name, 'sarif')) as object;
  expect(isSarif(sarif), JSON.stringify(isSarif.errors)).toBe(true);
  expect(junitProblems(parseXml(read(name, 'junit')))).toEqual([]);
  expect(JSON.parse(read(name, 'json'))).toHaveProperty('verdict');
  const events = read(name, 'ndjson')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { type: string });
  expect(events[0]!.type).toBe('opened');
  expect(events.at(-1)!.type).toBe('finished');
  expect(read(name, 'html')).toMatch(/^<!DOCTYPE html>[^]*<\/html>\n$/);
  for (const line of read(name, 'mail').split('\n')) expect(line.length, line).toBeLessThanOrEqual(72);
  // Lines are cut between words.
  expect(read(name, 'mail')).not.toMatch(/\w\.\.\.$/m);
  expect(JSON.parse(read(name, 'gitlab'))).toBeInstanceOf(Array);
}

const CASE = 'regressions/revisions/seed-v2--map-aligned.json';

describe('every format of a report is written and valid', () => {
  it('of a check that finds something', async () => {
    const words = ['check', '--revision', 'seed-v2', '--runs', '60', '--no-save', ...all('check')];
    expect((await barproof(words)).code).toBe(1);
    expectValid('check');
    const { findings } = JSON.parse(read('check', 'json')) as {
      findings: { rule: string; cause: string; severity: string }[];
    };
    expect(findings.length).toBeGreaterThan(3);
    const { runs } = JSON.parse(read('check', 'sarif')) as {
      runs: { results: { ruleId: string; partialFingerprints: Record<string, string> }[] }[];
    };
    expect(runs[0]!.results.map((result) => result.partialFingerprints['barproof/v1'])).toEqual(
      findings.map(({ rule, cause }) => `${rule}/${cause}`),
    );
    const cases = casesOf(read('check', 'junit'));
    expect(cases.map(({ attributes }) => attributes['name'])).toEqual(
      INVARIANT_IDS.filter((id) => id !== 'model-agrees'),
    );
    const failed = cases.filter(({ children }) => children[0]?.name === 'failure');
    expect(new Set(failed.map(({ attributes }) => attributes['name']))).toEqual(
      new Set(findings.filter(({ severity }) => severity === 'error').map(({ rule }) => rule)),
    );
  });

  it('of a check that finds nothing', async () => {
    expect((await barproof(['check', '--runs', '30', '--no-save', ...all('fine')])).code).toBe(0);
    expectValid('fine');
    expect(JSON.parse(read('fine', 'json'))).toMatchObject({ verdict: 'holds', findings: [] });
  });

  it('of a replay with a file that cannot be read', async () => {
    const bad = join(here, 'bad.json');
    writeFileSync(bad, '{');
    expect((await barproof(['replay', CASE, bad, ...all('replay')])).code).toBe(2);
    expectValid('replay');
    const results = casesOf(read('replay', 'junit')).map(({ children }) => children[0]?.name);
    expect(results).toEqual(['failure', 'error']);
  });

  it('of an error before the first case', async () => {
    const { code, err } = await barproof(['check', '--revision', 'qemu-0.1', ...all('early')]);
    expect(code).toBe(2);
    expect(err).toMatch(/there is no revision/);
    expectValid('early');
    expect(JSON.parse(read('early', 'json'))).toMatchObject({
      verdict: 'could-not-run',
      problems: [{ path: '--revision' }],
    });
    expect(casesOf(read('early', 'junit')).map(({ children }) => children[0]!.name)).toEqual(['error']);
  });

  it('of a patch whose rule throws', async () => {
    const file = join(here, 'throws.mjs');
    writeFileSync(
      file,
      `import { definePatch } from 'barproof';\nexport default definePatch({ name: 'p', listener: { skip() { throw new Error('oh'); } } });\n`,
    );
    expect((await barproof(['validate', file, '--runs', '20', '--no-save', ...all('throws')])).code).toBe(2);
    expectValid('throws');
    expect(read('throws', 'json')).toContain('throws');
  });

  it('of a campaign of blocks', async () => {
    const words = ['fuzz', '--revision', 'seed-v2', '--invariant', 'map-aligned', '--runs', '200'];
    const corpus = join(here, 'corpus');
    expect((await barproof([...words, '--corpus', corpus, ...all('fuzz')])).code).toBe(1);
    expectValid('fuzz');
    const { findings, summary } = JSON.parse(read('fuzz', 'json')) as {
      findings: { file: string; again: string }[];
      summary: { cases: number; exercised: object };
    };
    expect(findings.length).toBeGreaterThan(1);
    for (const { file, again } of findings) {
      expect(file.startsWith(join(corpus, 'findings/seed-v2/map-aligned/'))).toBe(true);
      expect(again).toContain(file);
    }
    expect(summary.cases).toBe(200);
    expect(summary.exercised).toHaveProperty('map-aligned');
    expect(read('fuzz', 'mail')).toMatch(
      /^seed-v2 breaks 1 invariant in \d+ ways: map-aligned\n200 cases, seed /,
    );
  });

  it('of a proof that holds, and of one that does not', async () => {
    expect((await barproof(['prove', '--shard', '1/2000', ...all('proof')])).code).toBe(0);
    expectValid('proof');
    const count = COMMON_INVARIANTS.length;
    expect(read('proof', 'mail')).toMatch(
      new RegExp(String.raw`^qemu-11.1 breaks no invariant.*\n\d+ of \d+ scenarios ran, ${count} `),
    );
    const words = ['prove', '--revision', 'seed-v2', '--invariant', 'map-aligned'];
    expect((await barproof([...words, ...all('broken')])).code).toBe(1);
    expectValid('broken');
    expect(JSON.parse(read('broken', 'json'))).toMatchObject({
      command: 'prove',
      verdict: 'counterexample',
      findings: [{ rule: 'map-aligned', again: expect.stringContaining('prove --revision seed-v2') }],
    });
  });

  it('of a comparison of host calls', async () => {
    const file = join(here, 'recorded.ndjson');
    const call = { call: 'map', iova: '0x10000', size: '0x1001', vaddr: 'ram+0x0', flags: 3, ret: -1 };
    // The model answers EINVAL (22).
    const recorded = (errno: number) => ({ id: 'mine', container: 'type1v2', calls: [{ ...call, errno }] });
    writeFileSync(file, `${JSON.stringify(recorded(75))}\n${JSON.stringify(recorded(22))}\n`);
    expect((await barproof(['host', file, '--compare', ...all('host')])).code).toBe(1);
    expectValid('host');
    expect(JSON.parse(read('host', 'json'))).toMatchObject({
      findings: [{ rule: 'host-answers', cause: 'type1v2-map-eoverflow-recorded-einval-answered' }],
      summary: { outcomes: { agree: 1, differ: 1 } },
    });
  });
});

const casesOf = (xml: string): readonly Element[] =>
  parseXml(xml).children.flatMap(({ children }) => children.filter(({ name }) => name === 'testcase'));

describe('a report', () => {
  it('as NDJSON is the same in two equal runs, but for times', async () => {
    const run = async (name: string): Promise<string> => {
      const file = join(here, name);
      await barproof([
        'check',
        '--revision',
        'seed-v2',
        '--runs',
        '300',
        '--no-save',
        '--report',
        `ndjson=${file}`,
      ]);
      return readFileSync(file, 'utf8');
    };
    const [first, second] = [await run('one.ndjson'), await run('two.ndjson')];
    const withoutTimes = (text: string): string =>
      text.replaceAll(/^\{"time":"\d{4}-\d\d-\d\dT[\d:.]+Z",/gm, '{');
    expect(withoutTimes(first)).toBe(withoutTimes(second));
    expect(first.split('\n').length).toBeGreaterThan(5);
    expect(withoutTimes(first)).not.toContain('"time"');
  });

  it('that cannot be written is refused before the search', async () => {
    for (const file of [join(here, 'no-such-folder/a.html'), here]) {
      const { code, out, err } = await barproof(['check', '--no-save', '--report', `html=${file}`]);
      expect([code, out]).toEqual([2, '']);
      expect(err).toMatch(/^✖ --report: /);
    }
  });

  it('of an unknown format is refused with a suggestion', async () => {
    const { code, err } = await barproof(['check', '--report', 'sarrif=x']);
    expect(code).toBe(2);
    expect(err).toContain('did you mean sarif?');
  });
});

describe('texts from outside', () => {
  const nasty = fc
    .string({ unit: 'binary', maxLength: 30 })
    .map((text) => `${text}<&"'>]]>\u202e\u0000\ud800`);
  const report = nasty.map((text): Report => ({
    command: 'check',
    version: '1',
    inputs: [],
    findings: [
      {
        number: 1,
        rule: 'map-aligned',
        cause: text,
        severity: 'error',
        message: text,
        expected: text,
        observed: text,
        revision: text,
        description: [text],
        steps: [],
        pictures: [],
        file: text,
      },
    ],
    problems: [{ path: text, message: text }],
    interrupted: true,
    plan: {
      subject: text,
      target: text,
      seed: text,
      cases: 1,
      rules: [{ id: 'map-aligned', clause: text, severity: 'error' }],
      again: text,
      notes: [],
    },
    verdict: 'counterexample',
  }));
  const times = { begin: new Date(0), duration: 1 };

  it('break neither JUnit nor SARIF', () => {
    fc.assert(
      fc.property(report, (one) => {
        expect(junitProblems(parseXml(junitXml(one, times)))).toEqual([]);
        const log = JSON.parse(toJsonLine(sarifLog(one, '/work'))) as object;
        expect(isSarif(log), JSON.stringify(isSarif.errors)).toBe(true);
      }),
    );
  });

  it('command no terminal and turn no text around in a mail', () => {
    fc.assert(
      fc.property(report, (one) => {
        // oxlint-disable-next-line no-control-regex -- this pattern finds control characters
        expect(mailText(one)).not.toMatch(/[\0-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
      }),
    );
  });
});

describe('in a CI', () => {
  let installed: InstalledBarproof;
  beforeAll(() => {
    installed = installBarproof();
  }, 120_000);
  afterAll(() => installed.remove());

  /** Runs the installed program in a folder of its own. */
  const run = (
    words: readonly string[],
    environment: Readonly<Record<string, string>>,
    interruptAt?: RegExp,
  ): Promise<{ code: number | null; out: string; err: string; folder: string }> =>
    new Promise((resolve) => {
      const folder = mkdtempSync(join(here, 'ci-'));
      const child = spawn(process.execPath, [installed.main, ...words], {
        cwd: folder,
        env: { ...process.env, ...environment },
      });
      const text = { out: '', err: '' };
      child.stdout.on('data', (part: Buffer) => {
        text.out += part.toString();
        if (interruptAt?.test(text.out)) child.kill('SIGINT');
      });
      child.stderr.on('data', (part: Buffer) => (text.err += part.toString()));
      child.on('close', (code) => resolve({ code, ...text, folder }));
    });

  const FAILING = [
    'check',
    '--revision',
    'seed-v2',
    '--invariant',
    'map-aligned',
    '--runs',
    '60',
    '--no-save',
  ];

  it('GitHub gets annotations and a summary, and standard output stays as it is', async () => {
    const summary = join(here, 'summary.md');
    const { err, out } = await run(FAILING, { GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: summary });
    expect(err).toMatch(/^::error title=map-aligned\/[\w-]+::[^\n]+%0Aexpected: [^\n]+$/m);
    expect(out).not.toContain('::error');
    expect(readFileSync(summary, 'utf8')).toMatch(
      /^### barproof check: counterexample\n[^]*\| `map-aligned\//,
    );
  });

  it('GitLab gets a file for its merge requests', async () => {
    const { err, folder } = await run(FAILING, { GITLAB_CI: 'true' });
    expect(err).toContain('artifacts:reports:codequality');
    const entries = JSON.parse(readFileSync(join(folder, 'gl-code-quality-report.json'), 'utf8')) as {
      readonly [key: string]: unknown;
    }[];
    expect(entries.length).toBeGreaterThan(2);
    for (const entry of entries) {
      expect(Object.keys(entry)).toEqual([
        'description',
        'check_name',
        'fingerprint',
        'severity',
        'location',
      ]);
      expect(entry['severity']).toBeOneOf(['info', 'minor', 'major', 'critical', 'blocker']);
    }
    const prints = entries.map((entry) => entry['fingerprint']);
    expect(new Set(prints).size).toBe(prints.length);
  });

  it('an interrupted check still writes its reports', async () => {
    const words = ['check', '--revision', 'seed-v2', '--runs', '1000000', '--no-save', ...all('interrupted')];
    const { code } = await run(words, {}, /seed barproof/);
    expect([1, 2]).toContain(code);
    expectValid('interrupted');
    expect(JSON.parse(read('interrupted', 'json'))).toMatchObject({ interrupted: true });
    expect(read('interrupted', 'ndjson')).toContain('"type":"interrupted"');
  });
});
