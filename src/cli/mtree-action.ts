import { loadCase } from '../campaign/index.ts';
import { prefixProblems } from '../input/index.ts';
import { mtreeAfter, requireRevision, type MtreeOptions } from '../model/index.ts';
import { fittedText } from '../report/index.ts';
import { caseFile } from './shipped-regressions.ts';

/** The options of `barproof mtree` as commander reads them. */
export interface MtreeCommandOptions extends MtreeOptions {
  readonly revision?: string;
}

/** Prints the memory map after the scenario of a file. */
export function printMemoryMap(file: string, { revision: id, ...form }: MtreeCommandOptions): void {
  if (id !== undefined) requireRevision(id, '--revision');
  const { text, end } = prefixProblems(file, () => {
    const { scenario } = loadCase(caseFile(file));
    return mtreeAfter(scenario, requireRevision(id ?? scenario.revision), form);
  });
  if (end.outcome !== 'ok')
    process.stderr.write(fittedText([`${end.outcome}: ${end.error}; this is the memory map at that moment`]));
  process.stdout.write(text);
}
