import { probeKernels } from '../linux/index.ts';
import { probeCapabilities } from '../qemu/capabilities.ts';
import { probeBuild } from '../qemu-tree/index.ts';
import { doctorText, doctorToJson } from '../report/index.ts';
import { toJsonText } from '../scenario/index.ts';
import { ExitCode, type RaiseExitCode } from './exit-code.ts';

/** The options of `barproof doctor` as commander reads them. */
export interface DoctorOptions {
  readonly qemu?: string;
  readonly json?: true;
}

/** Prints what can be tested on this machine, and what is missing. */
export async function diagnose({ qemu, json }: DoctorOptions, raiseExitCode: RaiseExitCode): Promise<void> {
  const location = { path: qemu };
  const capabilities = await probeCapabilities(location);
  const checks = [...capabilities.checks, probeBuild()];
  const findings = { ...capabilities, checks, kernels: probeKernels(location) };
  process.stdout.write(json ? toJsonText(doctorToJson(findings)) : doctorText(findings));
  // The model needs nothing but this process.
  raiseExitCode(ExitCode.HOLDS);
}
