import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { installBarproof, type InstalledBarproof } from './testing/installed-barproof.ts';
import { installedNodes } from './testing/installed-nodes.ts';

/** Where and in what language the user works. */
interface Setting {
  readonly TZ: string;
  readonly LC_ALL: string;
}

const PLAIN: Setting = { TZ: 'UTC', LC_ALL: 'C' };
/** The first is a day ahead of UTC at times and has an i without a dot; the second has digits of its own. */
const SETTINGS: readonly Setting[] = [
  { TZ: 'Pacific/Kiritimati', LC_ALL: 'tr_TR.UTF-8' },
  { TZ: 'America/St_Johns', LC_ALL: 'ar_EG.UTF-8' },
  { TZ: 'Asia/Kathmandu', LC_ALL: 'de_DE.UTF-8' },
];

const nodes = installedNodes();
const SKIPPED = nodes.length > 0 ? '' : ' (skipped: no other Node is installed; run .ci/install-node)';

// Ten commands take some ten seconds, and minutes on a busy machine.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

let installed: InstalledBarproof;
/** What Node itself, in the plain setting, prints and stores. */
let expected: readonly string[];

beforeAll(() => {
  installed = installBarproof();
  expected = outputOf(process.execPath, PLAIN);
});

afterAll(() => installed.remove());

/** Command lines, one after the other in one folder, each with its exit code. `SHIPPED` is the folder of the package. */
const COMMANDS: readonly (readonly [command: string, code: number])[] = [
  ['check --revision seed-v2 --seed versions --runs 60', 1],
  ['check --seed versions --runs 300 --no-save --regressions empty', 0],
  ['check --revision cloud-hypervisor-51.0 --seed versions --runs 60 --no-save --regressions empty', 1],
  ['run SHIPPED/regressions/seed/cx4-64k.json', 1],
  ['run --json SHIPPED/regressions/seed/cx4-64k.json', 1],
  ['validate SHIPPED/regressions/patches/as-merged.ts --seed versions --runs 40', 1],
  ['run damaged.json --json', 2],
  ['validate damaged.ts', 2],
  ['validate throws.js', 2],
  ['list devices', 0],
  ['list rules', 0],
];

const FILES: Readonly<Record<string, string>> = {
  'damaged.json': '{ "version": 1, "machine": { "type": "q35", }, }',
  'damaged.ts': 'export const base = ;',
  'throws.js': 'throw new RangeError(`${(1234.5).toFixed(2)}`);',
};

/** What a Node prints and stores for the command lines: one text for each command line, and one for each stored case. */
function outputOf(node: string, setting: Setting): readonly string[] {
  const here = mkdtempSync(join(tmpdir(), 'node-versions-'));
  try {
    for (const [file, text] of Object.entries(FILES)) writeFileSync(join(here, file), text);
    const printed = COMMANDS.map(([command]) => {
      const words = command.replaceAll('SHIPPED', installed.folder).split(' ');
      const { status, stdout, stderr } = spawnSync(node, [installed.main, ...words], {
        cwd: here,
        env: { ...process.env, ...setting },
        encoding: 'utf8',
        maxBuffer: 1 << 28,
      });
      // Commands for the user name the folder, which is new each time.
      return `${command}: ${status}\n${stdout}\n${stderr}`.replaceAll(here, 'HERE');
    });
    const stored = readdirSync(here, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.json'))
      .toSorted()
      // The run may pass midnight.
      .map((file) => file + readFileSync(join(here, file), 'utf8').replace(/"date": "\d{4}-\d\d-\d\d"/, ''));
    return [...printed, ...stored];
  } finally {
    rmSync(here, { recursive: true, force: true });
  }
}

/** What a Node takes from its setting. */
function placeOf(node: string, setting: Setting): string {
  const program = '`${(1234.5).toLocaleString()} ${new Date(0).getTimezoneOffset()}`';
  return spawnSync(node, ['-p', program], { env: setting as never, encoding: 'utf8' }).stdout;
}

describe('the same seed', () => {
  it('finds and stores cases in the runs that are compared', () => {
    const codes = expected.slice(0, COMMANDS.length).map((text) => Number(/: (\d)\n/.exec(text)?.[1]));
    expect(codes).toEqual(COMMANDS.map(([, code]) => code));
    expect(expected.length).toBeGreaterThan(COMMANDS.length + Object.keys(FILES).length + 3);
  });

  it('gives the same output in another time zone and language', () => {
    const setting = SETTINGS[0]!;
    expect(placeOf(process.execPath, setting)).not.toBe(placeOf(process.execPath, PLAIN));
    expect(outputOf(process.execPath, setting)).toEqual(expected);
  });
});

describe.skipIf(nodes.length === 0)(`the same seed on another Node${SKIPPED}`, () => {
  it('is tried on Node 20, 22 and 24', () => {
    expect(nodes.map(([name]) => name)).toEqual(['node-20', 'node-22', 'node-24']);
  });

  it.each(nodes)('gives the same output on %s', (name, program) => {
    const { stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' });
    expect(`node-${/^v(\d+)/.exec(stdout)?.[1]}`).toBe(name);
    const setting = SETTINGS[nodes.findIndex(([other]) => other === name) % SETTINGS.length]!;
    expect(placeOf(program, setting)).not.toBe(placeOf(program, PLAIN));
    expect(outputOf(program, setting)).toEqual(expected);
  });
});
