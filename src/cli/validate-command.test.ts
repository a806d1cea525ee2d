import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeScenario } from '../scenario/index.ts';
import { parseJson } from '../input/index.ts';
import { runInProcess } from './testing/run-in-process.ts';

let folder = '';
let before = '';
beforeEach(() => {
  before = process.cwd();
  folder = mkdtempSync(join(tmpdir(), 'barproof-validate-'));
  process.chdir(folder);
});
afterEach(() => {
  process.chdir(before);
  rmSync(folder, { recursive: true });
});

const run = (...words: string[]) => runInProcess(words);

const patch = (name: string, definition: string): string => {
  writeFileSync(
    name,
    `import { definePatch } from 'barproof';\nexport default definePatch(${definition});\n`,
  );
  return name;
};

describe('barproof validate', { timeout: 120_000 }, () => {
  it('exits with 0 for a patch that changes nothing, and says so', async () => {
    const { code, out } = await run('validate', patch('p.ts', `{ name: 'p' }`), '--runs', '50');
    expect(code).toBe(0);
    expect(out).toMatch(
      /^changes nothing in \d+ cases(; not exercised: .*)?\nqemu-11\.1\+p against qemu-11\.1: \d+ cases, seed barproof\ncosts: no .*\n$/,
    );
    expect(existsSync('regressions')).toBe(false);
  });

  it('exits with 2 for a patch of which no case asks a rule, unless the user allows that', async () => {
    const file = patch('p.ts', `{ name: 'p', listener: { whenMapped: 'unmap-and-retry' } }`);
    const { code, out } = await run('validate', file, '--runs', '1', '--no-save');
    expect(out).toMatch(/^not reached: listener\.whenMapped; \d+ cases say nothing of the patch\n/);
    expect(code).toBe(2);
    expect((await run('validate', file, '--runs', '1', '--no-save', '--allow-unreached')).code).toBe(0);
  });

  it('says of a patch whose rules answer as those of the base that they do', async () => {
    const same = `(base) => ({ unmapSpan: (piece) => ({ start: piece.start, size: piece.size }) })`;
    const { code, out } = await run(
      'validate',
      patch('p.ts', `{ name: 'p', listener: ${same} }`),
      '--runs',
      '50',
    );
    expect(out).toMatch(
      /^changes nothing in \d+ cases: its rules answered as those of the base each time \(listener\.unmapSpan\s+was\s+asked\s+[\d,]+\s+times:\s+[^)]*answers?\)/,
    );
    expect(code).toBe(0);
  });

  it('exits with 2 for a patch of which one rule answers as the base, and no case asks another', async () => {
    const rules = `(base) => ({ ...base, unmapSpan: (piece) => base.unmapSpan(piece), whenMapped: 'unmap-and-retry' })`;
    const file = patch('p.ts', `{ name: 'p', listener: ${rules} }`);
    const { code, out } = await run('validate', file, '--runs', '1', '--no-save');
    expect(out).toMatch(/^not reached: listener\.whenMapped; \d+ cases say nothing of the patch\n/);
    expect(code).toBe(2);
  });

  it('exits with 2 for a patch that answers otherwise after some cases', async () => {
    const file = join(folder, 'state.ts');
    writeFileSync(
      file,
      `import { definePatch } from 'barproof';
const seen = new Set();
export default definePatch({ name: 'state', base: 'qemu-11.1', pci: (base) => ({ decodeBar: (type, register, size, zero) => {
  seen.add(register);
  const decoded = base.decodeBar(type, register, size, zero);
  return seen.size > 50 && 'address' in decoded ? { unmapped: 'off' } : decoded;
} }) });
`,
    );
    const { code, err } = await run('validate', file, '--runs', '300', '--no-save');
    expect(err).toContain('a rule keeps state from one case to the next');
    expect(code).toBe(2);
  });

  it('puts the patch `before` of a file on the base first', async () => {
    const file = join(folder, 'before.ts');
    writeFileSync(
      file,
      `import { definePatch } from 'barproof';
export const before = definePatch({ name: 'old', base: 'qemu-11.1', listener: { skip: () => 'all' } });
export default definePatch({ name: 'new', base: 'qemu-11.1', listener: { skip: () => 'all' } });
`,
    );
    const { code, out } = await run('validate', file, '--runs', '20', '--no-save');
    expect(out).toContain('\nqemu-11.1+old+new against qemu-11.1+old: ');
    expect(code).toBe(0);
  });

  it('exits with 1 for a patch that breaks an invariant on the revision of --base', async () => {
    const file = patch('p.ts', `{ name: 'p', base: 'seed-v2', listener: { skip: () => 'all' } }`);
    const { code, out } = await run('validate', file, '--base', 'qemu-6.0', '--runs', '20', '--json');
    expect(code).toBe(1);
    const verdict = JSON.parse(out);
    expect(verdict).toMatchObject({ base: { id: 'qemu-6.0' }, patched: { id: 'qemu-6.0+p' }, breaks: true });
    const broken = verdict.invariants.find(
      ({ invariant }: { invariant: string }) => invariant === 'ram-reachable',
    );
    expect(broken.status).toBe('broken');
    const { scenario, base, patched } = broken.causes[0].counterexample;
    expect(decodeScenario(scenario).revision).toBe('qemu-6.0');
    expect(base.violation).toBeNull();
    expect(patched.violation.message).toMatch(/is not DMA-mapped/);
    expect(patched.memoryMap.join('\n')).toMatch(/skipped, all/);
    expect(base.memoryMap.join('\n')).toMatch(/mapped/);
  });

  it('exits with 2 for a patch that throws, and gives the line and the scenario', async () => {
    const file = patch(
      'p.ts',
      `{ name: 'p',\n listener: { alignment: () => {\n throw new Error('oops'); } } }`,
    );
    const { code, out, err } = await run('validate', file, '--runs', '20', '--json');
    expect(code).toBe(2);
    expect(err).toMatch(
      /^✖ p\.ts: listener\.alignment throws Error: oops, at line 4\n {2}in this scenario:\n/,
    );
    const { fault } = JSON.parse(out);
    expect(fault).toMatchObject({ rule: 'listener.alignment', what: 'throws Error: oops' });
    expect(decodeScenario(fault.scenario).devices).toHaveLength(1);
  });

  it.each([
    [`{ name: 'p', base: 'qemu-9' }`, [], /^✖ p\.ts: base: there is no revision qemu-9; /],
    [`{ name: 'p' }`, ['--base', 'qemu-9'], /^✖ --base: there is no revision qemu-9; /],
    [`{ name: 'p', listener: () => ({ skip: 3 }) }`, [], /^✖ p\.ts: listener\.skip: expected a function\n$/],
    [`{ nam: 'p' }`, [], /^✖ p\.ts: nam: unknown key; did you mean name\?\n/],
  ])('exits with 2 for an invalid patch: %s %j', async (definition, words, message) => {
    const { code, out, err } = await run('validate', patch('p.ts', definition), ...words);
    expect(code).toBe(2);
    expect(err).toMatch(message);
    expect(out).toBe('');
  });

  it('exits with 2 for a patch that leaves a rejected promise unhandled', async () => {
    const file = patch('p.ts', `{ name: 'p', title: (void Promise.reject(new Error('late')), 'p') }`);
    const { code, err } = await run('validate', file, '--runs', '5');
    expect(code).toBe(2);
    expect(err).toBe(
      '✖ p.ts: a promise of the patch was rejected, and nothing handles the rejection: Error: late\n',
    );
  });

  it('reports an invalid patch that also leaves a rejected promise unhandled', async () => {
    const file = patch('p.ts', `{ nam: (void Promise.reject(new Error('late')), 'p') }`);
    const { code, err } = await run('validate', file);
    expect(code).toBe(2);
    expect(err).toMatch(/^✖ p\.ts: nam: unknown key; did you mean name\?\n/);
    expect(err).not.toContain('late');
  });

  it('judges a patch of cloud-hypervisor, which has none of the machines of QEMU', async () => {
    const never = `{ name: 'p', base: 'cloud-hypervisor-53.0', cloudHypervisor: { routesToTable: () => false } }`;
    const { code, out, err } = await run('validate', patch('p.ts', never), '--runs', '300');
    expect([code, err]).toEqual([1, '']);
    expect(out).toContain('access-dispatched / ');
  });

  it('exits with 2 for a file that does not exist', async () => {
    expect(await run('validate', 'nowhere.ts')).toMatchObject({
      code: 2,
      err: '✖ nowhere.ts: there is no such file\n',
    });
  });

  it('reads a patch in C from standard input', async () => {
    const words = ['validate', '-', '--qemu-tree', '/nowhere'];
    const diff = '--- a/hw/vfio/pci.c\n+++ b/hw/vfio/pci.c\n@@ -1 +1 @@\n-x\n+y\n';
    expect((await runInProcess(words, diff)).err).toMatch(/^✖ \/nowhere is no QEMU source/);
    expect(await runInProcess(words, 'hello\n')).toMatchObject({
      code: 2,
      err: expect.stringMatching(
        /^✖ standard input: expected a patch; there is no diff in the text/,
      ) as string,
    });
  });

  it('writes the verdict as JSON with --json', async () => {
    const { out } = await run('validate', patch('p.ts', `{ name: 'p' }`), '--runs', '5', '--json');
    expect(parseJson(out)).toMatchObject({ breaks: false });
  });

  it.each([
    [[], 'expected a patch file, or --qemu with the path of a patched QEMU'],
    [['p.ts', '--qemu', '/x'], 'expected either a patch file or --qemu and --qemu-base, not both'],
    [['p.ts', '--qemu-base', '/x'], 'expected either a patch file or --qemu and --qemu-base, not both'],
    [['--qemu', '/x', '--base', 'seed-v2'], '--base is for patch files; use --qemu-base with --qemu'],
  ])('exits with 2 for %j', async (words, message) => {
    expect(await run('validate', ...words)).toEqual({ code: 2, out: '', err: `✖ ${message}\n` });
  });
});

