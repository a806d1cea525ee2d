import * as fc from 'fast-check';
import { END_OF_SPACE, LAST_ADDRESS, offset } from '../../src/address/index.ts';
import { MemoryRegion, type MemoryTopology, type RegionKind } from '../../src/memory/index.ts';

/** A region to make. A number that chooses another region is taken modulo the number of regions. */
export interface RegionPlan {
  readonly kind: RegionKind;
  readonly size: bigint;
  readonly address: bigint;
  readonly priority: number;
  /** The turn at which it is added to its container: the order of addition decides among equal priorities. */
  readonly turn: number;
  readonly enabled: boolean;
  readonly readonly: boolean;
  readonly nonvolatile: boolean;
  readonly unmergeable: boolean;
  readonly romdMode: boolean;
  /** Which of the later regions is its container, counted from the root; negative for none. */
  readonly parent: number;
  /** Which of the earlier regions is the target of an alias. */
  readonly target: number;
  /** The offset in the target at which an alias begins; `same` stands for the alias's own address. */
  readonly targetOffset: bigint | 'same';
}

/** A region as the test has built it; no field is read back from the code under test. */
export interface Node {
  readonly index: number;
  readonly plan: RegionPlan;
  readonly region: MemoryRegion;
  /** In the order of addition. */
  readonly children: Node[];
  readonly alias: { readonly node: Node; readonly offset: bigint } | undefined;
}

const PAGE = 0x1000n;
const pages = (most: bigint): fc.Arbitrary<bigint> =>
  fc.bigInt({ min: 0n, max: most }).map((page) => page * PAGE);

/** Few addresses, so that edges meet, and the ends of 32, 63 and 64 bits, where arithmetic may overflow. */
export const someAddress: fc.Arbitrary<bigint> = fc.oneof(
  { weight: 12, arbitrary: pages(8n) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      (1n << 32n) - PAGE,
      1n << 32n,
      (1n << 63n) - PAGE,
      1n << 63n,
      END_OF_SPACE - PAGE,
    ),
  },
  { weight: 1, arbitrary: fc.constantFrom(1n, LAST_ADDRESS) },
);
export const someSize: fc.Arbitrary<bigint> = fc.oneof(
  { weight: 10, arbitrary: pages(8n) },
  { weight: 4, arbitrary: fc.constantFrom(1n << 32n, (1n << 63n) - 1n, 1n << 63n, END_OF_SPACE) },
  { weight: 1, arbitrary: fc.constantFrom(0n, 1n, PAGE - 1n, LAST_ADDRESS) },
);
export const somePriority: fc.Arbitrary<number> = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: -1, max: 1 }) },
  { weight: 1, arbitrary: fc.constantFrom(-0x8000_0000, 0x7fff_ffff) },
);
const oneIn = (runs: number): fc.Arbitrary<boolean> => fc.nat(runs - 1).map((number) => number === runs - 1);

const regionPlan: fc.Arbitrary<RegionPlan> = fc.record({
  kind: fc.constantFrom(
    ...(['container', 'container', 'io', 'ram', 'ram', 'ram-device', 'rom-device', 'iommu'] as const),
    ...(['alias', 'alias', 'alias', 'alias'] as const),
  ),
  size: someSize,
  address: someAddress,
  priority: somePriority,
  turn: fc.nat(100),
  enabled: oneIn(8).map((disabled) => !disabled),
  readonly: oneIn(5),
  nonvolatile: oneIn(5),
  unmergeable: oneIn(5),
  romdMode: fc.boolean(),
  parent: fc.oneof(
    { weight: 3, arbitrary: fc.constant(0) },
    { weight: 4, arbitrary: fc.nat(50) },
    { weight: 1, arbitrary: fc.constant(-1) },
  ),
  // Often the same target, so that several aliases show it.
  target: fc.oneof(fc.nat(1), fc.nat(50)),
  targetOffset: fc.oneof(
    { weight: 2, arbitrary: fc.constant('same' as const) },
    { weight: 3, arbitrary: someAddress },
  ),
});

/** The last region is the root: large, and of a kind that may have subregions. */
const rootPlan: fc.Arbitrary<RegionPlan> = fc
  .tuple(
    regionPlan,
    fc.constantFrom('container', 'container', 'container', 'io'),
    fc.oneof({ weight: 4, arbitrary: fc.constant(END_OF_SPACE) }, { weight: 1, arbitrary: someSize }),
    fc.oneof({ weight: 6, arbitrary: fc.constant(0n) }, { weight: 1, arbitrary: someAddress }),
  )
  .map(([plan, kind, size, address]) => ({ ...plan, kind, size, address, enabled: true }));

