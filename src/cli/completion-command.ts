import { Argument, Command } from 'commander';
import { examples } from './help-text.ts';
import type { RaiseExitCode } from './exit-code.ts';
import { SHELLS, type Shell } from './shells.ts';

/** `barproof completion`: prints a program by which a shell completes commands, options and names. */
export const completionCommand = (_raiseExitCode: RaiseExitCode): Command =>
  new Command('completion')
    .description('print a program by which your shell completes command lines')
    .addHelpText(
      'before',
      examples([
        ['source <(barproof completion bash)', 'in ~/.bashrc; the same for zsh in ~/.zshrc'],
        ['barproof completion fish > ~/.config/fish/completions/barproof.fish', 'for fish'],
      ]),
    )
    .addArgument(new Argument('<shell>').choices(SHELLS))
    .action(async (shell: Shell, _: unknown, command: Command) => {
      const { completionProgram } = await import('./completion-action.ts');
      process.stdout.write(completionProgram(shell, command.parent as Command));
    });
