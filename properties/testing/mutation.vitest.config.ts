import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import type { Reporter, TestModule, Vitest } from 'vitest/node';

/** Folders below `src`, separated by commas, whose unit tests have to kill the mutants (.ci/mutate.mjs). */
const ROOMS = (process.env['BARPROOF_MUTATED_ROOMS'] ?? '').split(',');

/**
 * Makes an error of the run out of each test file that does not load. A mutant may throw when its module is
 * loaded. Stryker looks at tests alone, finds none that failed, and would call the mutant a survivor.
 */
class LoadErrors implements Reporter {
  #vitest: Vitest | undefined;

  onInit(vitest: Vitest): void {
    this.#vitest = vitest;
  }

  onTestModuleEnd(module: TestModule): void {
    for (const error of module.errors()) this.#vitest!.state.catchError(error, 'Load Error');
  }
}

export default defineConfig({
  resolve: {
    alias: [
      { find: /^barproof$/, replacement: fileURLToPath(new URL('../../src/index.ts', import.meta.url)) },
    ],
  },
  test: {
    include: ROOMS.map((room) => `src/${room}/**/*.test.ts`),
    reporters: [new LoadErrors()],
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
