import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** Folders below `src`, separated by commas, whose unit tests have to kill the mutants (.ci/mutate.mjs). */
const ROOMS = (process.env['BARPROOF_MUTATED_ROOMS'] ?? '').split(',');

export default defineConfig({
  resolve: {
    alias: [
      { find: /^barproof$/, replacement: fileURLToPath(new URL('../../src/index.ts', import.meta.url)) },
    ],
  },
  test: {
    include: ROOMS.map((room) => `src/${room}/**/*.test.ts`),
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
