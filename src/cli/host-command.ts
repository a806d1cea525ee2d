import { Command, Option } from 'commander';
import { examples } from './help-text.ts';
import type { RaiseExitCode } from './exit-code.ts';
import type { HostCommandOptions } from './host-action.ts';
import { mailOption, reportOption } from './report-option.ts';
import { qemuOption } from './target-options.ts';

/** `barproof host`: answers sessions of VFIO, iommufd and KVM calls. */
export const hostCommand = (raiseExitCode: RaiseExitCode): Command =>
  new Command('host')
    .description('answer sessions of VFIO, iommufd and KVM calls: return value, errno and size of each call')
    .addHelpText(
      'before',
      examples([
        ['barproof host calls.ndjson', 'what the model of the Linux host answers'],
        ['barproof host calls.ndjson --target linux', 'what a real kernel answers, booted in QEMU'],
        ['barproof host recorded.ndjson --compare', 'where the answers differ from the recorded ones'],
      ]),
    )
    .argument('<file>', 'a file with one session per line; - reads sessions from standard input')
    .addOption(new Option('--target <name>', 'what answers').choices(['model', 'linux']).default('model'))
    .option('--kernel <version>', 'the kernel to ask instead of the one that the session names')
    .addOption(qemuOption())
    .option('--harmful', 'send a kernel also calls that are known to stop it')
    .option('--json', 'one line of JSON for each session: the session with its answers')
    .option(
      '--compare',
      'compare the answers with those in the sessions, and those of a kernel with the model',
    )
    .addOption(reportOption())
    .addOption(mailOption())
    .action(async (file: string, options: HostCommandOptions) => {
      const { answerSessions } = await import('./host-action.ts');
      await answerSessions(file, options, raiseExitCode);
    });
