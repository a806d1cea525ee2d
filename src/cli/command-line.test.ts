import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { REAL_DEVICES } from '../../generators/index.ts';
import { INVARIANT_IDS } from '../invariants/index.ts';
import { ALL_REVISIONS } from '../model/index.ts';
import { runInProcess as barproof } from './testing/run-in-process.ts';

const SEED = (name: string): string =>
  fileURLToPath(new URL(`../../regressions/seed/${name}.json`, import.meta.url));

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'barproof-cli-'));
});

// A search of a few hundred cases takes a while on a machine that does other things, too.
vi.setConfig({ testTimeout: 20_000 });

afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

const SCENARIO = {
  version: 1,
  machine: { type: 'generic', ram: '0x10000000' },
  host: { kernel: 'msix-mappable', iommu: { type: 'type1' } },
  devices: [{ id: 'dev0', bars: [{ index: 0, size: '0x4000', type: 'mem32' }] }],
};

/** A file with this in it. */
function put(name: string, value: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, typeof value === 'string' ? value : JSON.stringify(value));
  return path;
}

/** The store of a check: nothing in it, at a place of its own. */
const store = (): string[] => ['--regressions', join(folder, 'regressions')];

describe('the command line', () => {
  it.each([
    [[]],
    [['--foo']],
    [['chekc']],
    [['check', '--foo']],
    [['check', 'extra']],
    [['check', '--seed']],
    [['check', '--runs', '-1']],
    [['check', '--runs', '1e3']],
    [['check', '--runs', '1.5']],
    [['check', '--runs', '']],
    [['check', '--runs', '1000000001']],
    [['check', '--runs', '99999999999999999999']],
    [['check', '--invariant', 'map-aligne']],
    [['check', '--revision', 'qemu-1']],
    [['run']],
    [['run', '--json']],
    [['run', '--revision', 'qemu-1', '-']],
    [['replay']],
    [['mtree']],
    [['mtree', 'a', 'b']],
    [['list']],
    [['list', 'machines']],
    [['list', 'invariants', '--foo']],
    [['list', 'invariants', 'extra']],
    [['help', 'nothing']],
  ])('cannot run %j, and says so on standard error alone', async (words) => {
    const { code, out, err } = await barproof(words);
    expect(code).toBe(2);
    expect(out).toBe('');
    expect(err).not.toBe('');
    expect(err).not.toMatch(/^\s+at /m);
  });

  it.each([
    ['chekc', 'Did you mean check?'],
    ['rnu', 'Did you mean run?'],
  ])('names the command that comes nearest to %s', async (word, hint) => {
    expect((await barproof([word])).err).toContain(hint);
  });

  it('tells where the names of revisions and invariants are', async () => {
    expect((await barproof(['check', '--revision', 'x'])).err).toContain('barproof list revisions');
    expect((await barproof(['check', '--invariant', 'x'])).err).toContain('barproof list invariants');
  });

  it('tells its version', async () => {
    expect(await barproof(['--version'])).toEqual({
      code: 0,
      out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
      err: '',
    });
  });

  it.each([[['--help']], [['help']]])('%j begins with two commands to copy', async (words) => {
    const { code, out, err } = await barproof(words);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(
      /^Examples:\n {2}barproof check .+\n {2}barproof check --revision seed-v2 .+\n\nUsage: /,
    );
    expect(out).toContain(
      'Exit codes: 0 every invariant holds, 1 there is a counterexample, 2 it could not run.',
    );
  });

  it.each(['check', 'replay', 'run', 'mtree', 'list'])('%s --help begins with examples', async (command) => {
    const { code, out, err } = await barproof([command, '--help']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(new RegExp(`^Examples:\\n  barproof ${command}`));
    expect(out).toContain(`\n\nUsage: barproof ${command}`);
  });
});

describe('barproof list', () => {
  it('names every invariant with its clause, and which are warnings', async () => {
    const { code, out, err } = await barproof(['list', 'invariants']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(
      out
        .trimEnd()
        .split('\n')
        .map((line) => line.split(' ')[0]),
    ).toEqual([...INVARIANT_IDS]);
    expect(out).toMatch(/^guest-page-reachable +\(warning\) /m);
  });

  it('names every revision with what it breaks', async () => {
    const { out } = await barproof(['list', 'revisions']);
    expect(
      out
        .trimEnd()
        .split('\n')
        .map((line) => line.split(' ')[0]),
    ).toEqual(ALL_REVISIONS.map(({ id }) => id));
    expect(out).toMatch(/^seed-v2 .*; breaks map-aligned, /m);
  });

  it('names every device with its BARs and its MSI-X layout', async () => {
    const { out } = await barproof(['list', 'devices']);
    expect(out.trimEnd().split('\n')).toHaveLength(REAL_DEVICES.length);
    expect(out).toContain(
      'BAR1 64 KiB mem64, BAR3 256 KiB mem64; 96 vectors, table BAR1+0xe000, PBA BAR1+0xf000\n',
    );
    expect(out).toContain('; no MSI-X\n');
    expect(out).not.toMatch(/\b1 vectors/);
  });
});

describe('barproof run', () => {
  it('shows a run for people', async () => {
    const { code, out, err } = await barproof(['run', put('a.json', SCENARIO)]);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/^machine {2}generic[^]*\nqemu-11.1: ok\n[^]*\nevery invariant holds\n$/);
  });

  it('takes the scenario out of a regression', async () => {
    const { out } = await barproof(['run', '--json', SEED('cx4-64k')]);
    expect(JSON.parse(out)).toMatchObject({ outcome: 'aborted', revision: 'seed-v2' });
  });

  it('does not judge: what breaks an invariant is a run like another', async () => {
    expect((await barproof(['run', SEED('cx4-64k')])).code).toBe(0);
  });

  it('runs on another revision when it is told to', async () => {
    const { out } = await barproof(['run', '--json', '--revision', 'qemu-11.1', SEED('cx4-64k')]);
    expect(JSON.parse(out)).toMatchObject({ outcome: 'ok', revision: 'qemu-11.1' });
  });

  it('writes a line of JSON for each file, in order', async () => {
    const files = ['sas3008-before', 'cx4-64k', 'sas3008-after'].map(SEED);
    const { out } = await barproof(['run', '--json', ...files]);
    const lines = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { revision: string });
    expect(lines.map(({ revision }) => revision)).toEqual(['qemu-2.11', 'seed-v2', 'seed-v2']);
  });

  it('reads one scenario a line from standard input, among files', async () => {
    const line = (revision: string): string => JSON.stringify({ ...SCENARIO, revision });
    const input = [line('qemu-2.12'), '', '   ', line('qemu-6.0')].join('\r\n');
    const { code, out, err } = await barproof(
      ['run', '--json', SEED('cx4-64k'), '-', SEED('cx4-64k')],
      input,
    );
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const lines = out
      .trimEnd()
      .split('\n')
      .map((text) => JSON.parse(text) as { revision: string });
    expect(lines.map(({ revision }) => revision)).toEqual(['seed-v2', 'qemu-2.12', 'qemu-6.0', 'seed-v2']);
  });

  it('takes a regression on a line, too', async () => {
    const line = JSON.stringify(JSON.parse(readFileSync(SEED('cx4-64k'), 'utf8')));
    expect((await barproof(['run', '--json', '-'], line)).out).toContain('"outcome":"aborted"');
  });

  it('answers a line that is no scenario in its place, and goes on', async () => {
    const good = JSON.stringify(SCENARIO);
    const input = [good, '{', good, '{"version":2}', good].join('\n');
    const { code, out, err } = await barproof(['run', '--json', '-'], input);
    expect(code).toBe(2);
    const lines = out
      .trimEnd()
      .split('\n')
      .map((text) => JSON.parse(text) as Record<string, unknown>);
    expect(lines.map((line) => Object.keys(line)[0])).toEqual([
      'outcome',
      'problems',
      'outcome',
      'problems',
      'outcome',
    ]);
    expect(lines[3]!['problems']).toContainEqual({ path: 'version', message: expect.any(String) });
    expect(err).toMatch(/^✖ line 2: this is not JSON/);
    expect(err).toMatch(/^✖ line 4: version: expected 1, found 2$/m);
    expect(err).not.toMatch(/^\s+at /m);
  });

  it('counts empty lines when it names one', async () => {
    expect((await barproof(['run', '-'], '\n\n{')).err).toMatch(/^✖ line 3: /);
  });

  it('names the line and the path of a revision that there is not', async () => {
    const { code, err } = await barproof(['run', '-'], JSON.stringify({ ...SCENARIO, revision: 'qemu-1' }));
    expect(code).toBe(2);
    expect(err).toContain(
      'line 1: revision: there is no revision qemu-1; barproof list revisions shows them\n',
    );
  });

  it('has nothing to say about no lines', async () => {
    expect(await barproof(['run', '--json', '-'])).toEqual({ code: 0, out: '', err: '' });
  });

  it('names the file and the path of a revision that there is not', async () => {
    const file = put('a.json', { ...SCENARIO, revision: 'qemu-1' });
    for (const command of ['run', 'replay', 'mtree']) {
      const { code, out, err } = await barproof([command, file]);
      expect({ code, out }).toEqual({ code: 2, out: '' });
      expect(err).toBe(
        `✖ ${file}: revision: there is no revision qemu-1; barproof list revisions shows them\n`,
      );
    }
  });

  it('names every file that is no scenario, not only the first', async () => {
    const files = [put('a.json', '{'), put('b.json', '[]')];
    for (const command of ['run', 'replay']) {
      const { code, out, err } = await barproof([command, ...files]);
      expect({ code, out }).toEqual({ code: 2, out: '' });
      for (const file of files) expect(err).toContain(`✖ ${file}: `);
    }
  });

  it('says the same of a file that is no scenario as replay and mtree', async () => {
    const file = put('a.json', '{ "scenario": {} }');
    const said = await barproof(['run', file]);
    expect(said).toMatchObject({ code: 2, out: '' });
    for (const command of ['replay', 'mtree']) expect(await barproof([command, file])).toEqual(said);
  });

  it('refuses a revision that has no such IOMMU', async () => {
    const host = { kernel: 'msix-mappable', iommu: { type: 'vfio-user' } };
    for (const command of ['run', 'replay', 'mtree']) {
      const file = put('a.json', { ...SCENARIO, host });
      const { code, out, err } = await barproof([command, file, '--revision', 'seed-v2']);
      expect({ code, out }).toEqual({ code: 2, out: '' });
      expect(err).toBe(
        `✖ ${file}: host.iommu.type: seed-v2 has no vfio-user; allowed are type1, spapr-tce-v2\n`,
      );
    }
  });

  it('refuses the IOMMU of pseries on another machine', async () => {
    const host = { kernel: 'msix-mappable', iommu: { type: 'spapr-tce-v2' } };
    for (const type of ['pc', 'q35', 'virt', 'generic', 'pseries']) {
      const file = put('a.json', { ...SCENARIO, machine: { type, ram: '0x10000000' }, host });
      const { code, err } = await barproof(['run', '--json', file]);
      if (type === 'pseries') expect({ code, err }).toEqual({ code: 0, err: '' });
      else expect(err).toContain(`host.iommu.type: spapr-tce-v2 is for pseries machines, not for ${type}\n`);
    }
  });

  it('refuses a machine with more RAM than a memslot holds, and says how much may be', async () => {
    const withRam = (ram: string) => put('a.json', { ...SCENARIO, machine: { type: 'generic', ram } });
    expect((await barproof(['run', '--json', withRam('0x40000000000')])).code).toBe(0);
    const { code, err } = await barproof(['run', '--json', withRam('0x80000000000')]);
    expect(code).toBe(2);
    expect(err).toContain('machine.ram: expected a hex string or safe integer from 0x10000 to 0x40000000000');
  });

  it('goes on with the next file after one that is not usable', async () => {
    const files = [put('a.json', '{'), SEED('cx4-64k'), join(folder, 'nothing.json'), SEED('cx4-64k')];
    const { code, out, err } = await barproof(['run', '--json', ...files]);
    expect(code).toBe(2);
    expect(out.trimEnd().split('\n')).toHaveLength(2);
    expect(err.trimEnd().split('\n')).toEqual([
      expect.stringContaining(`✖ ${files[0]}: this is not JSON`),
      `✖ ${files[2]}: there is no such file`,
    ]);
  });

  it('says that standard input cannot be read', async () => {
    const broken = new Readable({
      read() {
        this.destroy(Object.assign(new Error('EBADF'), { code: 'EBADF' }));
      },
    });
    expect(await barproof(['run', '-'], broken)).toEqual({
      code: 2,
      out: '',
      err: '✖ standard input cannot be read (EBADF)\n',
    });
  });
});

