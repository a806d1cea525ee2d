import { hex16 } from '../../src/address/index.ts';
import {
  parseFlatViews,
  parseTree,
  printTree,
  rangeType,
  rebuildTree,
  type AddressSpace,
  type FlatRangeText,
  type FlatViewText,
  type MtreeForm,
  type RebuiltTree,
} from '../../src/memory/index.ts';
import { Answers, type Question } from './answers.ts';
import { candidatesAt } from './candidates.ts';
import { isAt, learn } from './learn.ts';
import type { MachineDump } from './machine-dump.ts';
import type { SpacePair } from './space-pair.ts';

/** The comparison of one address space. */
export interface SpaceVerdict {
  readonly name: string;
  /** How many ranges QEMU has in this space. */
  readonly ranges: number;
  /**
   * The questions whose answers make the two views equal, range by range: none if the text of the tree is
   * enough. `undefined` if no answers make the views equal.
   */
  readonly needed: readonly Question[] | undefined;
  /** The ranges that only QEMU or only our view has after all answers, each after the word `QEMU` or `ours`. */
  readonly differences: readonly string[];
}

/** The comparison of a machine type. */
export interface MachineVerdict {
  readonly machine: string;
  /** Whether the rebuilt trees print as the text of `info mtree`, byte for byte but for owners and CR LF. */
  readonly printsTheSame: boolean;
  readonly spaces: readonly SpaceVerdict[];
  /** How many answers the machine needs to each question. */
  readonly answers: Readonly<Record<Question, number>>;
}

const QUESTIONS: readonly Question[] = ['terminates', 'sibling-order'];
/** The sets of questions in the order in which the comparison tries them: the smallest first. */
const SUBSETS: readonly (readonly Question[])[] = [[], ['terminates'], ['sibling-order'], QUESTIONS];
/** An answer may uncover another difference; no machine needs more than a few rounds. */
const MOST_ROUNDS = 50;

/**
 * Rebuilds the region trees of a machine from the text of `info mtree`, renders them, and compares each
 * address space with the text of `info mtree -f`. The comparison covers the root of the view, and for each
 * range the addresses, priority, type, persistence, name, offset, owner and parent.
 *
 * If the text of the tree does not give QEMU's view, the flat views answer the open questions, with one
 * answer for the whole machine. An address space counts as explained only if all its ranges are then equal.
 *
 * @param form of the QEMU that printed the dump.
 * @param withDisabled whether to rebuild the text with lines for disabled regions, or the one without, if
 *   QEMU prints such a text.
 * @throws MtreeSyntaxError if QEMU does not print such a text.
 * @throws Error if the two texts do not have the same address spaces.
 */
export function compareMachine(dump: MachineDump, form: MtreeForm, withDisabled = true): MachineVerdict {
  const disabledShown = withDisabled || form.disabledRegions === 'always';
  const text = parseTree(disabledShown ? dump.tree : dump.enabledTree, { disabledShown });
  const views = parseFlatViews(dump.flat);
  const answers = new Answers();
  const rebuild = (questions: readonly Question[]): RebuiltTree =>
    rebuildTree(text, { form, disabledShown, ...answers.options(questions) });

  const pairs = pairSpaces(views, rebuild([]));
  for (let round = 0; round < MOST_ROUNDS; round++) {
    if (!learn(rebuild(QUESTIONS), pairs, views, answers)) break;
  }
  const trees = SUBSETS.map((questions) => ({ questions, tree: rebuild(questions) }));
  const spaces = pairs.map(({ name, index, view }): SpaceVerdict => {
    const theirs = linesOfTheirs(view);
    const ours = trees.map(({ tree }) => linesOfOurs(tree.topology.addressSpaces[index]!, tree, form));
    const equal = ours.map((lines) => lines.join('\n') === theirs.join('\n'));
    // The answers that another space needed must not make this space wrong.
    const explained = equal.at(-1) ? equal.indexOf(true) : -1;
    return {
      name,
      ranges: view.ranges.length,
      needed: SUBSETS[explained],
      differences: explained === -1 ? differencesOf(theirs, ours.at(-1)!) : [],
    };
  });
  const printed = printTree(trees.at(-1)!.tree.topology.addressSpaces, form, { disabled: disabledShown });
  return {
    machine: dump.machine,
    printsTheSame: printed === withoutOwners(disabledShown ? dump.tree : dump.enabledTree),
    spaces,
    answers: {
      terminates: answers.count('terminates'),
      'sibling-order': answers.count('sibling-order'),
    },
  };
}

