import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Node 22.18 and later. */
const RUNS_TYPESCRIPT = Boolean((process.features as { readonly typescript?: unknown }).typescript);

/**
 * The program of a thread: built, or as source where Node runs TypeScript.
 *
 * @param name without the ending: `patch-worker`.
 * @returns undefined in a test of the source on a Node that runs no TypeScript.
 */
export const threadFile = (name: string): URL | undefined =>
  [
    new URL(`./${name}.js`, import.meta.url),
    ...(RUNS_TYPESCRIPT ? [new URL(`./${name}.ts`, import.meta.url)] : []),
  ].find((url) => existsSync(fileURLToPath(url)));
