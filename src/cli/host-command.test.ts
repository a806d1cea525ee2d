import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { runCommandLine } from './command-line.ts';
import { ExitCode } from './exit-code.ts';

let folder: string;
let printed: string;
let complained: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'host-command-'));
});
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(() => {
  [printed, complained] = ['', ''];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => ((printed += String(text)), true));
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => ((complained += String(text)), true));
});
afterEach(() => vi.restoreAllMocks());

const run = (sessions: readonly unknown[], ...options: string[]): Promise<ExitCode> => {
  const file = join(folder, 'sessions.ndjson');
  writeFileSync(file, sessions.map((one) => `${JSON.stringify(one)}\n`).join(''));
  return runCommandLine(['host', file, ...options]);
};

const map = { call: 'map', iova: '0x10000', size: '0x1001', vaddr: 'ram+0x0', flags: 3 };
const session = { id: 'mine', container: 'type1v2', calls: [map, { call: 'info' }] };

describe('barproof host', () => {
  it('prints the answers of the model as a table', async () => {
    await expect(run([session])).resolves.toBe(ExitCode.HOLDS);
    expect(printed).toContain(
      'session mine: type1v2 on Linux 6.12 (x86_64, pages of 4K, intel-aw48), answered by the model\n',
    );
    expect(printed).toMatch(/^0 {2}map +iova=0x10000 size=0x1001 vaddr=ram\+0x0 flags=3 +-1 {2}EINVAL$/m);
    expect(printed).toMatch(/^1 {2}info +0 +avail=65535$/m);
  });

  it('answers each session in one line of JSON, and says in which line one cannot be read', async () => {
    await expect(run([session, { container: 'kvm' }, session], '--json')).resolves.toBe(
      ExitCode.COULD_NOT_RUN,
    );
    const lines = printed
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines).toMatchObject([
      { id: 'mine', calls: [{ ret: -1, errno: 22 }, { avail: 65535 }] },
      { problems: [{ path: 'calls' }] },
      { id: 'mine' },
    ]);
    expect(complained).toMatch(/^✖ \S*sessions\.ndjson: line 2: calls: expected an array/);
  });

  it('compares with recorded answers, and exits with 1 where one differs', async () => {
    const recorded = (errno: number) => ({ ...session, calls: [{ ...map, ret: -1, errno }] });
    await expect(run([recorded(22)], '--compare')).resolves.toBe(ExitCode.HOLDS);
    expect(printed).toContain('100.0 %');
    await expect(run([recorded(75)], '--compare')).resolves.toBe(ExitCode.COUNTEREXAMPLE);
    expect(printed).toContain('✖ type1v2 map: EOVERFLOW recorded, EINVAL answered (1 of them; Linux 6.12)');
  });

  it('reports the file and the line of the session that differs', async () => {
    const recorded = (errno: number) => ({ ...session, calls: [{ ...map, ret: -1, errno }] });
    const report = join(folder, 'host.sarif');
    await run([recorded(22), recorded(75)], '--compare', '--report', `sarif=${report}`);
    const { runs } = JSON.parse(readFileSync(report, 'utf8')) as {
      runs: { results: { locations: { physicalLocation: object }[] }[] }[];
    };
    expect(runs[0]!.results[0]!.locations[0]!.physicalLocation).toEqual({
      artifactLocation: { uri: pathToFileURL(join(folder, 'sessions.ndjson')).href },
      region: { startLine: 2 },
    });
  });
});
