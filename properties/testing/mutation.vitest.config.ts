import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

const path = (file: string): string => join(import.meta.dirname, file);

/** The thread that runs the unit tests of a room on its code mutants (.ci/mutate.mjs). */
export default defineConfig({
  resolve: { alias: [{ find: /^barproof$/, replacement: path('../../src/index.ts') }] },
  test: {
    include: ['properties/testing/code-mutant-thread.ts'],
    runner: path('code-mutant-test-runner.ts'),
    setupFiles: ['one-seed.ts', 'short-properties.ts', 'barproof-by-name.ts'].map(path),
    pool: 'threads',
    maxWorkers: 1,
    isolate: false,
    // Node itself loads a module once; the module runner of vite would fetch it again for each generation.
    experimental: { viteModuleRunner: false, nodeLoader: false },
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
