import { printable } from '../input/index.ts';
import type { ChangedFunctionRuns, PatchOnTree, Verdict } from '../validate/index.ts';
import { count } from './count.ts';

/** The column, from 0, in which the texts of these lines begin. */
export const TREE_COLUMN = 9;

/** How many files and functions are named: a series may change hundreds. */
const MOST_FILES = 8;
const MOST_FUNCTIONS = 20;

/** What was built and judged: the patch, its base, and which of the changed functions ran. Empty without a tree. */
export function treeLines(tree: PatchOnTree | undefined): readonly string[] {
  if (tree === undefined) return [];
  const { subject, files, base, configuration, objects, functions, runs, outside, further } = tree;
  const rows: (readonly [string, string])[] = [
    ['patch', subject],
    ['files', shortened(files, MOST_FILES)],
    ['base', `${base}, built with ${configuration}; ${count(objects, 'object')} compiled for the patch`],
    ...functions.slice(0, MOST_FUNCTIONS).map((found) => ['', functionText(found, runs)] as const),
    ...(functions.length > MOST_FUNCTIONS
      ? [['', `and ${functions.length - MOST_FUNCTIONS} more functions`] as const]
      : []),
    ...(outside.length === 0
      ? []
      : [
          [
            '',
            `outside of functions: ${shortened(outside, MOST_FILES)}; whether a case comes to it is not known`,
          ] as const,
        ]),
  ];
  if (further !== undefined) {
    const names = shortened(further.functions, MOST_FILES);
    rows.push([
      'further',
      `${count(further.cases, 'case')} of other hosts and machines, because few of the first came to ${names}`,
    ]);
  }
  const first = rows.findIndex(([label]) => label === '');
  return rows.map(
    ([label, text], index) =>
      `${(index === first ? 'changed' : label).padEnd(TREE_COLUMN)}${printable(text)}`,
  );
}

const functionText = ({ name, file, runs, compiledFor }: ChangedFunctionRuns, all: number): string => {
  const what =
    runs === 'not compiled'
      ? `not compiled here${compiledFor === undefined ? '' : `; --target-list ${compiledFor.join(' or ')} compiles it`}`
      : runs === 0
        ? 'never reached'
        : `exercised in ${runs} of ${count(all, 'run')}`;
  return `${name} (${file}): ${what}`;
};

const shortened = (names: readonly string[], most: number): string =>
  names.length > most
    ? `${names.slice(0, most).join(', ')} and ${names.length - most} more`
    : names.join(', ');

/** What no case came to, where no case ran what the patch changes. */
export function unreachedText({ tree, rules = [] }: Pick<Verdict, 'tree' | 'rules'>): string {
  if (tree === undefined)
    return `not reached: ${shortened(
      rules.filter(({ asked }) => asked === 0).map(({ rule }) => rule),
      MOST_FUNCTIONS,
    )}`;
  const { functions, files, objects } = tree;
  return objects === 0
    ? `nothing of the patch is compiled here: ${shortened(files, MOST_FILES)}`
    : `not reached: ${shortened(functions.length > 0 ? functions.map(({ name }) => name) : files, MOST_FILES)}`;
}