describe('barproof replay', () => {
  it('shows what a case breaks, and exits with 1', async () => {
    const { code, out, err } = await barproof(['replay', SEED('cx4-64k')]);
    expect({ code, err }).toEqual({ code: 1, err: '' });
    expect(out.split('\n')[0]).toBe(
      `x ${SEED('cx4-64k')}: breaks map-aligned/bar-fragment-unaligned, mmio-map-not-fatal/refused-map, ` +
        'no-abort/dma-map-device-memory-EINVAL on seed-v2, as stored',
    );
    expect(out).toMatch(/^[^\n]+\n\n1 {2}map-aligned \/ bar-fragment-unaligned\n/);
    expect(out).toContain('\n3  no-abort / dma-map-device-memory-EINVAL');
  });

  it('says that a case breaks nothing', async () => {
    const { code, out } = await barproof(['replay', SEED('sas3008-after')]);
    expect(code).toBe(0);
    expect(out).toBe(`+ ${SEED('sas3008-after')}: every invariant holds on seed-v2, as stored\n`);
  });

  it('shows a warning, and exits with 0', async () => {
    const { code, out } = await barproof(['replay', SEED('guest-4k-on-64k-host')]);
    expect(code).toBe(0);
    expect(out).toContain('\n1  warning guest-page-reachable / ');
  });

  it('runs on another revision when it is told to', async () => {
    const { code, out } = await barproof(['replay', SEED('cx4-64k'), '--revision', 'qemu-11.1']);
    expect(code).toBe(0);
    expect(out).toContain('every invariant holds on qemu-11.1');
  });

  it('goes through all files, in order, and exits by the worst', async () => {
    const { code, out } = await barproof([
      'replay',
      SEED('sas3008-after'),
      SEED('cx4-64k'),
      SEED('sas3008-after'),
    ]);
    expect(code).toBe(1);
    expect(out.match(/^[+x] /gm)).toEqual(['+ ', 'x ', '+ ']);
  });

  it('takes a bare scenario, too', async () => {
    expect((await barproof(['replay', put('a.json', SCENARIO)])).out).toMatch(/^\+ /);
  });

  it('goes on with the next file after one that is not usable, and exits with 2', async () => {
    const broken = put('a.json', '{');
    const { code, out, err } = await barproof(['replay', broken, SEED('cx4-64k')]);
    expect(code).toBe(2);
    expect(out).toMatch(/^x .*cx4-64k/);
    expect(err).toMatch(/^✖ .*a\.json: this is not JSON: /);
  });

  it('shows what several findings of a case have in common only once', async () => {
    const { out } = await barproof(['replay', SEED('cx4-64k')]);
    expect(out.match(/^\d {2}/gm)).toEqual(['1  ', '2  ', '3  ']);
    expect(out.match(/^ {3}machine /gm)).toHaveLength(1);
    expect(out.match(/^ {3}address /gm)).toHaveLength(1);
  });

  describe('compares with what was stored, and', () => {
    /** The verdict on a seed case whose file says that something else was observed. */
    const verdict = async (
      name: string,
      observed: { readonly outcome: string; readonly violations: readonly string[] },
      words: readonly string[] = [],
      rest: Record<string, unknown> = {},
    ): Promise<string> => {
      const stored = JSON.parse(readFileSync(SEED(name), 'utf8')) as Record<string, unknown>;
      const file = put('a.json', { ...stored, ...rest, observed });
      const { out, err } = await barproof(['replay', file, ...words]);
      expect(err).toBe('');
      return out.split('\n')[0]!.replace(`${file}: `, '');
    };

    it('says that what it was stored for is fixed', async () => {
      const observed = { outcome: 'aborted', violations: ['no-abort/dma-map-ram-EINVAL'] };
      expect(await verdict('sas3008-after', observed)).toBe(
        '+ every invariant holds on seed-v2; fixed: no-abort/dma-map-ram-EINVAL',
      );
    });

    it('says what was stored when it breaks something else now', async () => {
      const observed = { outcome: 'rejected', violations: ['no-abort/memslot-EINVAL'] };
      expect(await verdict('guest-4k-on-64k-host', observed)).toMatch(
        /^x breaks guest-page-reachable\/\S+ on \S+; stored was no-abort\/memslot-EINVAL, rejected, now ok$/,
      );
    });

    it('says that nothing was broken when it was stored', async () => {
      const observed = { outcome: 'ok', violations: [] };
      expect(await verdict('guest-4k-on-64k-host', observed)).toMatch(
        /^x breaks guest-page-reachable\/\S+ on \S+; stored was nothing broken, ok$/,
      );
    });

    it('says that it ends in another way now, even if nothing breaks', async () => {
      const observed = { outcome: 'rejected', violations: [] };
      expect(await verdict('sas3008-after', observed)).toBe(
        '+ every invariant holds on seed-v2; stored was nothing broken, rejected, now ok',
      );
    });

    it('says nothing of it on another revision, of which nothing is stored', async () => {
      const observed = { outcome: 'rejected', violations: ['no-abort/memslot-EINVAL'] };
      expect(await verdict('sas3008-after', observed, ['--revision', 'qemu-11.1'])).toBe(
        '+ every invariant holds on qemu-11.1',
      );
    });
  });
});

