import { Command } from 'commander';
import { REAL_DEVICES } from '../../generators/index.ts';
import { INVARIANTS, brokenBy } from '../invariants/index.ts';
import { bytes } from '../report/index.ts';
import { ALL_REVISIONS } from '../model/index.ts';
import { examples } from './examples.ts';
import type { Conclude } from './exit-code.ts';

const LISTS = {
  invariants: () =>
    INVARIANTS.map(({ id, clause, severity, ofRealVmm }) => [
      id,
      [
        ...(severity === 'warning' ? ['(warning)'] : []),
        ...(ofRealVmm ? ['(needs a real VMM: --target qemu)'] : []),
        clause,
      ].join(' '),
    ]),
  revisions: () =>
    ALL_REVISIONS.map(({ id, title }) => {
      const broken = brokenBy(id);
      return [id, broken.length > 0 ? `${title}; breaks ${broken.join(', ')}` : title];
    }),
  devices: () =>
    REAL_DEVICES.map(({ name, bars, msix }) => {
      const sizes = bars.map(({ index, size, type }) => `BAR${index} ${bytes(size)} ${type}`).join(', ');
      const table =
        msix === undefined
          ? 'no MSI-X'
          : `${msix.vectors} ${msix.vectors === 1 ? 'vector' : 'vectors'}, table BAR${msix.tableBar}+0x${msix.tableOffset.toString(16)}, PBA BAR${msix.pbaBar}+0x${msix.pbaOffset.toString(16)}`;
      return [name, `${sizes}; ${table}`];
    }),
} as const satisfies Record<string, () => readonly (readonly string[])[]>;

/** `barproof list`: what there is to choose from. */
export function listCommand(_conclude: Conclude): Command {
  const command = new Command('list').description('list invariants, revisions or devices').addHelpText(
    'before',
    examples([
      ['barproof list invariants', 'what is checked, for `check --invariant`'],
      ['barproof list revisions', 'what can be checked, for `--revision`'],
    ]),
  );
  for (const [name, rows] of Object.entries(LISTS)) {
    command.addCommand(
      new Command(name)
        .description(`all ${name}`)
        .addHelpText('before', examples([[`barproof list ${name}`, `all ${name}`]]))
        .action(() => {
          const lines = rows();
          const width = Math.max(...lines.map(([first]) => first!.length));
          for (const [first, second] of lines) process.stdout.write(`${first!.padEnd(width)}  ${second}\n`);
        }),
    );
  }
  return command;
}
