import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/**
 * Tests that replace a module, or need one without a past: no other file may have loaded it. In tests that measure their
 * memory, vite loads the code: the loader of vitest for Node keeps something of each `import()`.
 */
const ISOLATED_UNITS = [
  'src/qemu/capabilities.test.ts',
  'src/input/read-text-file.test.ts',
  'src/input/write-atomically.test.ts',
  'src/cli/target-qemu.test.ts',
];
const ISOLATED_PROPERTIES = [
  'properties/hostile-doors.test.ts',
  'properties/model-equals-recordings.test.ts',
  'properties/qemu-held-to-model.test.ts',
];

/**
 * Node 22.18 and later load TypeScript themselves, and run the engine nearly twice as fast as vite's module runner
 * does, which asks an accessor for each imported name. Only vite's runner can replace a module.
 */
const NODE_LOADS = {
  experimental: { viteModuleRunner: (process.features as { typescript?: unknown }).typescript !== 'strip' },
};

/** A unit test takes milliseconds; a machine that is busy with other work may take seconds. */
const UNIT_TIMEOUTS = { testTimeout: 30_000, hookTimeout: 30_000 };
const PROPERTY_TIMEOUTS = { testTimeout: 120_000, hookTimeout: 120_000 };

const inCheckout = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  // Patch files import the package by its name; in tests that is its source.
  resolve: {
    alias: [{ find: /^barproof$/, replacement: inCheckout('src/index.ts') }],
  },
  test: {
    // vitest's own default leaves one core to a watching user, which is half of a machine with two.
    maxWorkers: '100%',
    env: {
      // In a CI barproof writes annotations for its findings; those of tests are none.
      GITHUB_ACTIONS: '',
      GITLAB_CI: '',
      FORCE_COLOR: '',
      // Programs that tests start are the same hundreds of times. The tests themselves are measured for coverage, which
      // is less precise for code that comes out of this cache.
      NODE_COMPILE_CACHE: inCheckout('node_modules/.cache/compiled'),
    },
    setupFiles: ['one-seed', 'barproof-by-name'].map((name) => inCheckout(`properties/testing/${name}.ts`)),
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts', 'generators/**/*.ts'],
      exclude: ['**/*.test.ts', '**/*.bench.ts', 'src/cli/main.ts'],
      reporter: ['text-summary', 'html'],
      // A failed test must not hide that the thresholds are missed as well.
      reportOnFailure: true,
      thresholds: {
        'src/{memory,pci,host,vfio,invariants}/**/*.ts': { lines: 95, branches: 95 },
      },
    },
    // The stored cases run first: a search that finds the same failure would report it only minutes later.
    projects: [
      {
        extends: true,
        test: {
          name: 'regressions',
          include: ['properties/regressions.test.ts'],
          benchmark: { include: [] },
          sequence: { groupOrder: 0 },
          ...NODE_LOADS,
        },
      },
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'generators/**/*.test.ts'],
          exclude: ISOLATED_UNITS,
          benchmark: { include: ['src/**/*.bench.ts', 'generators/**/*.bench.ts'] },
          sequence: { groupOrder: 1 },
          // Loading the modules anew for each file takes as long as the tests themselves.
          isolate: false,
          ...NODE_LOADS,
          ...UNIT_TIMEOUTS,
        },
      },
      {
        extends: true,
        test: {
          name: 'unit-isolated',
          include: ISOLATED_UNITS,
          benchmark: { include: [] },
          sequence: { groupOrder: 1 },
          ...UNIT_TIMEOUTS,
        },
      },
      {
        extends: true,
        test: {
          name: 'properties',
          include: ['properties/**/*.test.ts'],
          exclude: ['properties/regressions.test.ts', ...ISOLATED_PROPERTIES],
          benchmark: { include: [] },
          sequence: { groupOrder: 2 },
          isolate: false,
          ...NODE_LOADS,
          ...PROPERTY_TIMEOUTS,
        },
      },
      {
        extends: true,
        test: {
          name: 'properties-isolated',
          include: ISOLATED_PROPERTIES,
          benchmark: { include: [] },
          sequence: { groupOrder: 2 },
          ...PROPERTY_TIMEOUTS,
        },
      },
    ],
  },
});
