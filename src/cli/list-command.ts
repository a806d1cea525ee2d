import { Command } from 'commander';
import { examples } from './help-text.ts';
import type { RaiseExitCode } from './exit-code.ts';
import type { LISTS } from './list-action.ts';

const NAMES = [
  'invariants',
  'revisions',
  'devices',
  'rules',
] as const satisfies readonly (keyof typeof LISTS)[];

/** `barproof list`: prints the invariants, revisions, devices or rules. */
export function listCommand(_raiseExitCode: RaiseExitCode): Command {
  const command = new Command('list')
    .description('list invariants, revisions, devices or rules of patches')
    .addHelpText(
      'before',
      examples([
        ['barproof list invariants', 'the invariants, for check --invariant'],
        ['barproof list revisions', 'the revisions, for --revision'],
        ['barproof list rules', 'the rules that a patch may replace, for definePatch'],
      ]),
    );
  for (const name of NAMES) {
    command.addCommand(
      new Command(name)
        .description(`list all ${name}`)
        .addHelpText('before', examples([[`barproof list ${name}`, `list all ${name}`]]))
        .option('--json', 'the list as JSON')
        .action(async ({ json }: { readonly json?: true }) => {
          const { LISTS } = await import('./list-action.ts');
          process.stdout.write(json ? LISTS[name].json() : LISTS[name].text());
        }),
    );
  }
  return command;
}
