import { Command } from 'commander';
import { REAL_DEVICES } from '../../generators/index.ts';
import { INVARIANTS } from '../invariants/index.ts';
import { ALL_REVISIONS } from '../model/index.ts';
import { deviceList, invariantList, revisionList } from '../report/index.ts';
import { examples } from './examples.ts';
import type { RaiseExitCode } from './exit-code.ts';

const LISTS = {
  invariants: () => invariantList(INVARIANTS),
  revisions: () => revisionList(ALL_REVISIONS),
  devices: () => deviceList(REAL_DEVICES),
} as const satisfies Record<string, () => string>;

/** `barproof list`: prints the invariants, revisions or devices. */
export function listCommand(_raiseExitCode: RaiseExitCode): Command {
  const command = new Command('list').description('list invariants, revisions or devices').addHelpText(
    'before',
    examples([
      ['barproof list invariants', 'the invariants, for check --invariant'],
      ['barproof list revisions', 'the revisions, for --revision'],
    ]),
  );
  for (const [name, text] of Object.entries(LISTS)) {
    command.addCommand(
      new Command(name)
        .description(`list all ${name}`)
        .addHelpText('before', examples([[`barproof list ${name}`, `list all ${name}`]]))
        .action(() => void process.stdout.write(text())),
    );
  }
  return command;
}
