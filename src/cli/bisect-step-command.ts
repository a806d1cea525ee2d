import { Command } from 'commander';
import { closing, examples } from './help-text.ts';
import type { BisectStepOptions } from './bisect-step-action.ts';
import type { RaiseExitCode } from './exit-code.ts';

/** The name of the command: all its exit codes are those of `git bisect run`. */
export const BISECT_STEP = 'bisect-step';

const ABOUT_EXIT_CODES = `Exit codes, as git bisect run reads them: 0 the case does not show the cause, 1 the case shows the cause,
125 the build cannot tell, so that git skips the commit, 128 the command line or the case is wrong, which ends
the bisection.`;

/** `barproof bisect-step`: one step of a search for the commit that broke a case. */
export const bisectStepCommand = (raiseExitCode: RaiseExitCode): Command =>
  new Command(BISECT_STEP)
    .description('say whether a build of QEMU shows one cause in one case, for git bisect run')
    .addHelpText(
      'before',
      examples([
        [
          `git bisect run sh -c 'make || exit 125; barproof bisect-step case.json --cause no-abort/hw-error --qemu build'`,
          'find the commit of QEMU since which the case dies',
        ],
      ]),
    )
    .addHelpText('after', closing(ABOUT_EXIT_CODES))
    .argument('<case>', 'a file that holds a scenario or a stored case')
    .requiredOption('--cause <invariant/cause>', 'the cause, as validate and replay print it')
    .requiredOption('--qemu <path>', 'the build: a QEMU binary, or a folder with qemu-system-*')
    .action(async (file: string, options: BisectStepOptions) => {
      const { bisectStep } = await import('./bisect-step-action.ts');
      await bisectStep(file, options, raiseExitCode);
    });
