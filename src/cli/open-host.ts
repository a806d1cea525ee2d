import { LinuxHost, modelHost, type HostTarget } from '../linux/index.ts';

/** What the user said about who answers host calls. */
export interface HostOptions {
  readonly target: 'model' | 'linux';
  readonly kernel?: string;
  readonly qemu?: string;
  readonly harmful?: true;
}

/** The target that answers host calls. */
export const openHost = ({ target, kernel, qemu, harmful }: HostOptions): HostTarget =>
  target === 'model' ? modelHost : new LinuxHost({ kernel, qemu: { path: qemu }, harmful });
