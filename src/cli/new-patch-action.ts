import { printable } from '../input/index.ts';
import { writePatchTemplate } from '../validate/index.ts';
import { programWords } from './program-words.ts';
import { commandText } from './shell.ts';

/** Writes a template of a patch, and prints how to judge it. */
export function writeNewPatch(name: string): void {
  const file = writePatchTemplate(name);
  const command = commandText([...programWords(), 'validate', file]);
  process.stdout.write(`wrote ${printable(file)}; judge it with: ${command}\n`);
}
