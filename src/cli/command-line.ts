import { Command, CommanderError } from 'commander';
import { InvalidInput } from '../scenario/index.ts';
import { UnknownRevision } from '../target/model/unknown-revision.ts';
import { checkCommand } from './check-command.ts';
import { ExitCode } from './exit-code.ts';
import { listCommand } from './list-command.ts';
import { mtreeCommand } from './mtree-command.ts';
import { replayCommand } from './replay-command.ts';
import { runCommand } from './run-command.ts';
import { VERSION } from './version.ts';

/** How a command tells its exit code. */
export type Conclude = (code: ExitCode) => void;

const EXAMPLES = `
Two commands to begin with:
  barproof check                       search for a counterexample in the newest QEMU
  barproof check --revision seed-v2    see one: the failure with which it all began

Exit codes: 0 every invariant holds, 1 there is a counterexample, 2 it could not run.`;

/**
 * Runs one command.
 *
 * @param words the command line without the program's name.
 * @returns the exit code. What the user got wrong is said on standard error, without a stack.
 */
export async function runCommandLine(words: readonly string[]): Promise<ExitCode> {
  let code: ExitCode = ExitCode.HOLDS;
  const program = new Command('barproof')
    .description(
      'Proves, by search, that a VMM maps PCI BARs correctly when it passes a device through with VFIO.',
    )
    .version(VERSION)
    .addHelpText('after', EXAMPLES)
    .exitOverride()
    .showHelpAfterError('(barproof --help tells more)');
  const conclude: Conclude = (result) => {
    code = result;
  };
  for (const command of [checkCommand, replayCommand, runCommand, mtreeCommand, listCommand]) {
    program.addCommand(command(conclude).exitOverride());
  }
  try {
    await program.parseAsync(words, { from: 'user' });
    return code;
  } catch (error) {
    return explain(error);
  }
}

function explain(error: unknown): ExitCode {
  if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.HOLDS : ExitCode.COULD_NOT_RUN;
  if (error instanceof InvalidInput) {
    for (const { path, message } of error.problems) {
      process.stderr.write(path === '' ? `✖ ${message}\n` : `✖ ${path}: ${message}\n`);
    }
    return ExitCode.COULD_NOT_RUN;
  }
  if (error instanceof UnknownRevision) {
    process.stderr.write(`✖ ${error.message}; barproof list revisions shows them\n`);
    return ExitCode.COULD_NOT_RUN;
  }
  if ((error as NodeJS.ErrnoException).code === 'EPIPE') return ExitCode.COULD_NOT_RUN;
  throw error;
}
