import { Command } from 'commander';
import { examples } from './help-text.ts';
import type { RaiseExitCode } from './exit-code.ts';

/** `barproof new-patch`: writes a template of a patch file. */
export const newPatchCommand = (_raiseExitCode: RaiseExitCode): Command =>
  new Command('new-patch')
    .description('write a commented template of a patch file')
    .addHelpText('before', examples([['barproof new-patch my-rule', 'writes my-rule.ts into this folder']]))
    .argument('<name>', 'name of the patch and of its file: lower-case letters, digits, - and .')
    .action(async (name: string) => {
      const { writeNewPatch } = await import('./new-patch-action.ts');
      writeNewPatch(name);
    });
