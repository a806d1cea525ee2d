import {
  collectTests,
  getFn,
  getHooks,
  startTests,
  type File,
  type Suite,
  type Task,
  type Test,
  type VitestRunner,
} from '@vitest/runner';
import * as nodeModule from 'node:module';
import { relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inject, TestRunner } from 'vitest';
import { cpuTime, instrumentation } from './code-mutant-instrumentation.ts';
import {
  CodeMutantChannel,
  type ActiveCodeMutant,
  type CodeMutantAnswer,
  type CodeMutantRequest,
  type TestRun,
} from './code-mutant-messages.ts';

/** The hooks of Node 22.15 and later, which the types of Node 20 lack. */
interface Hooks {
  registerHooks(hooks: {
    resolve(
      name: string,
      context: { readonly parentURL?: string },
      next: (name: string, context: object) => { readonly url: string },
    ): { readonly url: string };
  }): void;
}

const ROOT = pathToFileURL(`${process.cwd()}/`).href;
const GENERATION = /[?&](generation=\d+)/;

// Modules of a generation import modules of the same generation, so a new generation loads all code anew.
(nodeModule as unknown as Hooks).registerHooks({
  resolve: (name, context, next) => {
    const resolved = next(name, context);
    const generation = GENERATION.exec(context.parentURL ?? '')?.[1];
    const isOurs = resolved.url.startsWith(ROOT) && !resolved.url.includes('/node_modules/');
    if (generation === undefined || !isOurs || GENERATION.test(resolved.url)) return resolved;
    return { ...resolved, url: `${resolved.url}?${generation}` };
  },
});

/** Tests that take long on purpose, and those of stored cases that run each case on all revisions. */
const LONG = /before the time for a test is over|^breaks on (?:every|no) /;

/** Failures that say nothing of a code mutant: of a snapshot in a file, and of a property that ended early. */
const NO_VERDICT = /cannot be used without test context|(?:^|Error: )share of runs with/;

let newestGeneration = 0;
let imports = 0;

/** The folder of a room: `/…/src/memory/`. */
const folderOf = (file: string): string => /^.*\/src\/[^/]+\//.exec(file)![0];

const idOf = (task: { readonly id: string; readonly file: File }): string =>
  `${relative(process.cwd(), task.file.filepath)}#${task.id}`;

/** Loads test files as vitest does, and runs their tests, but reports to no other process. */
class QuietRunner extends TestRunner {
  readonly runs: TestRun[] = [];
  readonly #generation: number;
  readonly #stopsAtFailure: boolean;

  constructor(outer: TestRunner, { generation, stopsAtFailure }: QuietOptions) {
    super(outer.config);
    // vitest gives its tracer to the runner that it makes.
    Object.assign(this, { _otel: (outer as unknown as { readonly _otel: unknown })._otel });
    this.#generation = generation;
    this.#stopsAtFailure = stopsAtFailure;
  }

  get hasFailed(): boolean {
    return this.runs.some(({ failure }) => failure !== undefined);
  }

