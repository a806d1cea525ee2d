import { buildAgent } from '../../src/linux/agent/build-agent.ts';
import type { InstalledKernel } from '../../src/linux/boot/installed-kernels.ts';
import { findQemu } from '../../src/qemu/process/find-qemu.ts';
import { qemuArchitecture } from '../../src/linux/boot/machine-arguments.ts';
import { TargetUnavailable } from '../../src/trace/index.ts';

/** Why a kernel cannot be booted here; `undefined` where it can. */
export function whyNoLinux(kernel: InstalledKernel | undefined): string | undefined {
  if (kernel === undefined) return 'no Linux kernel is installed; run .ci/install-linux';
  try {
    findQemu(qemuArchitecture(kernel.architecture));
    buildAgent(kernel.architecture);
    return undefined;
  } catch (error) {
    if (error instanceof TargetUnavailable) return error.message;
    throw error;
  }
}