describe('the counterexamples of barproof validate', { timeout: 120_000 }, () => {
  const SKIPS = `{ name: 'p', base: 'seed-v2', listener: { skip: () => 'all' } }`;

  it('are stored, and each command that the verdict prints shows its finding again', async () => {
    const { code, out } = await run('validate', patch('p.ts', SKIPS), '--runs', '20');
    expect(code).toBe(1);
    const commands = [...out.matchAll(/^ {3}again {5}barproof (replay .+)$/gm)].map(([, words]) => words!);
    const headings = [...out.matchAll(/^\d+ {2}([a-z-]+) \/ (\S+): (breaks|mends|uncovers)/gm)];
    expect(commands, out).toHaveLength(headings.length);
    expect(commands.length).toBeGreaterThan(0);
    // From another folder, too.
    process.chdir(tmpdir());
    for (const [index, command] of commands.entries()) {
      const [, invariant, cause, effect] = headings[index]!;
      const again = await run(...command.split(' '));
      const without = await run(...command.replace(/ --patch \S+/, '').split(' '));
      const shows = (text: string): boolean => text.includes(`${invariant}/${cause}`);
      expect([shows(again.out), shows(without.out)], command).toEqual(
        effect === 'mends' ? [false, true] : [true, false],
      );
    }
  });

  it('leave a check of the base as it was', async () => {
    await run('validate', patch('p.ts', SKIPS), '--runs', '20');
    const { out } = await run(
      'check',
      '--revision',
      'qemu-11.1',
      '--runs',
      '1',
      '--invariant',
      'ram-reachable',
    );
    expect(out).toMatch(/(?:every invariant holds|no new counterexample)\n$/);
  });

  it('are not stored with --no-save, and the verdict names no file', async () => {
    const { code, out } = await run('validate', patch('p.ts', SKIPS), '--runs', '20', '--no-save');
    expect([code, existsSync('regressions'), /^ {3}again/m.test(out)]).toEqual([1, false, false]);
  });

  it('that cannot be stored do not cost the verdict', async () => {
    writeFileSync('regressions', 'a file, not a folder');
    const { code, out, err } = await run('validate', patch('p.ts', SKIPS), '--runs', '20');
    expect(code).toBe(1);
    expect(out).toMatch(/^breaks \d+: /);
    expect(err).toMatch(/^✖ regressions\/seed-v2\+p\/\S+: /);
  });
});