  get isDecided(): boolean {
    return instrumentation.isTooLate || (this.#stopsAtFailure && this.hasFailed);
  }

  override async importFile(path: string, source: string): Promise<unknown> {
    const { href } = pathToFileURL(path);
    return import(source === 'setup' ? href : `${href}?generation=${this.#generation}&import=${imports++}`);
  }

  override async onBeforeRunTask(test: Test): Promise<void> {
    if (this.isDecided || LONG.test(test.name)) test.mode = 'skip';
    await super.onBeforeRunTask(test);
  }

  override onAfterRunTask(test: Test): void {
    const { state, errors = [] } = test.result ?? {};
    this.note(test, state === 'fail' ? (errors[0] ?? 'failed') : undefined);
  }

  /** Where a file does not load or a hook throws, the suite fails and its tests are skipped. */
  override async onAfterRunSuite(suite: Suite): Promise<void> {
    this.noteSuite(suite);
  }

  noteSuite({ file, name, result }: Suite | File): void {
    const [error] = result?.errors ?? [];
    if (error !== undefined) this.note({ id: file.id, name, file }, error);
  }

  note(
    test: { readonly id: string; readonly name: string; readonly file: File },
    error: unknown,
    milliseconds = 0,
  ): void {
    const failure = error === undefined ? undefined : String((error as Partial<Error>).message ?? error);
    this.runs.push({ id: idOf(test), name: test.name, milliseconds, failure });
  }

  /** Runs a test of a file that is loaded. vitest's own way loads the file anew. */
  async runAgain(test: Test): Promise<void> {
    if (test.mode !== 'run' || this.isDecided || LONG.test(test.name)) return;
    const start = cpuTime();
    const suites = suitesOf(test);
    const failures: unknown[] = [];
    const attempt = async (act: () => unknown): Promise<unknown> => {
      try {
        return await act();
      } catch (error) {
        failures.push(error);
        return undefined;
      }
    };
    test.result = { state: 'run', startTime: Date.now(), retryCount: 0 };
    this.onBeforeTryTask(test);
    instrumentation.currentTestId = idOf(test);
    const cleanups: unknown[] = [];
    for (const suite of suites) {
      for (const hook of getHooks(suite).beforeEach)
        cleanups.push(await attempt(() => hook(test.context, suite)));
    }
    if (failures.length === 0) await attempt(() => getFn(test)());
    if (failures.length === 0) await attempt(() => this.onAfterTryTask(test));
    for (const suite of suites.toReversed()) {
      for (const hook of getHooks(suite).afterEach.toReversed())
        await attempt(() => hook(test.context, suite));
    }
    for (const cleanup of cleanups.toReversed())
      if (typeof cleanup === 'function') await attempt(() => (cleanup as () => unknown)());
    instrumentation.currentTestId = undefined;
    if (NO_VERDICT.test(String(failures[0]))) return;
    this.note(test, failures[0], cpuTime() - start);
  }

  /** Runs tests of a loaded suite. @param wanted their ids; all tests where left out. */
  async runSuiteAgain(suite: Suite | File, wanted: ReadonlySet<string> | undefined): Promise<void> {
    const tasks = suite.tasks.filter((task) => hasWanted(task, wanted));
    if (tasks.length === 0 || this.isDecided) return;
    await this.onBeforeRunSuite(suite);
    const hooks = getHooks(suite);
    const cleanups: unknown[] = [];
    try {
      for (const hook of hooks.beforeAll) cleanups.push(await hook(suite));
      for (const task of tasks)
        await (task.type === 'suite' ? this.runSuiteAgain(task, wanted) : this.runAgain(task as Test));
      for (const hook of hooks.afterAll.toReversed()) await hook(suite);
      for (const cleanup of cleanups.toReversed()) if (typeof cleanup === 'function') await cleanup();
    } catch (error) {
      this.note({ id: suite.file.id, name: suite.name, file: suite.file }, error);
    }
  }
}

interface QuietOptions {
  readonly generation: number;
  readonly stopsAtFailure: boolean;
}

/** The suites of a test, the file first. */
function suitesOf(test: Test): readonly (Suite | File)[] {
  const suites: (Suite | File)[] = [];
  for (let suite = test.suite; suite !== undefined; suite = suite.suite) suites.unshift(suite);
  return suites[0] === test.file ? suites : [test.file, ...suites];
}

const hasWanted = (task: Task, wanted: ReadonlySet<string> | undefined): boolean =>
  wanted === undefined ||
  (task.type === 'suite' ? task.tasks.some((inner) => hasWanted(inner, wanted)) : wanted.has(task.id));

type Verdict = Pick<CodeMutantAnswer, 'runs' | 'isEndless'>;

/** Runs the tests of a room on code mutant after code mutant, in one thread that has loaded the code once. */
class CodeMutants {
  readonly #outer: TestRunner;
  readonly #files = inject('testFiles' as never) as readonly string[];
  /** The generation of the code that no code mutant has changed. */
  #generation = 0;
  /** The test files of this generation. */
  readonly #loaded = new Map<string, File>();

  constructor(outer: TestRunner) {
    this.#outer = outer;
  }

