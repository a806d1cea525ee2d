import { isMainThread } from 'node:worker_threads';
import { printable } from '../input/index.ts';
import { watchPlugins } from './last-net.ts';

/** Loads the invariants of users. What reads programs is loaded only then. */
export async function usePlugins(files: readonly string[]): Promise<void> {
  if (isMainThread) watchPlugins(files.map(printable));
  const { loadPlugins } = await import('./load-plugins.ts');
  loadPlugins(files);
}