/**
 * Aliases of the first two regions above the leaves, side by side and each at the address of its part, as on the PC
 * for RAM below 1 MiB. Neighbours merge, unless their attributes differ.
 */
const stripes: fc.Arbitrary<readonly RegionPlan[]> = fc
  .array(fc.tuple(regionPlan, oneIn(6), oneIn(3)), { maxLength: 5, size: 'max' })
  .map((plans) =>
    plans.map(([plan, askew, chained], index) => ({
      ...plan,
      kind: 'alias' as const,
      size: PAGE,
      address: BigInt(index) * PAGE,
      targetOffset: askew ? plan.targetOffset : ('same' as const),
      target: chained ? 1 : 0,
      parent: 0,
      priority: Math.max(plan.priority, 0),
    })),
  );

/** Regions, each before its container; the last one is the root. */
export const treePlan: fc.Arbitrary<readonly RegionPlan[]> = fc
  .record({
    leaves: fc.array(regionPlan, { maxLength: 3, size: 'max' }),
    first: regionPlan.map((plan) => ({
      ...plan,
      size: plan.size > 4n * PAGE ? plan.size : 8n * PAGE,
      enabled: true,
    })),
    second: regionPlan.map((plan) => (plan.kind === 'alias' ? { ...plan, size: 8n * PAGE } : plan)),
    others: fc.array(regionPlan, { minLength: 3, maxLength: 9, size: 'max' }),
    stripes,
    root: rootPlan,
  })
  .map(({ leaves, first, second, others, stripes, root }) => {
    const above = [second, ...others, ...stripes, root];
    return [
      ...leaves.map((leaf) => ({ ...leaf, parent: above.length })),
      first,
      ...above.map((one) => (stripes.includes(one) ? { ...one, target: one.target + leaves.length } : one)),
    ];
  });

/**
 * Makes the regions and adds them to their containers. Subregions and targets of aliases are earlier regions, so that
 * no region shows itself. A region without a container can be seen through aliases.
 */
export function plant(plans: readonly RegionPlan[], topology: MemoryTopology): Node[] {
  const nodes: Node[] = [];
  plans.forEach((plan, index) => {
    const target = plan.kind === 'alias' ? nodes[plan.target % Math.max(index, 1)] : undefined;
    const from = plan.targetOffset === 'same' ? plan.address : plan.targetOffset;
    const alias = target && { node: target, offset: from };
    const region = makeRegion(`${plan.kind}${index}`, plan, alias);
    nodes.push({ index, plan, region, children: [], alias });
  });
  topology.begin();
  for (const node of nodes.toSorted((a, b) => a.plan.turn - b.plan.turn)) {
    const { plan, region, index } = node;
    topology.setEnabled(region, plan.enabled);
    topology.setRomdMode(region, plan.romdMode);
    const later = nodes.length - 1 - index;
    if (later > 0 && plan.parent >= 0) {
      const parent = nodes[nodes.length - 1 - (plan.parent % later)]!;
      topology.addSubregion(parent.region, region, offset(plan.address), plan.priority);
      parent.children.push(node);
    } else {
      topology.setAddress(region, offset(plan.address));
    }
  }
  topology.commit();
  return nodes;
}

function makeRegion(
  name: string,
  { kind, size, readonly, nonvolatile, unmergeable }: RegionPlan,
  alias: { readonly node: Node; readonly offset: bigint } | undefined,
): MemoryRegion {
  const options = { readonly, nonvolatile, unmergeable };
  switch (kind) {
    case 'alias':
      // The first region has no earlier one as its target.
      if (alias === undefined) return MemoryRegion.ram(name, size, options);
      return MemoryRegion.alias(name, alias.node.region, offset(alias.offset), size, options);
    case 'io':
      return MemoryRegion.io(name, size, options);
    case 'ram':
      return MemoryRegion.ram(name, size, options);
    case 'ram-device':
      return MemoryRegion.ramDevice(name, size, options);
    case 'rom-device':
      return MemoryRegion.romDevice(name, size, options);
    case 'iommu':
      return MemoryRegion.iommu(name, size, options);
    case 'container':
      return MemoryRegion.container(name, size, options);
  }
}
