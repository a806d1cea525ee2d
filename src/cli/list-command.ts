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

/** `barproof list`: what there is to choose from. */
export function listCommand(_raiseExitCode: RaiseExitCode): Command {
  const command = new Command('list').description('list invariants, revisions or devices').addHelpText(
    'before',
    examples([
      ['barproof list invariants', 'what is checked, for `check --invariant`'],
      ['barproof list revisions', 'what can be checked, for `--revision`'],
    ]),
  );
  for (const [name, text] of Object.entries(LISTS)) {
    command.addCommand(
      new Command(name)
        .description(`all ${name}`)
        .addHelpText('before', examples([[`barproof list ${name}`, `all ${name}`]]))
        .action(() => void process.stdout.write(text())),
    );
  }
  return command;
}
