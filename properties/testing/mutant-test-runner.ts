import { startTests, type File, type Suite, type Test, type VitestRunner } from '@vitest/runner';
import * as nodeModule from 'node:module';
import { relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inject, TestRunner } from 'vitest';
import {
  MutantChannel,
  type ActiveMutant,
  type MutantAnswer,
  type MutantRequest,
  type TestRun,
} from './mutant-messages.ts';

/** How often code may ask for the active mutant between two looks at the clock. */
const ASKED_PER_LOOK = 4096;

/** The CPU time of this thread, in milliseconds; the types of Node 20 lack the function. */
function cpuTime(): number {
  const { user, system } = (
    process as unknown as { threadCpuUsage: typeof process.cpuUsage }
  ).threadCpuUsage();
  return (user + system) / 1000;
}

/**
 * The object in which Stryker's instrumented code looks for the active mutant, and counts what a test reaches. The code
 * asks at each mutant that it passes, so an endless loop ends here by an exception.
 */
class Instrumentation {
  currentTestId: string | undefined;
  mutantCoverage: unknown;
  hitCount: number | undefined;
  hitLimit: number | undefined;
  isTooLate = false;
  #end = Infinity;
  #asked = 0;
  #active: string | undefined;

  get activeMutant(): string | undefined {
    if (++this.#asked % ASKED_PER_LOOK === 0 && cpuTime() > this.#end) {
      this.isTooLate = true;
      throw new Error('a mutant takes too long');
    }
    return this.#active;
  }

  set activeMutant(id: string | undefined) {
    this.#active = id;
  }

  begin(mutant: ActiveMutant | undefined): void {
    this.hitCount = 0;
    this.hitLimit = mutant?.hitLimit;
    this.isTooLate = false;
    this.#end = mutant === undefined ? Infinity : cpuTime() + mutant.longest;
  }

  /** @returns whether the mutant made an endless loop. */
  end(): boolean {
    this.#active = undefined;
    this.#end = Infinity;
    const { hitCount = 0, hitLimit = Infinity } = this;
    return this.isTooLate || hitCount > hitLimit;
  }
}
const instrumentation = new Instrumentation();
(globalThis as { __stryker__?: Instrumentation }).__stryker__ = instrumentation;

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
const UNIT_TESTS = `${process.cwd()}/src/`;
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

/** Tests that take long on purpose; a mutant that takes still longer is no news. */
const LONG = /before the time for a test is over/;

let newestGeneration = 0;
let imports = 0;

const idOf = (task: { readonly id: string; readonly file: File }): string =>
  `${relative(process.cwd(), task.file.filepath)}#${task.id}`;

/** Runs tests as vitest does, but reports to no other process. */
class QuietRunner extends TestRunner {
  readonly runs: TestRun[] = [];
  hasFailed = false;
  readonly #generation: number;
  readonly #mutant: ActiveMutant | undefined;

  constructor(outer: TestRunner, generation: number, mutant?: ActiveMutant) {
    super(outer.config);
    // vitest gives its tracer to the runner that it makes.
    Object.assign(this, { _otel: (outer as unknown as { readonly _otel: unknown })._otel });
    this.#generation = generation;
    this.#mutant = mutant;
  }

  override async importFile(path: string, source: string): Promise<unknown> {
    const { href } = pathToFileURL(path);
    return import(source === 'setup' ? href : `${href}?generation=${this.#generation}&import=${imports++}`);
  }

  onCollected(): void {
    instrumentation.activeMutant = this.#mutant?.id;
  }

