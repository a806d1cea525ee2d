import { Command } from 'commander';
import { probeKernels } from '../linux/index.ts';
import { probeCapabilities } from '../qemu/capabilities.ts';
import { doctorText } from '../report/index.ts';
import { ExitCode, type RaiseExitCode } from './exit-code.ts';

interface DoctorOptions {
  readonly qemu?: string;
}

/** `barproof doctor`: says what can be tested on this machine, and what is missing. */
export const doctorCommand = (raiseExitCode: RaiseExitCode): Command =>
  new Command('doctor')
    .description('say what can be tested on this machine, and what is missing')
    .option(
      '--qemu <path>',
      'a QEMU binary, or a folder with qemu-system-*; default: BARPROOF_QEMU, then PATH',
    )
    .action(async ({ qemu }: DoctorOptions) => {
      const location = { path: qemu };
      const capabilities = await probeCapabilities(location);
      process.stdout.write(doctorText({ ...capabilities, kernels: probeKernels(location) }));
      // The model needs nothing but this process.
      raiseExitCode(ExitCode.HOLDS);
    });
