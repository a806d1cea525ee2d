import { probeKernels } from '../linux/index.ts';
import { probeCapabilities } from '../qemu/capabilities.ts';
import { doctorText } from '../report/index.ts';
import { ExitCode, type RaiseExitCode } from './exit-code.ts';

/** The options of `barproof doctor` as commander reads them. */
export interface DoctorOptions {
  readonly qemu?: string;
}

/** Prints what can be tested on this machine, and what is missing. */
export async function diagnose({ qemu }: DoctorOptions, raiseExitCode: RaiseExitCode): Promise<void> {
  const location = { path: qemu };
  const capabilities = await probeCapabilities(location);
  process.stdout.write(doctorText({ ...capabilities, kernels: probeKernels(location) }));
  // The model needs nothing but this process.
  raiseExitCode(ExitCode.HOLDS);
}