describe('barproof run and replay with --patch', { timeout: 120_000 }, () => {
  const scenario = () => {
    writeFileSync(
      'case.json',
      JSON.stringify({
        version: 1,
        machine: { type: 'pc', ram: '0x10000000' },
        revision: 'qemu-11.1',
        host: { kernel: 'msix-mappable', iommu: { type: 'type1', pageSizes: ['0x1000'] } },
        devices: [{ id: 'dev0', bars: [{ index: 0, size: '0x4000', type: 'mem32' }] }],
      }),
    );
    return 'case.json';
  };

  it('run the case with the patch on its revision', async () => {
    const file = patch('p.ts', `{ name: 'p', listener: { skip: () => 'all' } }`);
    expect(await run('replay', scenario(), '--patch', file)).toMatchObject({
      code: 1,
      out: expect.stringMatching(/breaks ram-reachable\/not-mapped on qemu-11\.1\+p/),
    });
    expect((await run('replay', scenario())).code).toBe(0);
    const ran = await run('run', scenario(), '--patch', file, '--json');
    expect(ran.code).toBe(1);
    expect(JSON.parse(ran.out)).toMatchObject({ revision: 'qemu-11.1+p' });
  });

  it.each(['run', 'replay'])(
    '%s exits with 2 for a patch that throws, and names the line',
    async (command) => {
      const file = patch('p.ts', `{ name: 'p', listener: { skip: () => {\n throw new Error('oops'); } } }`);
      expect(await run(command, scenario(), '--patch', file)).toMatchObject({
        code: 2,
        err: '✖ case.json: p.ts: listener.skip throws Error: oops, at line 3\n',
      });
    },
  );

  it.each([
    [
      ['replay', 'case.json', '--patch', 'p.ts', '--target', 'qemu'],
      '--patch: a patch file changes the model, not a real QEMU',
    ],
    [['replay', 'case.json', '--qemu', '/x'], '--qemu: expected with --target qemu; the model runs no QEMU'],
    [['run', 'case.json', '--qemu', '/x'], '--qemu: expected with --target qemu; the model runs no QEMU'],
    [['check', '--interface', 'kernel'], '--interface: expected with --target qemu; the model runs no QEMU'],
    [['check', '--qemu', '/x'], '--qemu: expected with --target qemu; the model runs no QEMU'],
  ])('exits with 2 for %j', async (words, message) => {
    scenario();
    expect(await run(...words)).toEqual({ code: 2, out: '', err: `✖ ${message}\n` });
  });

  it.each(['check', 'validate'])(
    '%s --runs 0 exits with 2: a search without a case says nothing',
    async (command) => {
      const { code, err } = await run(command, '--runs', '0');
      expect([code, err]).toEqual([
        2,
        expect.stringContaining('expected a whole number from 1 to 1000000000'),
      ]);
    },
  );
});

