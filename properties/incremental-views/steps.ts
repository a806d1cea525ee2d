import * as fc from 'fast-check';
import { END_OF_SPACE } from '../../src/address/index.ts';
import { someAddress, somePriority, someSize, treePlan, type RegionPlan } from '../testing/region-tree.ts';

/** Chooses a region: among all, counted from the root, or among those in some flat view. */
export interface Choice {
  readonly of: 'all' | 'seen';
  readonly index: number;
}

/** One step of a run. A number that chooses is taken modulo the number of choices. */
export type Step =
  | { readonly do: 'add'; readonly region: Choice; readonly container: number; readonly address: bigint; readonly priority: number } // prettier-ignore
  | { readonly do: 'remove' | 'toggle enabled' | 'toggle readonly' | 'toggle romd'; readonly region: Choice }
  | { readonly do: 'move' | 'offset'; readonly region: Choice; readonly address: bigint }
  | { readonly do: 'resize'; readonly region: Choice; readonly size: bigint }
  | { readonly do: 'begin' | 'commit' }
  | { readonly do: 'space'; readonly root: number }
  | { readonly do: 'listen'; readonly space: number; readonly priority: number; readonly nop: boolean }
  | { readonly do: 'leave'; readonly listener: number };

const any = fc.nat(100);
const holder = fc.oneof({ weight: 3, arbitrary: any }, { weight: 1, arbitrary: fc.nat(3) });
const someRegion: fc.Arbitrary<Choice> = fc.oneof(
  { weight: 1, arbitrary: fc.record({ of: fc.constant('all' as const), index: holder }) },
  { weight: 1, arbitrary: fc.record({ of: fc.constant('seen' as const), index: any }) },
);
const only = <const D extends string>(name: D) => fc.constant(name);

const changeOf = (region: fc.Arbitrary<Choice>): fc.Arbitrary<Step> =>
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: only('add'), region, container: holder, address: someAddress, priority: somePriority }) }, // prettier-ignore
    { weight: 4, arbitrary: fc.record({ do: only('remove'), region }) },
    { weight: 6, arbitrary: fc.record({ do: only('move'), region, address: someAddress }) },
    { weight: 4, arbitrary: fc.record({ do: only('resize'), region, size: someSize }) },
    { weight: 4, arbitrary: fc.record({ do: only('toggle enabled'), region }) },
    { weight: 2, arbitrary: fc.record({ do: only('toggle readonly'), region }) },
    { weight: 2, arbitrary: fc.record({ do: only('toggle romd'), region }) },
    { weight: 4, arbitrary: fc.record({ do: only('offset'), region, address: someAddress }) },
  );
/** Several changes of one region in a transaction: a later one may undo an earlier one. */
const burst: fc.Arbitrary<readonly Step[]> = someRegion
  .chain((region) => fc.array(changeOf(fc.constant(region)), { minLength: 2, maxLength: 4 }))
  .map((changes) => [{ do: 'begin' }, ...changes, { do: 'commit' }]);
const single: fc.Arbitrary<Step> = fc.oneof(
  { weight: 30, arbitrary: changeOf(someRegion) },
  { weight: 5, arbitrary: fc.record({ do: only('begin') }) },
  { weight: 7, arbitrary: fc.record({ do: only('commit') }) },
  { weight: 1, arbitrary: fc.record({ do: only('space'), root: holder }) },
  { weight: 4, arbitrary: fc.record({ do: only('listen'), space: any, priority: fc.integer({ min: -1, max: 1 }), nop: fc.boolean() }) }, // prettier-ignore
  { weight: 1, arbitrary: fc.record({ do: only('leave'), listener: any }) },
);
const steps: fc.Arbitrary<readonly Step[]> = fc
  .array(fc.oneof({ weight: 5, arbitrary: single.map((one) => [one]) }, { weight: 2, arbitrary: burst }), {
    minLength: 8,
    maxLength: 32,
    size: 'max',
  })
  .map((groups) => groups.flat());

export interface Plan {
  readonly regions: readonly RegionPlan[];
  readonly roots: readonly number[];
  readonly steps: readonly Step[];
}

/** Adds two aliases, one of the root of the tree and one of another region, and a container of both. */
function withBusMaster(tree: readonly RegionPlan[], other: number, whole: boolean): readonly RegionPlan[] {
  const inTree = tree.map((one) => ({ ...one, parent: one.parent < 0 ? -1 : one.parent + 3 }));
  const root = { ...inTree.at(-1)!, parent: -1 };
  const holder = { ...root, kind: 'container' as const, size: END_OF_SPACE, address: 0n };
  const alias = { ...holder, kind: 'alias' as const, targetOffset: 0n, parent: 0 };
  return [
    ...inTree.slice(0, -1),
    root,
    { ...alias, target: inTree.length - 1, size: whole ? END_OF_SPACE : 0x6000n },
    { ...alias, target: other % inTree.length, enabled: false },
    holder,
  ];
}

export const plan: fc.Arbitrary<Plan> = fc.record({
  regions: fc.tuple(treePlan, any, fc.boolean()).map((parts) => withBusMaster(...parts)),
  // The root of the first space is the root of the tree, that of the second the container of the aliases.
  roots: fc.array(any, { maxLength: 2 }).map((others) => [3, 0, ...others]),
  steps,
});
