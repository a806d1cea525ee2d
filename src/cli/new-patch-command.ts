import { Command } from 'commander';
import { writePatchTemplate } from '../validate/index.ts';
import { examples } from './examples.ts';
import type { RaiseExitCode } from './exit-code.ts';
import { commandText } from './shell.ts';

/** `barproof new-patch`: writes a template of a patch file. */
export const newPatchCommand = (_raiseExitCode: RaiseExitCode): Command =>
  new Command('new-patch')
    .description('write a commented template of a patch file')
    .addHelpText('before', examples([['barproof new-patch my-rule', 'writes my-rule.ts into this folder']]))
    .argument('<name>', 'name of the patch and of its file: lower-case letters, digits, - and .')
    .action((name: string) => {
      const file = writePatchTemplate(name);
      const command = commandText(['barproof', 'validate', file]);
      process.stdout.write(`wrote ${file}; judge it with: ${command}\n`);
    });
