import { loadCase } from '../campaign/index.ts';
import { prefixProblems, printable } from '../input/index.ts';
import { reproducerOf } from '../reproduce/index.ts';
import { writeNamedFile } from './named-file.ts';
import { commandText } from './shell.ts';
import { caseFile } from './shipped-regressions.ts';
import { writeOut } from './write-out.ts';

/** The options of `barproof reproduce` as commander reads them. */
export interface ReproduceOptions {
  readonly output?: string;
}

/** Prints or writes the program that shows a case on a real QEMU. */
export async function reproduce(file: string, { output }: ReproduceOptions): Promise<void> {
  const text = prefixProblems(file, () => reproducerOf(loadCase(caseFile(file))));
  if (output === undefined) return writeOut(text);
  const kind = await writeNamedFile(output, text);
  // Behind a program that went to standard output, this line would be a part of the program.
  if (kind === 'file')
    process.stdout.write(`wrote ${printable(output)}; run it with: ${commandText(['python3', output])}\n`);
}
