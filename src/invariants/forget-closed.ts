import type { ContainerState } from '../trace/index.ts';

/** Forgets what was noted of containers, by their names, that are closed now. */
export function forgetClosed(
  noted: Map<string, unknown>,
  open: readonly Pick<ContainerState, 'name'>[],
): void {
  for (const name of noted.keys()) if (open.every((container) => container.name !== name)) noted.delete(name);
}