describe('barproof new-patch', { timeout: 120_000 }, () => {
  it('writes a file that barproof validate accepts unchanged', async () => {
    const { code, out } = await run('new-patch', 'my-rule');
    expect(code).toBe(0);
    expect(out).toBe('wrote my-rule.ts; judge it with: barproof validate my-rule.ts\n');
    const judged = await run('validate', 'my-rule.ts', '--runs', '20');
    expect(judged.err).toBe('');
    expect(judged.out).toMatch(/^[a-z].*\nqemu-11\.1\+my-rule against qemu-11\.1: /);
  });

  it('writes rules in comments that barproof validate accepts, too', async () => {
    await run('new-patch', 'my-rule');
    const text = readFileSync('my-rule.ts', 'utf8').replace(/^( *)\/\/ ( *)(\w+: .*|\}\),)$/gm, '$1$2$3');
    expect(text).not.toMatch(/^ *\/\/ *\w+:/m);
    writeFileSync('all.ts', text);
    const { code, err } = await run('validate', 'all.ts', '--runs', '5');
    expect(err).toBe('');
    expect(code).not.toBe(2);
  });

  it('does not overwrite a file', async () => {
    writeFileSync('mine.ts', 'precious');
    const { code, err } = await run('new-patch', 'mine');
    expect(code).toBe(2);
    expect(err).toBe('✖ mine.ts: the file exists already and is not overwritten; choose another name\n');
    expect(readFileSync('mine.ts', 'utf8')).toBe('precious');
  });

  it.each(['../up', 'Upper', 'a b', ''])('refuses the name %j', async (name) => {
    expect(await run('new-patch', name)).toMatchObject({ code: 2, out: '' });
    expect(existsSync(`${name}.ts`)).toBe(false);
  });
});
