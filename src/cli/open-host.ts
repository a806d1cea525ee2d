import { modelHost, type HostTarget } from '../linux/index.ts';

/** What the user said about who answers host calls. */
export interface HostOptions {
  readonly target: 'model' | 'linux';
  readonly kernel?: string;
  readonly qemu?: string;
}

/** The target that answers host calls. */
export async function openHost({ target }: HostOptions): Promise<HostTarget> {
  if (target === 'model') return modelHost;
  throw new Error('not yet');
}
