import { defineConfig } from 'rolldown';

/**
 * The program `barproof`: a few files in place of hundreds, which Node would open and link one by one. What a command
 * loads by `import()` is a file of its own. Packages stay where the package manager puts them.
 */
export default defineConfig({
  input: {
    main: 'src/cli/main.ts',
    'campaign-worker': 'src/cli/campaign-worker.ts',
    'patch-worker': 'src/cli/patch-worker.ts',
  },
  platform: 'node',
  external: /^(?![./])/,
  // Of a room, a file takes only what it uses. Modules of barproof do nothing when they are loaded, the three above apart.
  treeshake: { moduleSideEffects: false },
  output: { dir: 'dist/cli', format: 'esm', entryFileNames: '[name].js', chunkFileNames: '[name].js' },
});
