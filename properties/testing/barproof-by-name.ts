import * as nodeModule from 'node:module';

/** The hooks of Node 22.15 and later, which the types of Node 20 lack. */
interface Hooks {
  registerHooks?: (hooks: {
    resolve: (name: string, context: unknown, next: (name: string, context: unknown) => unknown) => unknown;
  }) => void;
}

const SOURCE = new URL('../../src/index.ts', import.meta.url).href;

// Patch files import the package by its name; in tests that is its source. Vite has an alias for it, Node has none.
(nodeModule as Hooks).registerHooks?.({
  resolve: (name, context, next) =>
    name === 'barproof'
      ? { url: SOURCE, format: 'module-typescript', shortCircuit: true }
      : next(name, context),
});
