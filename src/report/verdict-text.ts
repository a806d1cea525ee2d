import type { Verdict, VerdictFinding } from '../validate/index.ts';
import { table } from './table.ts';
import { TREE_COLUMN, treeLines } from './tree-lines.ts';
import { exampleBlocks } from './verdict-example.ts';
import { changesNothing, headline } from './verdict-headline.ts';
import { costTable, deviceTable, invariantTable, outcomeLines } from './verdict-tables.ts';
import { fitted } from './wrap.ts';

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
  const first = headline(verdict).flatMap((line) => fitted(line));
  const tree = treeLines(verdict.tree).flatMap((line) => fitted(line, TREE_COLUMN));
  const parts = changesNothing(verdict)
    ? [first, tree]
    : [
        first,
        tree,
        invariantTable(verdict),
        ...exampleBlocks(verdict, again),
        outcomeLines(verdict),
        costTable(verdict, table),
        deviceTable(verdict, table),
      ];
  const shown = parts.filter((lines) => lines.length > 0);
  return `${shown.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}
