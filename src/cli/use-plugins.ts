/** Loads the invariants of users. What reads programs is loaded only then. */
export async function usePlugins(files: readonly string[]): Promise<void> {
  const { loadPlugins } = await import('./load-plugins.ts');
  loadPlugins(files);
}
