import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** Unit tests that replace a module: each of these files needs modules that no other file has loaded. */
const REPLACING_MODULES = [
  'src/input/read-text-file.test.ts',
  'src/input/write-atomically.test.ts',
  'src/cli/target-qemu.test.ts',
];

/** A unit test takes milliseconds; a machine that is busy with other work may take seconds. */
const UNIT_TIMEOUTS = { testTimeout: 30_000, hookTimeout: 30_000 };

export default defineConfig({
  // Patch files import the package by its name; in tests that is its source.
  resolve: {
    alias: [{ find: /^barproof$/, replacement: fileURLToPath(new URL('src/index.ts', import.meta.url)) }],
  },
  test: {
    // vitest's own default leaves one core to a watching user, which is half of a machine with two.
    maxWorkers: '100%',
    setupFiles: [fileURLToPath(new URL('properties/testing/one-seed.ts', import.meta.url))],
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts', 'generators/**/*.ts'],
      exclude: ['**/*.test.ts', '**/*.bench.ts', 'src/cli/main.ts'],
      reporter: ['text-summary', 'html'],
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
        },
      },
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'generators/**/*.test.ts'],
          exclude: REPLACING_MODULES,
          benchmark: { include: ['src/**/*.bench.ts', 'generators/**/*.bench.ts'] },
          sequence: { groupOrder: 1 },
          // Loading the modules anew for each file takes as long as the tests themselves.
          isolate: false,
          ...UNIT_TIMEOUTS,
        },
      },
      {
        extends: true,
        test: {
          name: 'unit-isolated',
          include: REPLACING_MODULES,
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
          exclude: ['properties/regressions.test.ts'],
          benchmark: { include: [] },
          sequence: { groupOrder: 2 },
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
