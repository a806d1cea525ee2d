import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { format } from 'prettier';
import { CODE_QUALITY_FILE } from '../src/readers/index.ts';
import { blocksOf, readPage, ROOT } from './pages/page.ts';

const blocks = blocksOf(readPage('.ci/RECIPES.md'));
const blockOf = (file: string): string => blocks.find((block) => block.file === file)!.text;

const folder = mkdtempSync(join(tmpdir(), 'recipes-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('the recipes for a CI', () => {
  it.each(blocks.filter(({ language }) => language === 'yaml'))('are YAML: $file', async ({ text }) => {
    expect(await format(text, { parser: 'yaml', printWidth: 200 })).toBe(text);
  });

  it('of GitHub upload the files that their check writes', () => {
    const text = blockOf('.github/workflows/barproof.yml');
    const written = [...text.matchAll(/--report \w+=(\S+)/g)].map(([, file]) => file);
    const read = [...text.matchAll(/(?:sarif_file|path): (\S+)/g)].map(([, file]) => file);
    expect(read.toSorted()).toEqual(written.toSorted());
    // Without it GitHub takes no SARIF of the job.
    expect(text).toContain('security-events: write');
    expect(text.match(/^ +if: always\(\)$/gm)).toHaveLength(read.length);
  });

  it('of GitLab keep the files that their check writes', () => {
    const text = blockOf('.gitlab-ci.yml');
    const written = [...text.matchAll(/--report \w+=(\S+)/g)].map(([, file]) => file!);
    for (const file of [...written, CODE_QUALITY_FILE])
      expect(text).toMatch(new RegExp(`(?:- |: )${file}\\n`));
    expect(text).toContain('when: always');
  });

  const hasMake = spawnSync('make', ['--version']).status === 0;
  it.skipIf(!hasMake)('of make run what they say', () => {
    const makefile = join(folder, 'barproof.mk');
    execFileSync('cp', [join(ROOT, 'package-lock.json'), folder]);
    execFileSync('tee', [makefile], { input: blockOf('barproof.mk'), stdio: ['pipe', 'ignore', 'inherit'] });
    const dry = (target: string): string[] =>
      execFileSync('make', ['-n', '-f', makefile, target], { cwd: folder, encoding: 'utf8' })
        .trim()
        .split('\n');
    expect(dry('check')).toEqual(['npm ci', 'npx barproof check --seed ci --runs 5000 --no-save']);
    expect(dry('report')).toEqual(['npm ci', expect.stringMatching(/ --report html=barproof\.html$/)]);
    mkdirSync(join(folder, 'node_modules'));
    expect(dry('check')).toHaveLength(1);
  });
});

/** An instruction of a Containerfile, its lines joined. */
interface Instruction {
  readonly word: string;
  readonly text: string;
}

function readContainerfile(): readonly Instruction[] {
  const lines = readFileSync(join(ROOT, '.ci/Containerfile'), 'utf8')
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  return lines.map((line) => {
    const [, word, text] = /^([A-Z]+) +(.*)$/.exec(line)!;
    return { word: word!, text: text! };
  });
}

describe('the Containerfile', () => {
  const instructions = readContainerfile();
  const textsOf = (word: string): string[] =>
    instructions.filter((one) => one.word === word).map(({ text }) => text);
  const copies = textsOf('COPY').map((text) => {
    const words = text.split(' ');
    return { from: words.slice(0, -1), to: words.at(-1)! };
  });
  const image = join(folder, 'image');

  it('has a base image, instructions that container engines know, and commands that a shell can parse', () => {
    expect(instructions[0]!.word).toBe('FROM');
    const known = ['FROM', 'RUN', 'WORKDIR', 'COPY', 'ENV', 'USER', 'ENTRYPOINT', 'CMD'];
    expect(instructions.map(({ word }) => word).filter((word) => !known.includes(word))).toEqual([]);
    for (const command of textsOf('RUN'))
      expect(spawnSync('sh', ['-n', '-c', command], { encoding: 'utf8' }).stderr).toBe('');
  });

  it('has a Node and packages of QEMU as the tests have them', () => {
    const installer = readFileSync(join(ROOT, '.ci/install-qemu'), 'utf8');
    const packages = /qemu-system-x86 .*?(?= \|\||$)/m.exec(installer)![0];
    const command = textsOf('RUN').find((text) => text.includes('apt-get'))!;
    expect(command.replaceAll(/\s+/g, ' ')).toContain(`-t trixie-backports ${packages} `);
    const major = Number(/node:(\d+)-trixie/.exec(textsOf('FROM')[0]!)![1]);
    expect(readFileSync(join(ROOT, '.ci/install-node'), 'utf8')).toMatch(
      new RegExp(`^${major} ${major}\\.`, 'm'),
    );
  });

  it('copies only files and folders that exist', () => {
    expect(copies.flatMap(({ from }) => from).filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  describe('with its files alone', () => {
    beforeAll(() => {
      for (const { from, to } of copies) {
        for (const path of from) {
          const target = to === './' ? join(image, path) : join(image, to);
          mkdirSync(dirname(target), { recursive: true });
          cpSync(join(ROOT, path), target, { recursive: true });
        }
      }
      // In the image `npm ci` fetches the packages.
      symlinkSync(join(ROOT, 'node_modules'), join(image, 'node_modules'));
      execFileSync('npm', ['run', 'prepare'], { cwd: image, stdio: 'pipe' });
    }, 120_000);

    const entry = (JSON.parse(textsOf('ENTRYPOINT')[0]!) as string[])[1]!;
    const run = (...words: readonly string[]) =>
      spawnSync(process.execPath, [entry.replace('/opt/barproof', image), ...words], {
        cwd: folder,
        encoding: 'utf8',
      });

    it('builds barproof, and starts it', () => {
      expect(run(...(JSON.parse(textsOf('CMD')[0]!) as string[])).stdout).toContain('Usage: barproof');
      const { status, stdout, stderr } = run('check', '--runs', '10', '--no-save');
      expect({ status, stderr }, stdout).toEqual({ status: 0, stderr: '' });
    });

    it('replays stored cases, and makes programs of Python', () => {
      expect(run('replay', 'regressions/seed/cx4-64k.json', '--revision', 'qemu-11.1').status).toBe(0);
      const made = run('reproduce', 'regressions/known/no-abort--bar-size-assertion.json');
      expect(made.status, made.stderr).toBe(0);
    });
  });
});
