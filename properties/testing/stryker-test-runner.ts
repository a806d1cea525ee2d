import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createVitest, type Vitest } from 'vitest/node';
import { CodeMutantChannel, type CodeMutantAnswer, type CodeMutantRequest } from './code-mutant-messages.ts';

/** What Stryker tells of a code mutant; its interface is not among our dependencies. */
interface CodeMutantRun {
  readonly activeMutant: { readonly id: string };
  readonly mutantActivation: 'runtime' | 'static';
  readonly testFilter?: readonly string[];
  readonly sandboxFileName: string;
  readonly hitLimit?: number;
}

/** The CPU time of this process with its threads, in milliseconds. */
function cpuTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** The test files of a folder, or a test file itself. */
const testFilesOf = (path: string): readonly string[] =>
  path.endsWith('.ts')
    ? [resolve(path)]
    : readdirSync(path, { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.test.ts'))
        .map((file) => resolve(path, file));

/** How often each code mutant is reached: while the modules load, and by each test. */
interface Coverage {
  readonly static: Record<string, number>;
  readonly perTest: Readonly<Record<string, Record<string, number>>>;
}

/** What Stryker is told of a code mutant. */
interface CodeMutantVerdict {
  readonly status: 'survived' | 'killed' | 'timeout';
  readonly reason?: string;
  readonly nrOfTests?: number;
  readonly killedBy?: readonly string[];
  readonly failureMessage?: string | undefined;
}

/** What the run without a code mutant has shown. */
interface Measured {
  /** The code mutants that loading and tests reach. */
  readonly ofBothKinds: readonly string[];
  /** CPU time of each test. */
  readonly milliseconds: Readonly<Record<string, number>>;
}

/** A file of the sandbox, for the processes that Stryker starts after the first one. */
const MEASURED = 'measured.json';

/**
 * Makes code mutants that tests reach, and loading as well, those of tests alone. Stryker would make them those of
 * loading, which takes long; here that is done for the survivors.
 */
function tellOneKindOf(coverage: Coverage): readonly string[] {
  const reached = new Set(Object.values(coverage.perTest).flatMap((mutants) => Object.keys(mutants)));
  const both = Object.keys(coverage.static).filter((id) => reached.has(id));
  for (const id of both) delete coverage.static[id];
  return both;
}

/** Stryker's numbers for what became of a test. */
const SUCCESS = 0;
const FAILED = 1;

/** In milliseconds of CPU time. */
const LONGEST_OF_UNIT_TESTS = 5_000;
/** Stryker lets a code mutant be reached 100 times as often as the code without it; 10 times is an endless loop, too. */
const STRYKERS_PATIENCE = 10;

/**
 * A test runner for Stryker that keeps the tests loaded: Stryker's own starts vitest anew for each code mutant, which
 * takes a second. Needs Node 22.18, which loads TypeScript itself.
 */
class LoadedTests {
  readonly #channel = new CodeMutantChannel();
  #vitest: Vitest | undefined;
  #run: Promise<unknown> | undefined;
  #isStuck = false;
  #read: Measured | undefined;
  /** How many runs have begun or ended. */
  #waits = 0;

  capabilities(): { readonly reloadEnvironment: boolean } {
    return { reloadEnvironment: true };
  }

  async init(): Promise<void> {
    const testFiles = (process.env['BARPROOF_MUTATION_TESTS'] ?? '').split(',').flatMap(testFilesOf);
    this.#vitest = await createVitest('test', {
      config: join(import.meta.dirname, 'mutation.vitest.config.ts'),
      root: process.cwd(),
      watch: false,
      reporters: [{}],
    });
    this.#vitest.provide('testFiles' as never, [...new Set(testFiles)] as never);
    const ready = this.#channel.next();
    this.#run = this.#vitest.start();
    await Promise.race([ready, this.#run.then(() => Promise.reject(new Error('the tests did not load')))]);
  }

  async dryRun(): Promise<object> {
    const { runs, coverage } = await this.#ask({ tests: undefined, mutant: undefined });
    const ofBothKinds = tellOneKindOf(coverage as Coverage);
    const times = Object.fromEntries(runs.map(({ id, milliseconds }) => [id, milliseconds]));
    writeFileSync(MEASURED, JSON.stringify({ ofBothKinds, milliseconds: times } satisfies Measured));
    const tests = runs.map(({ id, name, milliseconds, failure }) => ({
      id,
      name,
      timeSpentMs: milliseconds,
      ...(failure === undefined ? { status: SUCCESS } : { status: FAILED, failureMessage: failure }),
    }));
    return { status: 'complete', tests, mutantCoverage: coverage };
  }

  async mutantRun(run: CodeMutantRun): Promise<CodeMutantVerdict> {
    const verdict = await this.#judge(run);
    const hasOtherChance =
      verdict.status === 'survived' && this.#measured.ofBothKinds.includes(run.activeMutant.id);
    return hasOtherChance ? this.#judge({ ...run, mutantActivation: 'static' }) : verdict;
  }

  async #judge({ activeMutant, sandboxFileName, ...run }: CodeMutantRun): Promise<CodeMutantVerdict> {
    const mutant = {
      id: activeMutant.id,
      file: sandboxFileName,
      fromLoading: run.mutantActivation === 'static',
      hitLimit: run.hitLimit === undefined ? undefined : run.hitLimit / STRYKERS_PATIENCE,
      // Of a code mutant that is active from loading on, only unit tests are run.
      longest: run.mutantActivation === 'static' ? LONGEST_OF_UNIT_TESTS : this.#longest(run.testFilter),
    };
    // Stryker starts a process that has ended anew, and asks again.
    if (this.#isStuck) process.exit(1);
    const answer = await Promise.race([
      this.#ask({ tests: run.testFilter, mutant }),
      this.#stuck(mutant.longest),
    ]);
    if (answer === 'stuck') return { status: 'timeout', reason: 'a loop without a mutant in it' };
    this.#waits++;
    const { runs, isEndless } = answer;
    if (isEndless) return { status: 'timeout', reason: 'an endless loop' };
    const killers = runs.filter(({ failure }) => failure !== undefined);
    return killers.length === 0
      ? { status: 'survived', nrOfTests: runs.length }
      : {
          status: 'killed',
          killedBy: killers.map(({ id }) => id),
          failureMessage: killers[0]!.failure,
          nrOfTests: runs.length,
        };
  }

  #longest(tests: readonly string[] = []): number {
    const { milliseconds } = this.#measured;
    return 1_000 + 2 * tests.reduce((sum, id) => sum + (milliseconds[id] ?? 0), 0);
  }

  get #measured(): Measured {
    return (this.#read ??= JSON.parse(readFileSync(MEASURED, 'utf8')) as Measured);
  }

  async dispose(): Promise<void> {
    this.#channel.send(null);
    await this.#run;
    this.#channel.close();
    await this.#vitest?.close();
  }

  async #ask(request: CodeMutantRequest): Promise<CodeMutantAnswer> {
    const next = this.#channel.next();
    this.#channel.send(request);
    const answer = (await next) as CodeMutantAnswer | { readonly error: string };
    if ('error' in answer) throw new Error(answer.error);
    return answer;
  }

  /** Resolves when the thread has used more CPU time than it may before it ends by itself. */
  async #stuck(longest: number): Promise<'stuck'> {
    const end = cpuTime() + 1.5 * longest + 1_000;
    this.#waits++;
    const own = this.#waits;
    while (own === this.#waits && cpuTime() < end) await delay(100);
    this.#isStuck = own === this.#waits;
    return 'stuck';
  }
}

export const strykerPlugins = [
  {
    kind: 'TestRunner',
    name: 'loaded-tests',
    factory: Object.assign(() => new LoadedTests(), { inject: [] }),
  },
];
