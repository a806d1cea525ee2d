import { Command } from 'commander';
import type { DoctorOptions } from './doctor-action.ts';
import type { RaiseExitCode } from './exit-code.ts';
import { qemuOption } from './target-options.ts';

/** `barproof doctor`: says what can be tested on this machine, and what is missing. */
export const doctorCommand = (raiseExitCode: RaiseExitCode): Command =>
  new Command('doctor')
    .description('say what can be tested on this machine, and what is missing')
    .addOption(qemuOption())
    .option('--json', 'the same as JSON')
    .action(async (options: DoctorOptions) => {
      const { diagnose } = await import('./doctor-action.ts');
      await diagnose(options, raiseExitCode);
    });
