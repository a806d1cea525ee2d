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
    expect(out).toMatch(/^qemu-11\.1\+p against qemu-11\.1, \d+ cases, seed barproof\n\nchanges nothing\n$/);
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

  it('exits with 2 for a file that does not exist', async () => {
    expect(await run('validate', 'nowhere.ts')).toMatchObject({
      code: 2,
      err: '✖ nowhere.ts: there is no such file\n',
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

describe('barproof new-patch', { timeout: 120_000 }, () => {
  it('writes a file that barproof validate accepts unchanged', async () => {
    const { code, out } = await run('new-patch', 'my-rule');
    expect(code).toBe(0);
    expect(out).toBe('wrote my-rule.ts; judge it with: barproof validate my-rule.ts\n');
    const judged = await run('validate', 'my-rule.ts', '--runs', '20');
    expect(judged.err).toBe('');
    expect(judged.out).toMatch(/^qemu-11\.1\+my-rule against qemu-11\.1/);
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
