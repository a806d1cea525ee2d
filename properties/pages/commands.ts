import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { installBarproof } from '../testing/installed-barproof.ts';
import { ROOT, blocksOf, codeIn, type Block } from './page.ts';

/** How many generated cases a search of a page gets in the test. */
const RUNS = 100;

/**
 * Commands of the pages that the test does not run, by their exact text. Files that they name must exist, and so
 * must options of barproof.
 */
export const NOT_RUN: readonly string[] = [
  // They fetch from the network.
  '.ci/install-qemu',
  '.ci/install-qemu-source',
  // They need a real QEMU, or two builds of it.
  'export BARPROOF_QEMU=$PWD/.cache/qemu/bin',
  'export BARPROOF_QEMU_DEADLINE=60',
  'npx barproof check --target qemu',
  'npx barproof check --target qemu --seed ci --runs 500 --no-save',
  'npx barproof fuzz --target qemu --time 1h --jobs 2 --corpus real',
  'npx barproof fuzz --target qemu --interface kernel --qemu /path/to/qemu-system-x86_64 --runs 960 --corpus real',
  'npx barproof validate --qemu new-build --qemu-base old-build',
  'python3 show.py --qemu build/',
  // It needs a real kernel.
  'npx barproof check --target linux',
  // They build a QEMU.
  'npx barproof validate fix.patch --qemu-tree ~/qemu',
  'npx barproof validate fix.patch --qemu-tree ~/qemu --target-list x86_64,ppc64',
  'npx barproof cache',
  'npx barproof cache --build ~/qemu',
  'npx barproof cache --clear',
  'npx barproof validate series.mbox --qemu-tree ~/qemu --onto v10.2.0',
  'npx barproof validate master..my-branch --qemu-tree ~/qemu',
  'export BARPROOF_QEMU_TREE=$PWD/.cache/qemu-source/source',
];

/** npm's own commands; all others are scripts of package.json. */
const OF_NPM: ReadonlySet<string> = new Set(['ci', 'install']);

const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  readonly scripts: Readonly<Record<string, string>>;
};

/** What came of a command. */
export interface Result {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** A checkout in a temporary folder, with barproof built, in which a page's commands run. */
export class Checkout {
  readonly #installed = installBarproof();
  readonly folder = this.#installed.folder;

  /** Saves the blocks of a page that carry a file name. */
  save(blocks: readonly Block[]): void {
    for (const { file, text } of blocks) {
      if (file === undefined) continue;
      mkdirSync(dirname(join(this.folder, file)), { recursive: true });
      writeFileSync(join(this.folder, file), text);
    }
  }

  /** Runs a line of shell in which `npx barproof` is the build. */
  run(line: string): Result {
    const npx = `npx() { shift; "${process.execPath}" "${this.#installed.main}" "$@"; }`;
    const { status, stdout, stderr } = spawnSync('bash', ['-c', `${npx}\n${line}`], {
      cwd: this.folder,
      encoding: 'utf8',
      env: { ...process.env, FORCE_COLOR: '0', BARPROOF_QEMU: '' },
    });
    return { code: status, out: stdout, err: stderr };
  }

  remove(): void {
    this.#installed.remove();
  }
}

/** A line of shell in a page, for the reader to type. */
export interface PageCommand {
  readonly line: string;
  /** From the comment behind the line, `# exit code 1`; 0 without one. */
  readonly code: number;
}

/** The commands in a workflow of GitHub or GitLab, and in a makefile. */
const COMMANDS_OF: Readonly<Record<string, RegExp>> = {
  yaml: /^ *(?:- run: |run: |- (?=npm |npx |\.ci\/))(.+)$/gm,
  make: /^\t(.+)$/gm,
};

/**
 * The commands in the `sh` blocks of a page, those of its workflows and makefiles, and those between
 * backticks in its text.
 */
export function commandsOf(page: string): PageCommand[] {
  const inBlocks = blocksOf(page).flatMap(({ language, text }) => {
    if (language === 'sh') return text.split('\n');
    const pattern = COMMANDS_OF[language];
    return pattern === undefined ? [] : [...text.matchAll(pattern)].map(([, line = '']) => line);
  });
  const inText = codeIn(page).filter((code) => /^(?:[A-Z_]+=\S+ )*(?:npm (?:run|test|ci)|npx)\b/.test(code));
  return [...inBlocks, ...inText].flatMap(readCommand);
}

function readCommand(text: string): PageCommand[] {
  const [, line = '', comment = ''] = /^(.*?)\s*(?:#\s(.*))?$/.exec(text)!;
  if (line === '') return [];
  return [{ line, code: Number(/exit code (\d)/.exec(comment)?.[1] ?? 0) }];
}

/** The commands of a line that run barproof on the model; the test runs them and no others. */
export const partsToRun = ({ line }: PageCommand): string[] =>
  NOT_RUN.includes(line) ? [] : line.split(' && ').filter((part) => part.startsWith('npx barproof '));

/** How many cases a campaign of a page gets: each kind of failure that it finds is shrunk, which takes longer. */
const CAMPAIGN_RUNS = 20;

/** Of how many parts of a scope the test runs one. */
const PARTS = 10_000;

/** The command with few cases if it is a search or a proof, so that the test takes seconds. */
export const shortened = (command: string): string => {
  if (/^npx barproof (?:check|validate)\b/.test(command)) {
    return `${command.replace(/ --runs \d+/, '')} --runs ${RUNS}`;
  }
  // The second of two parts has a case only where there are more cases than one part takes at a time.
  if (/^npx barproof fuzz\b/.test(command) && !command.includes(' --shard '))
    return command.replace(/ --(?:time|runs) \w+/, ` --runs ${CAMPAIGN_RUNS}`);
  // The first part has the first counterexample of a revision that has one.
  return /^npx barproof prove\b/.test(command) ? withSmallPart(command) : command;
};

/** A command that names a small part itself has a scope that is too large for the test's own. */
const withSmallPart = (command: string): string => {
  const parts = Number(/ --shard \d+\/(\d+)/.exec(command)?.[1] ?? 1);
  return parts > PARTS ? command : `${command.replace(/ --shard \S+/, '')} --shard 1/${PARTS}`;
};

/** What is wrong with a command that the test does not run. */
export function problemsOf({ line }: PageCommand): string[] {
  return line.split(' && ').flatMap((part) => {
    if (NOT_RUN.includes(line) || part.startsWith('npx barproof ')) return [];
    const words = part.split(' ').filter((word) => !/^[A-Z_]+=/.test(word));
    const [program, command = '', name = ''] = words;
    // vitest takes a path behind -u for the argument of -u, and then runs every test.
    if (/ (?:-u|--update) \w/.test(part)) return [`${part}: -u stands last`];
    if (program === 'npx' && ['vitest', 'tsc'].includes(command)) return missingPaths(words);
    if (program !== 'npm') return [`${part}: not a command that this test knows`];
    const script = command === 'run' ? name : command;
    if (!OF_NPM.has(script) && scripts[script] === undefined) return [`${part}: no script ${script}`];
    return missingPaths(words);
  });
}

const missingPaths = (words: readonly string[]): string[] =>
  words
    .filter((word) => /^(?:src|properties|generators|regressions)\//.test(word))
    .filter((word) => !existsSync(join(ROOT, word)))
    .map((word) => `${word} does not exist`);