describe('barproof mtree', () => {
  it('prints the tree, and the flat views', async () => {
    const tree = await barproof(['mtree', SEED('sas3008-before')]);
    expect(tree).toMatchObject({ code: 0, err: '' });
    expect(tree.out).toMatch(/^address-space: memory\n/);
    const flat = await barproof(['mtree', '--flat', SEED('sas3008-before')]);
    expect(flat.out).toMatch(/^FlatView #0\n/);
    expect((await barproof(['mtree', SEED('sas3008-before'), '-f'])).out).toBe(flat.out);
  });

  it('prints it in the form of another revision', async () => {
    const { out } = await barproof(['mtree', SEED('sas3008-before'), '--revision', 'qemu-11.1']);
    expect(out).toContain('0001:03:00.0 base BAR 1');
  });

  it('leaves out what is disabled in newer forms, unless it is asked for', async () => {
    const words = ['mtree', SEED('sas3008-before'), '--revision', 'qemu-11.1'];
    const { out } = await barproof(words);
    expect(out).not.toContain('[disabled]');
    expect((await barproof([...words, '--disabled'])).out).toContain('[disabled]');
  });

  it('prints what there was when the VMM died, and says that it did on standard error', async () => {
    const { code, out, err } = await barproof(['mtree', SEED('cx4-64k')]);
    expect(code).toBe(0);
    expect(out).toContain('msix-table');
    expect(err).toMatch(/^aborted: vfio: DMA mapping failed/);
  });
});

describe('barproof check', () => {
  it('holds on the newest revision, and lists what is known of it', async () => {
    const { code, out, err } = await barproof(['check', '--runs', '200', ...store()]);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(
      /^barproof \d+\.\d+\.\d+: qemu-11.1 on model, 16 invariants, 200 cases, seed barproof\n\nknown: /,
    );
    expect(out.match(/^known: /gm)).toHaveLength(1);
    expect(out).toMatch(/\nholds\n$/);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('finds the failure with which it all began, and keeps it', async () => {
    const { code, out } = await barproof(['check', '--revision', 'seed-v2', '--runs', '100', ...store()]);
    expect(code).toBe(1);
    expect(out).toMatch(/^\d+ {2}map-aligned \/ bar-fragment-unaligned/m);
    expect(out).toMatch(/\ndoes not hold: \d+ counterexamples?/);
    expect(readdirSync(join(folder, 'regressions', 'map-aligned')).length).toBeGreaterThan(0);
  });

  it('looks at other cases for another seed, and at the same for the same', async () => {
    const words = ['check', '--revision', 'seed-v2', '--runs', '30', '--no-save', ...store()];
    const outOf = async (seed: string): Promise<string> =>
      (await barproof([...words, '--seed', seed])).out.split('\n').slice(1).join('\n');
    const a = await outOf('a');
    expect(await outOf('b')).not.toBe(a);
    expect(await outOf('a')).toBe(a);
  });

  it('keeps nothing with --no-save, and gives no command to replay it', async () => {
    const { code, out } = await barproof([
      'check',
      '--revision',
      'seed-v2',
      '--runs',
      '100',
      '--no-save',
      ...store(),
    ]);
    expect(code).toBe(1);
    expect(out).not.toContain('again ');
    expect(readdirSync(folder)).toEqual([]);
  });

  it('checks one invariant alone', async () => {
    const words = ['--revision', 'seed-v2', '--runs', '100', '--invariant', 'flat-partition', ...store()];
    const { code, out } = await barproof(['check', ...words]);
    expect(code).toBe(0);
    expect(out).toMatch(/^barproof \d+\.\d+\.\d+: seed-v2 on model, flat-partition, 100 cases, /);
  });

  it('exits with 0 on a warning, also when strict', async () => {
    const words = [
      '--revision',
      'qemu-6.0',
      '--invariant',
      'guest-page-reachable',
      '--runs',
      '600',
      '--strict',
    ];
    const { code, out } = await barproof(['check', ...words, ...store()]);
    expect(out).toMatch(/^1 {2}warning guest-page-reachable/m);
    expect(out).toMatch(/\nholds, 1 warning\n$/);
    expect(code).toBe(0);
  });

  it('counts what is known when it is strict', async () => {
    const words = ['--runs', '200', '--no-save', ...store()];
    const { out: lenient } = await barproof(['check', ...words]);
    const known = /^known: ([^]+)\ncases: /m.exec(lenient)![1]!;
    const { code, out } = await barproof(['check', '--strict', ...words]);
    expect(code).toBe(1);
    expect(out).not.toContain('known: ');
    const told = [...out.matchAll(/^\d+ {2}(?:warning )?(\S+) \/ (\S+) /gm)].map(
      ([, id, cause]) => `${id}/${cause}`,
    );
    expect(told.toSorted()).toEqual(known.split(/,\s+/).toSorted());
    expect(out).toMatch(/\ndoes not hold: [1-9]\d* counterexamples?(, \d+ warnings?)?\n$/);
  });

  it('exits with 1 on what a stored case breaks, without a search', async () => {
    mkdirSync(join(folder, 'regressions'));
    const text = readFileSync(SEED('cx4-64k'), 'utf8');
    writeFileSync(join(folder, 'regressions', 'a.json'), text);
    const { code, out } = await barproof(['check', '--revision', 'seed-v2', '--runs', '0', ...store()]);
    expect(code).toBe(1);
    expect(out).toContain('map-aligned / bar-fragment-unaligned   (a case stored for seed-v2)');
    expect(out).toContain(`\n   again     barproof replay ${join(folder, 'regressions', 'a.json')}\n`);
    expect(readdirSync(join(folder, 'regressions'))).toEqual(['a.json']);
  });

  it('cannot run over a folder with a file that is no regression, and says where', async () => {
    mkdirSync(join(folder, 'regressions'));
    writeFileSync(join(folder, 'regressions', 'a.json'), '{ "schema": 1 }');
    const { code, out, err } = await barproof(['check', '--runs', '10', ...store()]);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(/^✖ .*regressions\/a\.json: title: expected text/m);
  });

  it.each([
    [['--seed', ''], 'seed '],
    [['--seed', 'zwölf \u{1F980}'], 'seed zwölf \u{1F980}'],
    [['--seed=--runs'], 'seed --runs'],
    [['--runs', '007'], '7 cases'],
  ])('takes %j', async (words, line) => {
    const { code, out } = await barproof(['check', '--runs', '5', ...words, ...store()]);
    expect([0, 1]).toContain(code);
    expect(out.split('\n')[0]).toContain(line);
  });

  it('says why it could not run when the folder is a file', async () => {
    put('regressions', '');
    expect(await barproof(['check', '--runs', '1', ...store()])).toEqual({
      code: 2,
      out: '',
      err: `✖ ${join(folder, 'regressions')}: this is no folder of regressions (ENOTDIR)\n`,
    });
  });

  it('says why it could not save when the folder cannot be made', async () => {
    put('regressions', '');
    const words = [
      '--revision',
      'seed-v2',
      '--runs',
      '50',
      '--regressions',
      join(folder, 'regressions', 'below'),
    ];
    await expect(barproof(['check', ...words])).resolves.toMatchObject({ code: 2 });
  });

  it('does not run stored cases on a revision that has no such IOMMU', async () => {
    mkdirSync(join(folder, 'regressions'));
    const known = fileURLToPath(
      new URL('../../regressions/known/mmap-inside-bar--beyond-bar.json', import.meta.url),
    );
    writeFileSync(join(folder, 'regressions', 'a.json'), readFileSync(known));
    const { code } = await barproof(['check', '--revision', 'seed-v2', '--runs', '0', ...store()]);
    expect(code).toBe(0);
  });

  it.each([
    ['1', 'says what it found until then, and exits with 1', [], /\ndoes not hold: \d+ counterexamples?/],
    ['2', 'exits with 2 when it found nothing', ['--invariant', 'flat-partition'], /were looked at\n$/],
  ])('when it is interrupted (exit %s) %s', async (code, _, words, end) => {
    setImmediate(() => process.emit('SIGINT', 'SIGINT'));
    const all = ['check', '--revision', 'seed-v2', '--runs', '1000000000', ...words, ...store()];
    const result = await barproof(all);
    expect(result).toMatchObject({ code: Number(code), err: '' });
    expect(result.out).toMatch(/\ninterrupted: 250 of 1000000000 cases were looked at\n/);
    expect(result.out).toMatch(end);
    expect(result.out).not.toMatch(/^holds/m);
    const kept = [...result.out.matchAll(/^ {3}again {5}barproof replay (.+)$/gm)].map(([, file]) => file!);
    expect(kept.length > 0).toBe(code === '1');
    for (const file of kept) {
      const { out, err } = await barproof(['replay', file]);
      expect(err).toBe('');
      expect(out).toMatch(/^x .* on seed-v2, as stored\n/);
    }
  });
});
