import type { Verdict, VerdictFinding } from '../validate/index.ts';
import { exampleBlocks } from './verdict-example.ts';
import { changesNothing, headline } from './verdict-headline.ts';
import { costTable, deviceTable, invariantTable, outcomeLines } from './verdict-tables.ts';

/**
 * A verdict for people: three lines that say it all, how each invariant changes, every finding with its smallest case,
 * and the cost.
 *
 * @param again the command line that runs the case of a finding again, if a file holds the case.
 */
export function verdictText(
  verdict: Verdict,
  again: (finding: VerdictFinding) => string | undefined = () => undefined,
): string {
  const first = headline(verdict);
  if (changesNothing(verdict)) return `${first.join('\n')}\n`;
  const parts = [
    first,
    invariantTable(verdict),
    ...exampleBlocks(verdict, again),
    outcomeLines(verdict),
    costTable(verdict),
    deviceTable(verdict),
  ].filter((lines) => lines.length > 0);
  return `${parts.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}
