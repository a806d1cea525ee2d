import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { REAL_DEVICES } from '../../generators/index.ts';
import { COMMON_INVARIANTS, INVARIANT_IDS } from '../invariants/index.ts';
import { ALL_REVISIONS } from '../model/index.ts';
import { RULES } from '../validate/rules.ts';
import { runInProcess as barproof } from './testing/run-in-process.ts';

const SEED = (name: string): string =>
  fileURLToPath(new URL(`../../regressions/seed/${name}.json`, import.meta.url));

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'barproof-cli-'));
});

// A search of a few hundred cases takes several seconds on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

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

/** Writes a file into the folder of the test; returns its path. */
function put(name: string, value: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, typeof value === 'string' ? value : JSON.stringify(value));
  return path;
}

/** The option for an empty store in the folder of the test. */
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
    [['fuzz', '--time', '10']],
    [['fuzz', '--jobs', '0']],
    [['fuzz', '--shard', '0/2']],
    [['prove', '--pages', '9']],
    [['prove', '--operations', '4']],
    [['merge', '--into', 'a']],
    [['merge', 'a']],
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
  ])('exits with 2 for %j, and writes only to standard error', async (words) => {
    const { code, out, err } = await barproof(words);
    expect(code).toBe(2);
    expect(out).toBe('');
    expect(err).not.toBe('');
    expect(err).not.toMatch(/^\s+at /m);
  });

  it.each([
    ['chekc', 'Did you mean check?'],
    ['rnu', 'Did you mean run?'],
  ])('suggests the nearest command for %s', async (word, hint) => {
    expect((await barproof([word])).err).toContain(hint);
  });

  it('names the list command for unknown revisions and invariants', async () => {
    expect((await barproof(['check', '--revision', 'x'])).err).toContain('barproof list revisions');
    expect((await barproof(['check', '--invariant', 'x'])).err).toContain('barproof list invariants');
  });

  it('prints its version', async () => {
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
      'Exit codes: 0 every invariant holds, 1 a counterexample was found, 2 barproof could not run.',
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
  it('lists every invariant with its clause, and marks warnings', async () => {
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

  it('lists every revision with the invariants that it breaks', async () => {
    const { out } = await barproof(['list', 'revisions']);
    expect(
      out
        .trimEnd()
        .split('\n')
        .map((line) => line.split(' ')[0]),
    ).toEqual(ALL_REVISIONS.map(({ id }) => id));
    expect(out).toMatch(/^seed-v2 .*; breaks map-aligned, /m);
  });

  it('lists every device with its BARs and its MSI-X layout', async () => {
    const { out } = await barproof(['list', 'devices']);
    expect(out.trimEnd().split('\n')).toHaveLength(REAL_DEVICES.length);
    expect(out).toContain(
      'BAR1 64 KiB mem64, BAR3 256 KiB mem64; 96 vectors, table BAR1+0xe000, PBA BAR1+0xf000\n',
    );
    expect(out).toContain('; no MSI-X\n');
    expect(out).not.toMatch(/\b1 vectors/);
  });
});

describe('barproof list rules', () => {
  it('lists every rule of a patch with the room that asks it, what it decides, and what it may answer', async () => {
    const { code, out, err } = await barproof(['list', 'rules']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const count = Object.values(RULES).reduce((sum, rules) => sum + Object.keys(rules).length, 0);
    expect(out.trimEnd().split('\n')).toHaveLength(count);
    expect(out).toMatch(
      /^listener\.ramFailure +vfio +What the host's refusal to map RAM leads to .*; is "fatal" or "reported"$/m,
    );
    expect(out).toMatch(/^cloudHypervisor\.isProbe +cloud-hypervisor +Whether .*; returns true or false$/m);
  });

  it('lists them as JSON', async () => {
    const { out } = await barproof(['list', 'rules', '--json']);
    const { rules } = JSON.parse(out) as { readonly rules: readonly object[] };
    expect(rules).toContainEqual({
      ...{ name: 'memory.plugRefusal', room: 'memory', file: 'src/memory/discard-rules.ts', kind: 'value' },
      about: expect.stringContaining("What a listener's refusal of plugged blocks leads to") as string,
      answer: '"refused" or "ignored"',
    });
  });
});

describe('barproof run', () => {
  it('prints a run as text', async () => {
    const { code, out, err } = await barproof(['run', put('a.json', SCENARIO)]);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/^machine {2}generic[^]*\nqemu-11.1: ok\n[^]*\nevery invariant holds\n$/);
  });

  it('runs the scenario of a regression file', async () => {
    const { out } = await barproof(['run', '--json', SEED('cx4-64k')]);
    expect(JSON.parse(out)).toMatchObject({ outcome: 'aborted', revision: 'seed-v2' });
  });

  it('exits with 1 if the run breaks an invariant', async () => {
    expect((await barproof(['run', SEED('cx4-64k')])).code).toBe(1);
  });

  it('runs on the revision of --revision', async () => {
    const { out } = await barproof(['run', '--json', '--revision', 'qemu-11.1', SEED('cx4-64k')]);
    expect(JSON.parse(out)).toMatchObject({ outcome: 'ok', revision: 'qemu-11.1' });
  });

  it('writes one line of JSON for each file, in order', async () => {
    const files = ['sas3008-before', 'cx4-64k', 'sas3008-after'].map(SEED);
    const { out } = await barproof(['run', '--json', ...files]);
    const lines = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { revision: string });
    expect(lines.map(({ revision }) => revision)).toEqual(['qemu-2.11', 'seed-v2', 'seed-v2']);
  });

  it('reads one scenario per line from standard input for -, between files', async () => {
    const line = (revision: string): string => JSON.stringify({ ...SCENARIO, revision });
    const input = [line('qemu-2.12'), '', '   ', line('qemu-6.0')].join('\r\n');
    const { code, out, err } = await barproof(
      ['run', '--json', SEED('cx4-64k'), '-', SEED('cx4-64k')],
      input,
    );
    expect({ code, err }).toEqual({ code: 1, err: '' });
    const lines = out
      .trimEnd()
      .split('\n')
      .map((text) => JSON.parse(text) as { revision: string });
    expect(lines.map(({ revision }) => revision)).toEqual(['seed-v2', 'qemu-2.12', 'qemu-6.0', 'seed-v2']);
  });

  it('runs the scenario of a regression on a line of standard input', async () => {
    const line = JSON.stringify(JSON.parse(readFileSync(SEED('cx4-64k'), 'utf8')));
    expect((await barproof(['run', '--json', '-'], line)).out).toContain('"outcome":"aborted"');
  });

  it('answers an invalid line with its problems, and runs the next line', async () => {
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

  it('counts empty lines in the number of a line', async () => {
    expect((await barproof(['run', '-'], '\n\n{')).err).toMatch(/^✖ line 3: /);
  });

  it('names the line and the path of an unknown revision', async () => {
    const { code, err } = await barproof(['run', '-'], JSON.stringify({ ...SCENARIO, revision: 'qemu-1' }));
    expect(code).toBe(2);
    expect(err).toContain(
      'line 1: revision: there is no revision qemu-1; barproof list revisions shows them\n',
    );
  });

  it('prints nothing for an empty standard input', async () => {
    expect(await barproof(['run', '--json', '-'])).toEqual({ code: 0, out: '', err: '' });
  });

  it('names the file and the path of an unknown revision', async () => {
    const file = put('a.json', { ...SCENARIO, revision: 'qemu-1' });
    for (const command of ['run', 'replay', 'mtree']) {
      const { code, out, err } = await barproof([command, file]);
      expect({ code, out }).toEqual({ code: 2, out: '' });
      expect(err).toBe(
        `✖ ${file}: revision: there is no revision qemu-1; barproof list revisions shows them\n`,
      );
    }
  });

  it('names every file that is not a scenario, not only the first', async () => {
    const files = [put('a.json', '{'), put('b.json', '[]')];
    for (const command of ['run', 'replay']) {
      const { code, out, err } = await barproof([command, ...files]);
      expect({ code, out }).toEqual({ code: 2, out: '' });
      for (const file of files) expect(err).toContain(`✖ ${file}: `);
    }
  });

  it('reports the same problems of a file as replay and mtree', async () => {
    const file = put('a.json', '{ "scenario": {} }');
    const said = await barproof(['run', file]);
    expect(said).toMatchObject({ code: 2, out: '' });
    for (const command of ['replay', 'mtree']) expect(await barproof([command, file])).toEqual(said);
  });

  it('refuses a scenario with an IOMMU type that the revision does not support', async () => {
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

  it('refuses an sPAPR IOMMU on a machine other than pseries', async () => {
    const host = { kernel: 'msix-mappable', iommu: { type: 'spapr-tce-v2' } };
    for (const type of ['pc', 'q35', 'virt', 'generic', 'pseries']) {
      const file = put('a.json', { ...SCENARIO, machine: { type, ram: '0x10000000' }, host });
      const { code, err } = await barproof(['run', '--json', file]);
      if (type === 'pseries') expect({ code, err }).toEqual({ code: 0, err: '' });
      else expect(err).toContain(`host.iommu.type: spapr-tce-v2 is for pseries machines, not for ${type}\n`);
    }
  });

  it('refuses a machine with more RAM than a memslot can hold, and names the limit', async () => {
    const withRam = (ram: string) => put('a.json', { ...SCENARIO, machine: { type: 'generic', ram } });
    expect((await barproof(['run', '--json', withRam('0x40000000000')])).code).toBe(0);
    const { code, err } = await barproof(['run', '--json', withRam('0x80000000000')]);
    expect(code).toBe(2);
    expect(err).toContain('machine.ram: expected a hex string or safe integer from 0x10000 to 0x40000000000');
  });

  it('runs the next file after an invalid file', async () => {
    const files = [put('a.json', '{'), SEED('cx4-64k'), join(folder, 'nothing.json'), SEED('cx4-64k')];
    const { code, out, err } = await barproof(['run', '--json', ...files]);
    expect(code).toBe(2);
    expect(out.trimEnd().split('\n')).toHaveLength(2);
    expect(err.trimEnd().split('\n')).toEqual([
      expect.stringContaining(`✖ ${files[0]}: this is not JSON`),
      `✖ ${files[2]}: there is no such file`,
    ]);
  });

  it('reports that standard input cannot be read', async () => {
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
  it('shows the violations of a case, and exits with 1', async () => {
    const { code, out, err } = await barproof(['replay', SEED('cx4-64k')]);
    expect({ code, err }).toEqual({ code: 1, err: '' });
    expect(out.split('\n')[0]).toBe(
      `x ${SEED('cx4-64k')}: breaks map-aligned/bar-fragment-unaligned, mmio-map-not-fatal/refused-map, ` +
        'no-abort/dma-map-device-memory-EINVAL on seed-v2, as recorded',
    );
    expect(out).toMatch(/^[^\n]+\n\n1 {2}map-aligned \/ bar-fragment-unaligned\n/);
    expect(out).toContain('\n3  no-abort / dma-map-device-memory-EINVAL');
  });

  it('says that every invariant holds, and exits with 0', async () => {
    const { code, out } = await barproof(['replay', SEED('sas3008-after')]);
    expect(code).toBe(0);
    expect(out).toBe(`+ ${SEED('sas3008-after')}: every invariant holds on seed-v2, as recorded\n`);
  });

  it('shows a warning, and exits with 0', async () => {
    const { code, out } = await barproof(['replay', SEED('guest-4k-on-64k-host')]);
    expect(code).toBe(0);
    expect(out).toContain('\n1  warning guest-page-reachable / ');
  });

  it('runs on the revision of --revision', async () => {
    const { code, out } = await barproof(['replay', SEED('cx4-64k'), '--revision', 'qemu-11.1']);
    expect(code).toBe(0);
    expect(out).toContain('every invariant holds on qemu-11.1');
  });

  it('replays all files in order, and exits with the highest code', async () => {
    const { code, out } = await barproof([
      'replay',
      SEED('sas3008-after'),
      SEED('cx4-64k'),
      SEED('sas3008-after'),
    ]);
    expect(code).toBe(1);
    expect(out.match(/^[+x] /gm)).toEqual(['+ ', 'x ', '+ ']);
  });

  it('replays a bare scenario', async () => {
    expect((await barproof(['replay', put('a.json', SCENARIO)])).out).toMatch(/^\+ /);
  });

  it('replays the next file after an invalid file, and exits with 2', async () => {
    const broken = put('a.json', '{');
    const { code, out, err } = await barproof(['replay', broken, SEED('cx4-64k')]);
    expect(code).toBe(2);
    expect(out).toMatch(/^x .*cx4-64k/);
    expect(err).toMatch(/^✖ .*a\.json: this is not JSON: /);
  });

  it('shows scenario and map once for several violations of a case', async () => {
    const { out } = await barproof(['replay', SEED('cx4-64k')]);
    expect(out.match(/^\d {2}/gm)).toEqual(['1  ', '2  ', '3  ']);
    expect(out.match(/^ {3}machine /gm)).toHaveLength(1);
    expect(out.match(/^ {3}address /gm)).toHaveLength(1);
  });

  describe('when a file records another run', () => {
    /** The first line about a seed case whose file records `observed`. */
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

    it('says that the recorded violation is fixed', async () => {
      const observed = { outcome: 'aborted', violations: ['no-abort/dma-map-ram-EINVAL'] };
      expect(await verdict('sas3008-after', observed)).toBe(
        '+ every invariant holds on seed-v2; fixed: no-abort/dma-map-ram-EINVAL',
      );
    });

    it('gives the recorded violations and outcome if they differ', async () => {
      const observed = { outcome: 'rejected', violations: ['no-abort/memslot-EINVAL'] };
      expect(await verdict('guest-4k-on-64k-host', observed)).toMatch(
        /^x breaks guest-page-reachable\/\S+ on \S+; the file records no-abort\/memslot-EINVAL, outcome rejected, now ok$/,
      );
    });

    it('says that the file records no violation', async () => {
      const observed = { outcome: 'ok', violations: [] };
      expect(await verdict('guest-4k-on-64k-host', observed)).toMatch(
        /^x breaks guest-page-reachable\/\S+ on \S+; the file records no violation, outcome ok$/,
      );
    });

    it('gives the recorded outcome even if every invariant holds', async () => {
      const observed = { outcome: 'rejected', violations: [] };
      expect(await verdict('sas3008-after', observed)).toBe(
        '+ every invariant holds on seed-v2; the file records no violation, outcome rejected, now ok',
      );
    });

    it('does not compare a run on another revision', async () => {
      const observed = { outcome: 'rejected', violations: ['no-abort/memslot-EINVAL'] };
      expect(await verdict('sas3008-after', observed, ['--revision', 'qemu-11.1'])).toBe(
        '+ every invariant holds on qemu-11.1',
      );
    });
  });
});

describe('barproof reproduce', () => {
  const KNOWN = (name: string): string =>
    fileURLToPath(new URL(`../../regressions/known/${name}.json`, import.meta.url));

  it('prints a program, or writes it into a file and says how to run it', async () => {
    const printed = await barproof(['reproduce', KNOWN('no-abort--bar-size-assertion')]);
    expect(printed).toMatchObject({ code: 0, err: '' });
    expect(printed.out).toContain('if __name__ == "__main__":');
    const file = join(folder, 'show it.py');
    const written = await barproof(['reproduce', KNOWN('no-abort--bar-size-assertion'), '-o', file]);
    expect(written).toEqual({ code: 0, out: `wrote ${file}; run it with: python3 '${file}'\n`, err: '' });
    expect(readFileSync(file, 'utf8')).toBe(printed.out);
  });

  it('refuses a case that no vfio-user device can show, with the reason', async () => {
    const file = KNOWN('no-abort--dma-map-ram-ENOSPC');
    const { code, out, err } = await barproof(['reproduce', file]);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(
      /^✖ \S+ENOSPC.json: no vfio-user device can show this case: it needs the kernel's own .*\n$/,
    );
  });
});

describe('barproof mtree', () => {
  it('prints the tree, and the flat views with --flat or -f', async () => {
    const tree = await barproof(['mtree', SEED('sas3008-before')]);
    expect(tree).toMatchObject({ code: 0, err: '' });
    expect(tree.out).toMatch(/^address-space: memory\n/);
    const flat = await barproof(['mtree', '--flat', SEED('sas3008-before')]);
    expect(flat.out).toMatch(/^FlatView #0\n/);
    expect((await barproof(['mtree', SEED('sas3008-before'), '-f'])).out).toBe(flat.out);
  });

  it('prints the form of the revision of --revision', async () => {
    const { out } = await barproof(['mtree', SEED('sas3008-before'), '--revision', 'qemu-11.1']);
    expect(out).toContain('0001:03:00.0 base BAR 1');
  });

  it('prints disabled regions of newer revisions only with --disabled', async () => {
    const words = ['mtree', SEED('sas3008-before'), '--revision', 'qemu-11.1'];
    const { out } = await barproof(words);
    expect(out).not.toContain('[disabled]');
    expect((await barproof([...words, '--disabled'])).out).toContain('[disabled]');
  });

  it('prints the memory map at the death of the VMM, and the error on standard error', async () => {
    const { code, out, err } = await barproof(['mtree', SEED('cx4-64k')]);
    expect(code).toBe(0);
    expect(out).toContain('msix-table');
    expect(err).toMatch(/^aborted: vfio: DMA mapping failed.*; this is the memory map at that moment\n$/);
  });
});

describe('barproof check', () => {
  it('finds nothing new on the newest revision, lists its known findings, and exits with 0', async () => {
    const { code, out, err } = await barproof(['check', '--runs', '200', ...store()]);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(
      new RegExp(
        String.raw`^barproof \d+\.\d+\.\d+: qemu-11.1 on model, ${COMMON_INVARIANTS.length} invariants, 200 cases, seed barproof\n\nknown: `,
      ),
    );
    expect(out).toMatch(/^known: map-aligned\/ram-range-unaligned\n {2}RAM is trimmed to the host's page /m);
    expect(out).toMatch(/\nno new counterexample\n$/);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('finds the failure of the seed patch, and stores it', async () => {
    const { code, out } = await barproof(['check', '--revision', 'seed-v2', '--runs', '100', ...store()]);
    expect(code).toBe(1);
    expect(out).toMatch(/^\d+ {2}map-aligned \/ bar-fragment-unaligned/m);
    expect(out).toMatch(/\nfound \d+ counterexamples?/);
    expect(readdirSync(join(folder, 'regressions', 'map-aligned')).length).toBeGreaterThan(0);
  });

  it('runs other cases for another seed, and the same cases for the same seed', async () => {
    const words = ['check', '--revision', 'seed-v2', '--runs', '30', '--no-save', ...store()];
    const outOf = async (seed: string): Promise<string> =>
      (await barproof([...words, '--seed', seed])).out.split('\n').slice(1).join('\n');
    const a = await outOf('a');
    expect(await outOf('b')).not.toBe(a);
    expect(await outOf('a')).toBe(a);
  });

  it('stores nothing with --no-save, and prints no replay command', async () => {
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

  it('checks only the invariant of --invariant', async () => {
    const words = ['--revision', 'seed-v2', '--runs', '100', '--invariant', 'flat-partition', ...store()];
    const { code, out } = await barproof(['check', ...words]);
    expect(code).toBe(0);
    expect(out).toMatch(/^barproof \d+\.\d+\.\d+: seed-v2 on model, flat-partition, 100 cases, /);
  });

  it('exits with 0 on a warning, also with --strict', async () => {
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
    expect(out).toMatch(/\nevery invariant holds, 1 warning\nthe folder \S+ holds this case\n$/);
    expect(code).toBe(0);
  });

  it('counts known findings with --strict', async () => {
    const words = ['--runs', '200', '--no-save', ...store()];
    const { out: lenient } = await barproof(['check', ...words]);
    const known = [...lenient.matchAll(/^known: (\S+)$/gm)].map(([, name]) => name!);
    const { code, out } = await barproof(['check', '--strict', ...words]);
    expect(code).toBe(1);
    expect(out).not.toContain('known: ');
    const reported = [...out.matchAll(/^\d+ {2}(?:warning )?(\S+) \/ (\S+) /gm)].map(
      ([, id, cause]) => `${id}/${cause}`,
    );
    expect(reported.toSorted()).toEqual(known.toSorted());
    expect(out).toMatch(/\nfound [1-9]\d* counterexamples?(, \d+ warnings?)?\n$/);
  });

  it('exits with 1 if a stored case breaks an invariant, even where the search finds nothing', async () => {
    mkdirSync(join(folder, 'regressions'));
    const text = readFileSync(SEED('cx4-64k'), 'utf8');
    writeFileSync(join(folder, 'regressions', 'a.json'), text);
    const { code, out } = await barproof([
      'check',
      '--revision',
      'seed-v2',
      '--runs',
      '1',
      '--seed',
      '4',
      '--invariant',
      'map-aligned',
      ...store(),
    ]);
    expect(code).toBe(1);
    expect(out).toContain('map-aligned / bar-fragment-unaligned   (a case stored for seed-v2)');
    expect(out).toContain(`\n   again     barproof replay ${join(folder, 'regressions', 'a.json')}\n`);
    expect(readdirSync(join(folder, 'regressions'))).toEqual(['a.json']);
  });

  it('exits with 2 over a folder with an invalid regression, and names file and path', async () => {
    mkdirSync(join(folder, 'regressions'));
    writeFileSync(join(folder, 'regressions', 'a.json'), '{ "schema": 1, "scenario": {} }');
    const { code, out, err } = await barproof(['check', '--runs', '10', ...store()]);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(/^✖ .*regressions\/a\.json: title: expected text/m);
  });

  it('names a JSON file of another program in the folder, and passes it over', async () => {
    mkdirSync(join(folder, 'regressions'));
    writeFileSync(join(folder, 'regressions', 'package.json'), '{ "name": "other" }');
    const { code, err } = await barproof(['check', '--runs', '10', ...store()]);
    expect(code).toBe(0);
    expect(err).toMatch(
      /^note: .*regressions\/package\.json is no stored case: it has no scenario, and is passed over\n$/,
    );
  });

  it.each([
    [['--seed', ''], 'seed '],
    [['--seed', 'zwölf \u{1F980}'], 'seed zwölf \u{1F980}'],
    [['--seed=--runs'], 'seed --runs'],
    [['--runs', '007'], '7 cases'],
  ])('accepts %j', async (words, line) => {
    const { code, out } = await barproof(['check', '--runs', '5', ...words, ...store()]);
    expect([0, 1]).toContain(code);
    expect(out.split('\n')[0]).toContain(line);
  });

  it('exits with 2 if the folder of regressions is a file', async () => {
    put('regressions', '');
    expect(await barproof(['check', '--runs', '1', ...store()])).toEqual({
      code: 2,
      out: '',
      err: `✖ --regressions: ${join(folder, 'regressions')}: this is no folder, or below a file; expected a folder\n`,
    });
  });

  /** A check whose findings would lie below a path that is a file. */
  const unstored = (revision: string, invariant: string) => {
    mkdirSync(join(folder, 'regressions'));
    put(join('regressions', invariant), '');
    return barproof(['check', '--revision', revision, '--runs', '600', '--invariant', invariant, ...store()]);
  };

  it('exits with 1 for a counterexample that cannot be stored, and names the file', async () => {
    const { code, out, err } = await unstored('seed-v2', 'map-aligned');
    expect([code, out]).toEqual([1, expect.stringMatching(/^found \d+ counterexamples?/m)]);
    expect(err).toMatch(/^✖ \S+\/map-aligned\/\S+\.json: .*\(ENOTDIR\)$/m);
    expect(out).not.toContain('again ');
  });

  it('exits with 2 for a warning that cannot be stored', async () => {
    const { code, out, err } = await unstored('qemu-6.0', 'guest-page-reachable');
    expect([code, out]).toEqual([2, expect.stringContaining('every invariant holds, 1 warning')]);
    expect(err).toMatch(/^✖ \S+\/guest-page-reachable\/\S+\.json: .*\(ENOTDIR\)\n$/);
  });

  it('exits with 2 if the folder of regressions cannot be created', async () => {
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

  it('leaves out stored cases with an IOMMU that the revision does not support', async () => {
    mkdirSync(join(folder, 'regressions'));
    const known = fileURLToPath(
      new URL('../../regressions/known/mmap-inside-bar--beyond-bar.json', import.meta.url),
    );
    writeFileSync(join(folder, 'regressions', 'a.json'), readFileSync(known));
    const { code } = await barproof([
      'check',
      '--revision',
      'seed-v2',
      '--runs',
      '1',
      '--invariant',
      'mmap-inside-bar',
      ...store(),
    ]);
    expect(code).toBe(0);
  });

  it.each([
    ['1', 'with a counterexample', [], /\nfound \d+ counterexamples?/],
    ['2', 'without a counterexample', ['--invariant', 'flat-partition'], /were run\n$/],
  ])('exits with %s when it is interrupted %s', async (code, _, words, end) => {
    setImmediate(() => process.emit('SIGINT', 'SIGINT'));
    const all = ['check', '--revision', 'seed-v2', '--runs', '1000000000', ...words, ...store()];
    const result = await barproof(all);
    expect(result).toMatchObject({ code: Number(code), err: '' });
    expect(result.out).toMatch(/\ninterrupted: 250 of 1000000000 cases were run\n/);
    expect(result.out).toMatch(end);
    expect(result.out).not.toMatch(/every invariant holds/);
    const kept = [...result.out.matchAll(/^ {3}again {5}barproof replay (.+)$/gm)].map(([, file]) => file!);
    expect(kept.length > 0).toBe(code === '1');
    for (const file of kept) {
      const { out, err } = await barproof(['replay', file]);
      expect(err).toBe('');
      expect(out).toMatch(/^x .* on seed-v2, as recorded\n/);
    }
  });
});