  override async onBeforeRunTask(test: Test): Promise<void> {
    const isDecided = this.hasFailed || instrumentation.isTooLate;
    if ((isDecided && this.#mutant !== undefined) || LONG.test(test.name)) test.mode = 'skip';
    await super.onBeforeRunTask(test);
    instrumentation.currentTestId = idOf(test);
  }

  override onAfterRunTask(test: Test): void {
    super.onAfterRunTask(test);
    instrumentation.currentTestId = undefined;
    this.#note(test, test.name);
  }

  /** Where a hook of a suite throws, the suite fails and its tests are skipped. */
  override async onAfterRunSuite(suite: Suite): Promise<void> {
    this.noteFailure(suite);
  }

  noteFailure(suite: Suite | File): void {
    if (suite.result?.state === 'fail' && (suite.result.errors ?? []).length > 0)
      this.#note(suite, suite.name);
  }

  #note(task: Test | Suite | File, name: string): void {
    const { state, errors = [], duration = 0 } = task.result ?? {};
    const failure = state === 'fail' ? (errors[0]?.message ?? 'failed') : undefined;
    this.hasFailed ||= failure !== undefined;
    this.runs.push({ id: idOf(task), name, milliseconds: duration, failure });
  }
}

/** Runs the tests of a room on mutant after mutant, in one thread that has loaded the code once. */
class Mutants {
  readonly #outer: TestRunner;
  readonly #files = inject('testFiles' as never) as readonly string[];
  /** The generation of the code that no mutant has changed. */
  #generation = 0;

  constructor(outer: TestRunner) {
    this.#outer = outer;
  }

  async answer({ tests, mutant }: MutantRequest): Promise<MutantAnswer> {
    const { runs, isEndless } = await this.#run(tests, mutant);
    const killers = runs.filter(({ failure }) => failure !== undefined).map(({ id }) => id);
    if (mutant !== undefined && !mutant.fromLoading && killers.length > 0 && this.#areTests(killers)) {
      // A mutant may have left a wrong value in a module, where it would kill the mutants after it.
      const again = await this.#run(killers, undefined);
      if (again.runs.some(({ failure }) => failure !== undefined)) this.#generation = ++newestGeneration;
    }
    return { runs, isEndless, coverage: mutant === undefined ? instrumentation.mutantCoverage : undefined };
  }

  #areTests = (ids: readonly string[]): boolean => ids.every((id) => id.includes('_'));

  async #run(
    tests: readonly string[] | undefined,
    mutant: ActiveMutant | undefined,
  ): Promise<Pick<MutantAnswer, 'runs' | 'isEndless'>> {
    const generation = mutant?.fromLoading === true ? ++newestGeneration : this.#generation;
    const runner = new QuietRunner(this.#outer, generation, mutant);
    instrumentation.begin(mutant);
    let isEndless = false;
    try {
      for (const filepath of this.#files) {
        // Code that runs while the modules load is reached by every test: the properties would run for each mutant.
        if (mutant?.fromLoading === true && !filepath.startsWith(UNIT_TESTS)) continue;
        const prefix = `${relative(process.cwd(), filepath)}#`;
        const testIds = tests?.filter((id) => id.startsWith(prefix)).map((id) => id.slice(prefix.length));
        if (testIds?.length === 0 || (runner.hasFailed && mutant !== undefined)) continue;
        instrumentation.activeMutant = mutant?.fromLoading === true ? mutant.id : undefined;
        const specification = { filepath, ...(testIds && { testIds }) };
        for (const file of await startTests([specification], runner as unknown as VitestRunner)) {
          if (file.tasks.length === 0) runner.noteFailure(file);
        }
      }
    } finally {
      isEndless = instrumentation.end();
    }
    return { runs: runner.runs, isEndless };
  }
}

/** Serves Stryker after the only file that vitest itself runs, until the channel says `null`. */
export default class MutantTestRunner extends TestRunner {
  override async onAfterRunFiles(): Promise<void> {
    super.onAfterRunFiles();
    const mutants = new Mutants(this);
    const channel = new MutantChannel();
    await new Promise<void>((resolve) => {
      channel.onMessage((message) => {
        if (message === null) return resolve();
        const answer = mutants.answer(message as MutantRequest);
        void answer.catch((error: unknown) => ({ error: String(error) })).then((told) => channel.send(told));
      });
      channel.send('ready');
    });
    channel.close();
  }
}
