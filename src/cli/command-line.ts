import { Command, CommanderError } from 'commander';
import { BISECT_STEP, bisectStepCommand } from './bisect-step-command.ts';
import { cacheCommand } from './cache-command.ts';
import { checkCommand } from './check-command.ts';
import { completionCommand } from './completion-command.ts';
import { doctorCommand } from './doctor-command.ts';
import { closing, examples } from './help-text.ts';
import { ExitCode, type RaiseExitCode } from './exit-code.ts';
import { explainCommand } from './explain-command.ts';
import { fuzzCommand } from './fuzz-command.ts';
import { hostCommand } from './host-command.ts';
import { listCommand } from './list-command.ts';
import { mergeCommand } from './merge-command.ts';
import { mtreeCommand } from './mtree-command.ts';
import { newPatchCommand } from './new-patch-command.ts';
import { proveCommand } from './prove-command.ts';
import { replayCommand } from './replay-command.ts';
import { reproduceCommand } from './reproduce-command.ts';
import { runCommand } from './run-command.ts';
import { terminalColumns } from './terminal-columns.ts';
import { validateCommand } from './validate-command.ts';
import { VERSION } from './package.ts';
import { nearestTo, printable } from '../input/index.ts';
import { printProblems } from './print-problems.ts';
import { problemsOf } from './unexpected-error.ts';

const EXIT_CODES =
  'Exit codes: 0 every invariant holds, 1 a counterexample was found, 2 barproof could not run.';

/** In a terminal of fewer columns the descriptions of options are broken, too. */
const NARROW = 100;
/** The fewest characters in a line of a description: by commander's rule, and in a narrow terminal. */
const [USUAL_ROOM, LEAST_ROOM] = [40, 20];

/**
 * Runs one command.
 *
 * @param words the command line without the program's name.
 * @returns the exit code. Errors are printed on standard error, without a stack.
 */
export async function runCommandLine(words: readonly string[]): Promise<ExitCode> {
  let code: ExitCode = ExitCode.HOLDS;
  const raiseExitCode: RaiseExitCode = (result) => {
    code = Math.max(code, result) as ExitCode;
  };
  try {
    await makeProgram(raiseExitCode).parseAsync(words, { from: 'user' });
    return code;
  } catch (error) {
    const code = printError(error);
    // git would take any other code for that of a commit with the fault.
    return words[0] === BISECT_STEP && code !== ExitCode.HOLDS ? ExitCode.END_BISECTION : code;
  }
}

function makeProgram(raiseExitCode: RaiseExitCode): Command {
  const program = new Command('barproof')
    .description(
      'Searches for cases in which a VMM maps PCI BARs wrongly when it passes a device through with VFIO.',
    )
    .version(VERSION)
    .addHelpText(
      'before',
      examples([
        ['barproof check', 'search for a counterexample in the newest QEMU'],
        ['barproof check --revision seed-v2', 'find the failure of the seed patch of 2017'],
      ]),
    )
    .addHelpText('after', closing(EXIT_CODES))
    .hook('preAction', async (_, command) => {
      // Elsewhere there is nothing to fit, and FORCE_COLOR is for terminals that Node does not see.
      if (!process.stdout.isTTY && (process.env['FORCE_COLOR'] ?? '0') === '0') return;
      const { useTerminal } = await import('./terminal.ts');
      useTerminal(!('json' in command.opts()));
    });
  for (const command of [
    checkCommand,
    fuzzCommand,
    proveCommand,
    mergeCommand,
    replayCommand,
    reproduceCommand,
    explainCommand,
    runCommand,
    hostCommand,
    mtreeCommand,
    validateCommand,
    bisectStepCommand,
    newPatchCommand,
    listCommand,
    cacheCommand,
    doctorCommand,
    completionCommand,
  ]) {
    program.addCommand(command(raiseExitCode));
  }
  for (const command of [program, ...descendants(program)]) {
    command
      .exitOverride()
      .configureHelp({ minWidthToWrap: (terminalColumns() ?? NARROW) < NARROW ? LEAST_ROOM : USUAL_ROOM })
      .showHelpAfterError(`(see ${nameOf(command)} --help)`)
      .configureOutput({
        outputError: (text, write) => write(withHint(printableLines(text.replace(/^error: /, '✖ ')))),
      });
  }
  return program;
}

const descendants = (command: Command): Command[] =>
  command.commands.flatMap((child) => [child as Command, ...descendants(child as Command)]);

const nameOf = (command: Command): string =>
  command.parent === null ? command.name() : `${nameOf(command.parent)} ${command.name()}`;

/** An error may quote what the user typed, or pasted. */
const printableLines = (text: string): string => text.split('\n').map(printable).join('\n');

/** Names the nearest choice where an option has none of its choices. */
function withHint(text: string): string {
  const [, given, choices] =
    /(?:argument|value) '(.*?)' is invalid.*\. Allowed choices are (.*)\.$/m.exec(text) ?? [];
  const nearest = given && choices && nearestTo(given, choices.split(', '));
  return nearest ? text.replace(/\.\n/, `. Did you mean ${nearest}?\n`) : text;
}

/** Prints an error. @returns the exit code that goes with it. */
function printError(error: unknown): ExitCode {
  if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.HOLDS : ExitCode.COULD_NOT_RUN;
  printProblems(problemsOf(error));
  return ExitCode.COULD_NOT_RUN;
}
