import type { Scenario } from '../scenario/index.ts';

/** What surrounds the devices of a case: machine, container and kernel. Each brings other code of a VMM into play. */
export const surroundingsOf = ({ machine, host }: Scenario): string =>
  // pc and q35 run the same code of VFIO.
  [machine.type === 'pc' ? 'q35' : machine.type, host.iommu.type, host.kernel].join(' ');

/** Lists of cases that share their surroundings. */
export type CaseLists = readonly (readonly Scenario[])[];

/** How many cases of a list are taken: they share much. */
const MOST_OF_A_LIST = 3;

/**
 * Cases of all surroundings in the lists alike, one list of each at a time; those with the fewest cases so far come first.
 *
 * @param seen the surroundings of the cases so far.
 * @param count the most cases.
 */
export function spread(lists: CaseLists, seen: readonly string[], count: number): readonly Scenario[] {
  const counts = new Map<string, number>();
  for (const one of seen) counts.set(one, (counts.get(one) ?? 0) + 1);
  const groups = new Map<string, (readonly Scenario[])[]>();
  for (const list of lists) {
    const name = surroundingsOf(list[0]!);
    const group = groups.get(name) ?? [];
    groups.set(name, group);
    group.push(list.slice(0, MOST_OF_A_LIST));
  }
  const rarestFirst = [...groups].toSorted(([a], [b]) => (counts.get(a) ?? 0) - (counts.get(b) ?? 0));
  return inTurns(rarestFirst.map(([, group]) => group))
    .flat()
    .slice(0, count);
}

/** The first of each list, then the second of each, and so on. */
export function inTurns<T>(lists: readonly (readonly T[])[]): readonly T[] {
  const longest = Math.max(0, ...lists.map(({ length }) => length));
  return Array.from({ length: longest }, (_, index) =>
    lists.flatMap((list) => (index < list.length ? [list[index]!] : [])),
  ).flat();
}
