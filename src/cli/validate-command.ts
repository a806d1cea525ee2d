import { Command } from 'commander';
import { closing, examples } from './help-text.ts';
import type { RaiseExitCode } from './exit-code.ts';
import { numberOfRuns, seedText } from './option-values.ts';
import { mailOption, reportOption } from './report-option.ts';
import { targetListOption } from './target-list-option.ts';
import { interfaceOption, realisticOption } from './target-options.ts';
import {
  DEFAULT_VALIDATE_RUNS,
  VALIDATE_PATIENCE,
  type ValidateCommandOptions,
} from './validate-command-options.ts';

const EXIT_CODES =
  'Exit codes: 0 the patch breaks nothing, 1 the patch breaks something, 2 the patch could not be judged.';

/** `barproof validate`: judges what a patch mends, breaks and costs. */
export const validateCommand = (raiseExitCode: RaiseExitCode): Command =>
  new Command('validate')
    .description('judge a patch: run the same scenarios with and without it')
    .addHelpText(
      'before',
      examples([
        ['barproof validate my-patch.ts', 'a patch file, on the base that it names'],
        ['barproof validate my-patch.ts --base qemu-6.0', 'the same patch file on another revision'],
        ['barproof validate my-patch.ts --json', 'the verdict as JSON'],
        [
          'barproof validate fix.patch --qemu-tree ~/qemu',
          'a mailed patch or mailbox, built on a QEMU source',
        ],
        ['barproof validate --qemu ~/new --qemu-base ~/old', 'two builds of QEMU'],
      ]),
    )
    .addHelpText('after', closing(EXIT_CODES))
    .argument(
      '[patch]',
      'a patch file in TypeScript or JavaScript, which barproof new-patch makes; or one in C: a patch, a mailbox, - for one on standard input, or REV..REV',
    )
    .option('--base <revision>', 'the revision to put the patch on, instead of the one that it names')
    .option('--qemu <path>', 'in place of a patch file: a patched QEMU, binary or folder')
    .option('--qemu-base <path>', 'the QEMU to compare with; default: BARPROOF_QEMU, then PATH')
    .option('--qemu-tree <folder>', 'for C: a git tree or a source of QEMU; default: BARPROOF_QEMU_TREE')
    .option('--onto <commit>', 'for C: the base; default: the base-commit of the mail, then HEAD')
    .addOption(targetListOption('for C'))
    .option('--allow-unreached', 'for C: exit with 0 also if no case runs a changed function')
    .addOption(interfaceOption('both, as far as the builds can'))
    .option('--seed <text>', 'the same seed gives the same cases', seedText, 'barproof')
    .option(
      '--runs <number>',
      `number of generated cases, besides the stored ones; default: until ${VALIDATE_PATIENCE.afterNews} in a row show nothing new, ` +
        `${VALIDATE_PATIENCE.withoutBreak} if nothing breaks, at most ${DEFAULT_VALIDATE_RUNS.model}; ${DEFAULT_VALIDATE_RUNS.qemu} on real QEMUs`,
      numberOfRuns,
    )
    .addOption(realisticOption())
    .addOption(reportOption())
    .addOption(mailOption())
    .option('--json', 'the verdict as JSON')
    .option('--no-save', 'store no counterexamples')
    .option('--regressions <folder>', 'folder for the counterexamples', 'regressions')
    .action(async (file: string | undefined, options: ValidateCommandOptions) => {
      const { validate } = await import('./validate-action.ts');
      await validate(file, options, raiseExitCode);
    });
