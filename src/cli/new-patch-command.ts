import { Command } from 'commander';
import { writePatchTemplate } from '../validate/index.ts';
import { examples } from './examples.ts';
import type { RaiseExitCode } from './exit-code.ts';
import { commandText } from './shell.ts';

/** `barproof new-patch`: a file to start from. */
export const newPatchCommand = (_raiseExitCode: RaiseExitCode): Command =>
  new Command('new-patch')
    .description('write a commented file to start a patch from')
    .addHelpText('before', examples([['barproof new-patch my-rule', 'writes my-rule.ts into this folder']]))
    .argument('<name>', 'lower-case letters, digits, - and .; also what the file is called')
    .action((name: string) => {
      const file = writePatchTemplate(name);
      const command = commandText(['barproof', 'validate', file]);
      process.stdout.write(`${file} is there; judge it with: ${command}\n`);
    });