  async answer({ tests, mutant }: CodeMutantRequest): Promise<CodeMutantAnswer> {
    if (mutant === undefined) {
      const all = await this.#runLoaded(undefined, undefined);
      return { ...all, coverage: instrumentation.mutantCoverage };
    }
    if (mutant.fromLoading) return { ...(await this.#runFromLoading(mutant)), coverage: undefined };
    const verdict = await this.#runLoaded(tests, mutant);
    const killers = verdict.runs.filter(({ failure }) => failure !== undefined).map(({ id }) => id);
    // A code mutant may have left a wrong value in a module or in a test, where it would kill the next ones.
    if (killers.length === 0 || !(await this.#fails(killers))) return { ...verdict, coverage: undefined };
    this.#generation = ++newestGeneration;
    this.#loaded.clear();
    const anew = await this.#runLoaded(tests, mutant);
    this.#generation = ++newestGeneration;
    this.#loaded.clear();
    const killersAnew = anew.runs.filter(({ failure }) => failure !== undefined).map(({ id }) => id);
    // A test that fails without the code mutant as well says nothing of it.
    const isReliable = killersAnew.length === 0 || !(await this.#fails(killersAnew));
    const runs = isReliable ? anew.runs : anew.runs.filter(({ failure }) => failure === undefined);
    return { ...anew, runs, coverage: undefined };
  }

  async #fails(tests: readonly string[]): Promise<boolean> {
    const { runs } = await this.#runLoaded(tests, undefined);
    return runs.some(({ failure }) => failure !== undefined);
  }

  /** Runs tests of files that are loaded, or are loaded now. */
  async #runLoaded(
    tests: readonly string[] | undefined,
    mutant: ActiveCodeMutant | undefined,
  ): Promise<Verdict> {
    const options = { generation: this.#generation, stopsAtFailure: mutant !== undefined };
    const runner = new QuietRunner(this.#outer, options);
    const wanted = tests && new Set(tests.map((id) => id.slice(id.indexOf('#') + 1)));
    const files: File[] = [];
    for (const path of this.#files) {
      const prefix = `${relative(process.cwd(), path)}#`;
      if (tests === undefined || tests.some((id) => id.startsWith(prefix)))
        files.push(await this.#load(path, runner));
    }
    return judged(runner, mutant, async () => {
      instrumentation.activeMutant = mutant?.id;
      for (const file of files) await runner.runSuiteAgain(file, wanted);
    });
  }

  async #load(path: string, runner: QuietRunner): Promise<File> {
    const known = this.#loaded.get(path);
    if (known !== undefined) return known;
    const [file] = await collectTests([{ filepath: path }], runner as unknown as VitestRunner);
    this.#loaded.set(path, file!);
    runner.noteSuite(file!);
    return file!;
  }

  /** Loads code and unit tests anew, with the code mutant in it. */
  async #runFromLoading(mutant: ActiveCodeMutant): Promise<Verdict> {
    const runner = new QuietRunner(this.#outer, { generation: ++newestGeneration, stopsAtFailure: true });
    return judged(runner, mutant, async () => {
      instrumentation.activeMutant = mutant.id;
      // Such code is reached by every test: all would run for each code mutant.
      for (const filepath of this.#files.filter((file) => file.startsWith(folderOf(mutant.file)))) {
        if (runner.isDecided) break;
        for (const file of await startTests([{ filepath }], runner as unknown as VitestRunner))
          if (file.tasks.length === 0) runner.noteSuite(file);
      }
    });
  }
}

async function judged(
  runner: QuietRunner,
  mutant: ActiveCodeMutant | undefined,
  run: () => Promise<void>,
): Promise<Verdict> {
  let isEndless = false;
  instrumentation.begin(mutant);
  try {
    await run();
  } finally {
    isEndless = instrumentation.end();
  }
  return { runs: runner.runs, isEndless };
}

/** Serves Stryker after the only file that vitest itself runs, until the channel says `null`. */
export default class CodeMutantTestRunner extends TestRunner {
  override async onAfterRunFiles(): Promise<void> {
    super.onAfterRunFiles();
    const mutants = new CodeMutants(this);
    const channel = new CodeMutantChannel();
    await new Promise<void>((resolve) => {
      channel.onMessage((message) => {
        if (message === null) return resolve();
        const answer = mutants.answer(message as CodeMutantRequest);
        void answer.catch((error: unknown) => ({ error: String(error) })).then((told) => channel.send(told));
      });
      channel.send('ready');
    });
    channel.close();
  }
}