/** The owners that `-o` appends to a line (mtree_print_mr_owner). */
const OWNERS = /(?: owner:\{[^{}]*\}| parent:\{[^{}]*\}| orphan)+$/gm;

const withoutOwners = (text: string): string => text.replaceAll('\r\n', '\n').replaceAll(OWNERS, '');

/**
 * Pairs the address spaces of the flat views with those of the tree by name and root. If several spaces have
 * the same, the pair is the space whose regions the view has.
 *
 * @throws Error if the two texts do not have the same address spaces.
 */
function pairSpaces(views: readonly FlatViewText[], tree: RebuiltTree): SpacePair[] {
  const free = new Map<string, number[]>();
  tree.topology.addressSpaces.forEach((space, index) => {
    const key = keyOf(space.name, space.root.name, space.root.alias?.region.name);
    free.set(key, [...(free.get(key) ?? []), index]);
  });
  const pairs: SpacePair[] = [];
  for (const view of views) {
    for (const { name, root, alias } of view.spaces) {
      const indices = free.get(keyOf(name, root, alias)) ?? [];
      if (indices.length === 0) throw new Error(`info mtree has no address space ${name} with root ${root}`);
      const scores = indices.map((index) => foundIn(view, tree.topology.addressSpaces[index]!, tree));
      const [index] = indices.splice(scores.indexOf(Math.max(...scores)), 1);
      pairs.push({ name, index: index!, view });
    }
  }
  const left = [...free].filter(([, indices]) => indices.length > 0).map(([key]) => key);
  if (left.length > 0) throw new Error(`info mtree -f does not have ${left.join(', ')}`);
  return pairs;
}

const keyOf = (name: string, root: string, alias: string | undefined): string =>
  JSON.stringify([name, root, alias]);

/** How many ranges of the view have their region in the space at the same address. */
function foundIn(view: FlatViewText, space: AddressSpace, tree: RebuiltTree): number {
  return view.ranges.filter((range) =>
    candidatesAt(space.root, range.start).some((candidate) => isAt(candidate, range.start, range, tree)),
  ).length;
}

function linesOfTheirs({ root, ranges }: FlatViewText): string[] {
  return [`root ${root ?? '(none)'}`, ...ranges.map(lineOf)];
}

function linesOfOurs({ view }: AddressSpace, tree: RebuiltTree, form: MtreeForm): string[] {
  const lines = view.ranges.map((range) => {
    const { start, end, priority, nonvolatile, region, offset } = range;
    const { owner, parent } = tree.lineOf(region) ?? {};
    const type = rangeType(range, form);
    return lineOf({
      start,
      end: end - 1n,
      priority,
      type,
      nonvolatile,
      name: region.name,
      offset,
      owner,
      parent,
    });
  });
  return [`root ${view.root?.name ?? '(none)'}`, ...lines];
}

type RangeFields = Omit<FlatRangeText, 'accelerators' | 'owner' | 'parent'> & {
  readonly owner?: string | undefined;
  readonly parent?: string | undefined;
};

const lineOf = ({
  start,
  end,
  priority,
  type,
  nonvolatile,
  name,
  offset,
  owner,
  parent,
}: RangeFields): string =>
  `${hex16(start)}-${hex16(end)} (prio ${priority}, ${nonvolatile ? 'nv-' : ''}${type}): ${name} ` +
  `@${hex16(offset)} owner:{${owner ?? ''}} parent:{${parent ?? ''}}`;

const differencesOf = (theirs: readonly string[], ours: readonly string[]): string[] => [
  ...theirs.filter((line) => !ours.includes(line)).map((line) => `QEMU ${line}`),
  ...ours.filter((line) => !theirs.includes(line)).map((line) => `ours ${line}`),
];
