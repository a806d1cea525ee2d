import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { NIC } from '../explain/testing/texts.ts';
import { asTerminal, noTerminal } from './testing/as-terminal.ts';
import { runInProcess as barproof } from './testing/run-in-process.ts';

const WIDTH = 80;
const folder = mkdtempSync(join(tmpdir(), 'output-fits-'));

beforeAll(() => {
  vi.stubEnv('NO_COLOR', '1');
  vi.stubEnv('XDG_CACHE_HOME', folder);
  writeFileSync(join(folder, 'nic.txt'), NIC);
  const map = { call: 'map', iova: '0x10000', size: '0x1001', vaddr: 'ram+0x0', flags: 3 };
  const session = { id: 'mine', container: 'type1v2', calls: [map, { call: 'info' }] };
  const recorded = { ...session, calls: [{ ...map, ret: -1, errno: 12 }] };
  writeFileSync(join(folder, 'calls.ndjson'), `${JSON.stringify(session)}\n`);
  writeFileSync(join(folder, 'recorded.ndjson'), `${JSON.stringify(recorded)}\n`);
});
afterEach(noTerminal);
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

/** Lines of `info mtree`, whose form is that of QEMU. */
const MTREE = /^ *[0-9a-f]{16}-[0-9a-f]{16} \(prio /;
/** What a user copies stays in one line: a command behind its label, and a word alone, such as a path. */
const TO_COPY = [/^ *again {5}\S/, /; (?:run|judge) it with: /, /^ *\S+$/, MTREE];

const tooWide = (text: string): readonly string[] =>
  text.split('\n').filter((line) => line.length > WIDTH && !TO_COPY.some((form) => form.test(line)));

const stored = (kind: string): readonly string[] =>
  readdirSync(join('regressions', kind))
    .filter((name) => name.endsWith('.json') && !name.includes('verdict'))
    .map((name) => join('regressions', kind, name));
const CASE = 'regressions/seed/cx4-64k.json';
const PATCH = 'regressions/patches/skip-as-posted.ts';
const inFolder = (name: string): string => join(folder, name);

const COMMANDS: readonly (readonly string[])[] = [
  ['list', 'invariants'],
  ['list', 'revisions'],
  ['list', 'devices'],
  ['list', 'rules'],
  ['check', '--runs', '20', '--no-save'],
  ['check', '--revision', 'seed-v2', '--runs', '30', '--no-save'],
  ['check', '--revision', 'cloud-hypervisor-51.0', '--runs', '20', '--no-save'],
  ['replay', ...stored('known'), ...stored('seed').slice(0, 10), ...stored('cloud-hypervisor')],
  ['run', ...stored('known'), ...stored('seed').slice(0, 10), ...stored('cloud-hypervisor')],
  ['mtree', CASE],
  ['explain', CASE],
  ['explain', ...stored('known').slice(0, 3)],
  ['explain', inFolder('nic.txt')],
  ['validate', PATCH, '--runs', '40', '--no-save'],
  ['validate', 'regressions/patches/as-merged.ts', '--runs', '40', '--no-save'],
  ['fuzz', '--revision', 'seed-v2', '--runs', '60', '--stats', '--corpus', inFolder('corpus')],
  ['merge', '--into', inFolder('merged'), '--stats', inFolder('corpus')],
  ['prove', '--revision', 'seed-v2', '--invariant', 'map-aligned'],
  ['reproduce', 'regressions/bugs/ch-01.json'],
  ['host', inFolder('calls.ndjson')],
  ['host', inFolder('recorded.ndjson'), '--compare'],
  ['cache'],
  ['doctor'],
  ['check', '--revision', 'seed-v3'],
  ['replay', 'no-such-file.json'],
];

describe(`in a terminal of ${WIDTH} columns`, () => {
  it.each(COMMANDS.map((words) => [words.join(' ').slice(0, 70), words] as const))(
    'barproof %s prints no line of more than 80 columns',
    async (_, words) => {
      asTerminal(WIDTH);
      const { out, err } = await barproof(words);
      expect(out + err).not.toBe('');
      expect(tooWide(out + err)).toEqual([]);
    },
  );
});
