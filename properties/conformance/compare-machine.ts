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

/** How the flat view of one address space compares. */
export interface SpaceVerdict {
  readonly name: string;
  /** How many ranges QEMU has there. */
  readonly ranges: number;
  /**
   * Which questions had to be answered for the two views to be equal, range by range: none where the
   * tree's text was enough. Undefined where no answers make them equal.
   */
  readonly needed: readonly Question[] | undefined;
  /** The ranges that only one of the two has, `QEMU` or `ours`, with everything answered. */
  readonly differences: readonly string[];
}

/** How a machine type compares. */
export interface MachineVerdict {
  readonly machine: string;
  /** Whether the rebuilt trees, printed again, are the text of `info mtree`, byte for byte (owners apart, lines ended by LF). */
  readonly printsTheSame: boolean;
  readonly spaces: readonly SpaceVerdict[];
  /** How many answers there are to each question that some space needs. */
  readonly answers: Readonly<Record<Question, number>>;
}

const QUESTIONS: readonly Question[] = ['terminates', 'sibling-order'];
/** In the order in which explanations are tried: the smallest first. */
const SUBSETS: readonly (readonly Question[])[] = [[], ['terminates'], ['sibling-order'], QUESTIONS];
/** Answers bring to light what they covered; no machine needs more than a few rounds. */
const MOST_ROUNDS = 50;

/**
 * Rebuilds the region trees of a machine from the text of `info mtree`, renders them, and compares
 * each address space with what `info mtree -f` says, range by range: addresses, priority, type,
 * persistence, name, offset, owner and parent, and the root of the view.
 *
 * Where the text alone does not give QEMU's view, the open questions are answered from the flat
 * views, one answer for the whole machine; an address space counts as explained only if it is then
 * equal as a whole.
 *
 * @param form of the QEMU that printed the dump.
 * @param withDisabled whether to start from the text with lines for disabled regions, or from that
 *   without, where there is one.
 * @throws MtreeSyntaxError when a text is not what QEMU prints.
 */
export function compareMachine(
  dump: MachineDump,
  form: MtreeForm,
  withDisabled: boolean = true,
): MachineVerdict {
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
    // What another space needed must be right here, too.
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

/** What `-o` appends to a line (mtree_print_mr_owner). */
const OWNERS = /(?: owner:\{[^{}]*\}| parent:\{[^{}]*\}| orphan)+$/gm;

const withoutOwners = (text: string): string => text.replaceAll('\r\n', '\n').replaceAll(OWNERS, '');

/**
 * Finds out which address space of the tree each one of the flat views is: by name and root, and
 * where several have these, the one whose regions are found in the view.
 *
 * @throws Error when the two texts do not have the same address spaces.
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

/** For how many ranges of the view the space has the region at its place. */
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
