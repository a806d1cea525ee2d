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
  it('ends with 0 for a patch that breaks nothing, and says so', async () => {
    const { code, out } = await run('validate', patch('p.ts', `{ name: 'p' }`), '--runs', '50');
    expect(code).toBe(0);
    expect(out).toMatch(/^qemu-11\.1\+p against qemu-11\.1, \d+ cases, seed barproof\n\nchanges nothing\n$/);
  });

  it('ends with 1 for one that breaks something, on the base that was asked for', async () => {
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

  it('ends with 2 for one that throws, with the place and the scenario', async () => {
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
    [`{ nam: 'p' }`, [], /^✖ p\.ts: nam: a patch has no such part; did you mean name\?\n/],
  ])('ends with 2 for what is no patch: %s', async (definition, words, message) => {
    const { code, out, err } = await run('validate', patch('p.ts', definition), ...words);
    expect(code).toBe(2);
    expect(err).toMatch(message);
    expect(out).toBe('');
  });

  it('ends with 2 for one that leaves a failing promise behind', async () => {
    const file = patch('p.ts', `{ name: 'p', title: (void Promise.reject(new Error('late')), 'p') }`);
    const { code, err } = await run('validate', file, '--runs', '5');
    expect(code).toBe(2);
    expect(err).toBe('✖ p.ts: a promise fails that nobody waits for: Error: late\n');
  });

  it('ends with 2 where there is no file', async () => {
    expect(await run('validate', 'nowhere.ts')).toMatchObject({
      code: 2,
      err: '✖ nowhere.ts: there is no such file\n',
    });
  });
});

describe('barproof new-patch', { timeout: 120_000 }, () => {
  it('writes a file that can be judged as it is', async () => {
    const { code, out } = await run('new-patch', 'my-rule');
    expect(code).toBe(0);
    expect(out).toBe('my-rule.ts is there; judge it with: barproof validate my-rule.ts\n');
    const judged = await run('validate', 'my-rule.ts', '--runs', '20');
    expect(judged.err).toBe('');
    expect(judged.out).toMatch(/^qemu-11\.1\+my-rule against qemu-11\.1/);
  });

  it('names rules that exist, also those behind comment marks', async () => {
    await run('new-patch', 'my-rule');
    const text = readFileSync('my-rule.ts', 'utf8').replace(/^( *)\/\/ ( *)(\w+: .*|\}\),)$/gm, '$1$2$3');
    expect(text).not.toMatch(/^ *\/\/ *\w+:/m);
    writeFileSync('all.ts', text);
    const { code, err } = await run('validate', 'all.ts', '--runs', '5');
    expect(err).toBe('');
    expect(code).not.toBe(2);
  });

  it('leaves a file alone that is there', async () => {
    writeFileSync('mine.ts', 'precious');
    const { code, err } = await run('new-patch', 'mine');
    expect(code).toBe(2);
    expect(err).toBe('✖ mine.ts: there is such a file already; it is left as it is\n');
    expect(readFileSync('mine.ts', 'utf8')).toBe('precious');
  });

  it.each(['../up', 'Upper', 'a b', ''])('takes no name that is none: %j', async (name) => {
    expect(await run('new-patch', name)).toMatchObject({ code: 2, out: '' });
    expect(existsSync(`${name}.ts`)).toBe(false);
  });

  it('writes JSON that parses where it is asked for', async () => {
    const { out } = await run('validate', patch('p.ts', `{ name: 'p' }`), '--runs', '5', '--json');
    expect(parseJson(out)).toMatchObject({ breaks: false });
  });
});
