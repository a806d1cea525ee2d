import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { END_OF_SPACE, LAST_ADDRESS, low64, offset } from '../src/address/index.ts';
import {
  MemoryRegion,
  MemoryTopology,
  form11,
  mtreeForms,
  parseFlatViews,
  parseTree,
  printFlatViews,
  printTree,
  rangeType,
  rebuildTree,
  regionType,
  type AddressSpace,
  type FlatRange,
  type MtreeRegion,
  type MtreeText,
  type RegionKind,
} from '../src/memory/index.ts';
import { ClauseShares } from './testing/clause-shares.ts';

/** The machines whose `info mtree` and `info mtree -f` are fixtures. */
const machines = ['q35', 'pc', 'virt', 'pseries', 'q35-devices'] as const;

/**
 * Reads a dump of QEMU 11.1.3. QEMU ran with `-accel qtest -nodefaults -display none -S`, and
 * `human-monitor-command` gave the text; here lines end with LF instead of CR LF. `q35-devices` has an NVDIMM, a
 * VGA card, and two root ports, one of them with a virtio-scsi function.
 */
const readFixture = (name: string): string =>
  readFileSync(new URL(`../src/memory/mtree/fixtures/${name}.txt`, import.meta.url), 'utf8');

/** A region to make. A number that chooses among other regions is taken modulo their count. */
interface RegionPlan {
  readonly kind: RegionKind;
  readonly name: string;
  readonly size: bigint;
  readonly address: bigint;
  readonly priority: number;
  readonly enabled: boolean;
  readonly readonly: boolean;
  readonly nonvolatile: boolean;
  /** How many of the earlier regions that are in no container yet become subregions of this one. */
  readonly children: number;
  /** Which of the earlier regions an alias shows. */
  readonly target: number;
  readonly targetOffset: bigint;
}

interface MachinePlan {
  readonly regions: readonly RegionPlan[];
  readonly spaces: readonly { readonly name: string; readonly root: number }[];
}

const names = ['ram', 'pci', 'BAR 1 mmaps[0]', 'pci@800000020000000.mmio', 'a: b', 'x (prio 1)', 'n @m', ''];

// Small numbers collide, so that ties and overlaps occur; numbers near 2^64 overflow.
const address = fc.oneof(
  fc.bigInt({ min: 0n, max: 8n }).map((pages) => pages << 12n),
  fc.constantFrom(LAST_ADDRESS, LAST_ADDRESS - 0xfffn, 1n << 63n),
  fc.bigInt({ min: 0n, max: LAST_ADDRESS }),
);
const size = fc.oneof(
  fc.bigInt({ min: 0n, max: 8n }).map((pages) => pages << 12n),
  fc.constantFrom(0n, 1n, END_OF_SPACE, 1n << 63n),
  fc.bigInt({ min: 0n, max: END_OF_SPACE }),
);

const regionPlan: fc.Arbitrary<RegionPlan> = fc.record({
  kind: fc.constantFrom('container', 'io', 'ram', 'ram-device', 'rom-device', 'iommu', 'alias', 'alias'),
  name: fc.constantFrom(...names),
  size,
  address,
  priority: fc.oneof(fc.integer({ min: -2, max: 2 }), fc.constantFrom(-0x80000000, 0x7fffffff)),
  enabled: fc.boolean(),
  readonly: fc.boolean(),
  nonvolatile: fc.boolean(),
  children: fc.nat(4),
  target: fc.nat(100),
  targetOffset: address,
});

const machinePlan: fc.Arbitrary<MachinePlan> = fc.record({
  regions: fc.array(regionPlan, { minLength: 1, maxLength: 14 }),
  spaces: fc.array(
    fc.record({ name: fc.constantFrom('memory', 'cpu-memory-0', 'I/O', 'dev (1): x'), root: fc.nat(100) }),
    {
      minLength: 1,
      maxLength: 4,
    },
  ),
});

/** Makes the regions. Each contains and shows only earlier regions, so that none shows itself. */
function makeMachine(plan: MachinePlan): MemoryTopology {
  const topology = new MemoryTopology();
  const regions: MemoryRegion[] = [];
  const shown = new Set<number>();
  plan.regions.forEach(({ kind, target }, index) => {
    if (kind === 'alias' && index > 0) shown.add(target % index);
  });
  topology.begin();
  plan.regions.forEach((one, index) => {
    // The text names the target of an alias, so targets get unique names; unit tests have equal names.
    const name = shown.has(index) ? `${one.name} #${index}` : one.name;
    const region = makeRegion(one, name, regions);
    topology.setEnabled(region, one.enabled);
    const free = regions.filter(({ container }) => container === undefined);
    for (const child of free.slice(free.length - Math.min(one.children, free.length))) {
      const own = plan.regions[regions.indexOf(child)]!;
      topology.addSubregion(region, child, offset(own.address), own.priority);
    }
    regions.push(region);
  });
  topology.commit();
  for (const { name, root } of plan.spaces)
    topology.createAddressSpace(name, regions[root % regions.length]!);
  return topology;
}

function makeRegion(plan: RegionPlan, name: string, earlier: readonly MemoryRegion[]): MemoryRegion {
  const { readonly, nonvolatile } = plan;
  const options = { readonly, nonvolatile };
  switch (plan.kind) {
    case 'alias': {
      const target = earlier[plan.target % earlier.length];
      if (target === undefined) return MemoryRegion.container(name, plan.size, options);
      return MemoryRegion.alias(name, target, offset(plan.targetOffset), plan.size, options);
    }
    case 'io':
      return MemoryRegion.io(name, plan.size, options);
    case 'ram':
      return MemoryRegion.ram(name, plan.size, options);
    case 'ram-device':
      return MemoryRegion.ramDevice(name, plan.size, options);
    case 'rom-device':
      return MemoryRegion.romDevice(name, plan.size, options);
    case 'iommu':
      return MemoryRegion.iommu(name, plan.size, options);
    default:
      return MemoryRegion.container(name, plan.size, options);
  }
}

/** The clause, if it happened. */
const clauseIf = <Clause extends string>(clause: Clause, happened: boolean | undefined): readonly Clause[] =>
  happened ? [clause] : [];

const parameters = { seed: 0x6d74, numRuns: 400 };
const forms = mtreeForms.map((form) => ({ form, since: form.since }));

const flatten = (region: MtreeRegion): MtreeRegion[] => [region, ...region.children.flatMap(flatten)];
const linesOf = (text: MtreeText): MtreeRegion[] =>
  [...text.addressSpaces, ...text.sections].flatMap(({ root }) => flatten(root));

describe('info mtree', () => {
  it.each(forms)(
    'is the same text after printing, parsing, rebuilding and printing, in the form of $since',
    ({ form }) => {
      const always = form.disabledRegions === 'always';
      const shares = new ClauseShares<
        | 'aliases'
        | 'overflow'
        | 'negative priority'
        | 'one byte or none'
        | '2^64 bytes'
        | 'disabled'
        | 'hidden'
        | 'shared root'
      >();
      fc.assert(
        fc.property(machinePlan, fc.boolean(), (plan, disabled) => {
          const text = printTree(makeMachine(plan).addressSpaces, form, { disabled });
          const parsed = parseTree(text, { disabledShown: disabled || always });
          const rebuilt = rebuildTree(parsed, { form });
          expect(printTree(rebuilt.topology.addressSpaces, form, { disabled })).toBe(text);
          const lines = linesOf(parsed);
          shares.note([
            ...clauseIf(
              'aliases',
              lines.some(({ alias }) => alias !== undefined),
            ),
            ...clauseIf('overflow', text.includes('[DETECTED OVERFLOW!]')),
            ...clauseIf('negative priority', text.includes('(prio -')),
            ...clauseIf(
              'one byte or none',
              lines.some(({ start, end }) => start === end),
            ),
            ...clauseIf(
              '2^64 bytes',
              lines.some(({ start, end }) => end === low64(start - 1n)),
            ),
            ...clauseIf('disabled', text.includes('[disabled]')),
            ...clauseIf(
              'hidden',
              lines.some(({ hidden }) => hidden),
            ),
            ...clauseIf(
              'shared root',
              parsed.addressSpaces.some(({ names: { length } }) => length > 1),
            ),
          ]);
        }),
        parameters,
      );
      shares.expectShares({
        aliases: 0.25,
        overflow: 0.25,
        'negative priority': 0.25,
        'one byte or none': 0.12,
        '2^64 bytes': 0.07,
        disabled: always ? 0.5 : 0.2,
        hidden: always ? 0 : 0.2,
        'shared root': form.grouping === 'root' ? 0.12 : 0,
      });
    },
  );

  it('parses to the printed tree if every region has a line', () => {
    const shares = new ClauseShares<'nested' | 'alias' | 'disabled' | 'persistent'>();
    const met = new Set<'nested' | 'alias' | 'disabled' | 'persistent'>();
    const form = form11;
    const last = (size: bigint): bigint => (size === 0n ? 0n : size - 1n);
    /** The lines that `region` and the regions below it must have. */
    const expected = (region: MemoryRegion, base: bigint): unknown => {
      const start = low64(base + region.address);
      const { alias, nonvolatile, enabled } = region;
      const children = region.subregions
        .toSorted(
          (a, b) =>
            Number(a.address - b.address > 0n) - Number(a.address - b.address < 0n) ||
            b.priority - a.priority,
        )
        .map((child) => expected(child, start));
      if (children.length > 0 && base > 0n) met.add('nested');
      if (alias !== undefined) met.add('alias');
      if (!enabled) met.add('disabled');
      if (nonvolatile) met.add('persistent');
      const end = low64(start + last(region.size));
      return {
        start,
        end,
        priority: region.priority,
        type: regionType(region, form),
        nonvolatile,
        name: region.name,
        ...(alias && {
          alias: {
            target: alias.region.name,
            start: alias.offset,
            end: low64(alias.offset + last(region.size)),
          },
        }),
        disabled: !enabled,
        overflow: start < base || end < start,
        children,
      };
    };
    fc.assert(
      fc.property(machinePlan, (plan) => {
        met.clear();
        const { addressSpaces } = makeMachine(plan);
        const parsed = parseTree(printTree(addressSpaces, form, { disabled: true }), { disabledShown: true });
        const groups = [...new Set(addressSpaces.map(({ root }) => root))];
        expect(parsed.addressSpaces).toEqual(
          groups.map((root) => ({
            names: addressSpaces
              .filter((space) => space.root === root)
              .map(({ name }) => name)
              .toSorted(),
            root: expected(root, 0n),
          })),
        );
        shares.note(met);
      }),
      parameters,
    );
    shares.expectShares({ nested: 0.2, alias: 0.2, disabled: 0.4, persistent: 0.4 });
  });

  it.each(machines)('of %s in QEMU 11.1.3 is the same after parsing and rebuilding', (machine) => {
    const text = readFixture(`${machine}.tree`);
    const parsed = parseTree(text);
    expect(linesOf(parsed).length).toBeGreaterThan(10);
    expect(printTree(rebuildTree(parsed).topology.addressSpaces, form11)).toBe(text);
    expect(printTree(rebuildTree(parsed, { form: form11 }).topology.addressSpaces, form11)).toBe(text);
  });

  it('of q35 with devices is the same with lines for all disabled regions', () => {
    const text = readFixture('q35-devices.tree-all');
    const { topology } = rebuildTree(parseTree(text));
    expect(printTree(topology.addressSpaces, form11, { disabled: true })).toBe(text);
    // -D adds only the lines of disabled regions.
    const shown = text.split('\n').filter((line) => !line.endsWith(' [disabled]'));
    expect(printTree(topology.addressSpaces, form11)).toBe(shown.join('\n'));
  });
});

describe('info mtree -f', () => {
  it.each(forms)('parses to the printed views, in the form of $since', ({ form }) => {
    type Clause = 'offset' | 'read-only' | 'persistent' | 'empty' | 'shared' | 'accelerator' | 'alias';
    const shares = new ClauseShares<Clause>();
    const hasMemslot = (space: AddressSpace, { region }: FlatRange): boolean =>
      region.isRam && space.name.includes('memory');
    fc.assert(
      fc.property(machinePlan, ({ regions, spaces }) => {
        // All regions are enabled, because disabled ones would leave too many views empty.
        const { addressSpaces } = makeMachine({
          spaces,
          regions: regions.map((plan) => ({ ...plan, enabled: true })),
        });
        const met = new Set<Clause>();
        const parsed = parseFlatViews(printFlatViews(addressSpaces, form, { hasMemslot }));
        expect(parsed.map(({ number }) => number)).toEqual(parsed.map((_, index) => index));
        expect(parsed.length).toBe(new Set(addressSpaces.map(({ view }) => view)).size);
        const unseen = new Set(addressSpaces);
        for (const { spaces: printed, root, ranges } of parsed) {
          const sharers = [...unseen].filter(({ view }) => view === [...unseen][0]!.view);
          for (const space of sharers) unseen.delete(space);
          expect(printed).toEqual(
            sharers.map((space) => ({
              name: space.name,
              root: space.root.name,
              ...(space.root.alias && { alias: space.root.alias.region.name }),
            })),
          );
          const { view } = sharers[0]!;
          expect(root).toBe(view.root?.name);
          expect(ranges).toEqual(
            view.ranges.map((range) => ({
              start: range.start,
              end: range.end - 1n,
              priority: range.priority,
              type: rangeType(range, form),
              nonvolatile: form.nonvolatile && range.nonvolatile,
              name: range.region.name,
              offset: range.offset,
              accelerators: sharers.flatMap((space) =>
                form.accelerator !== undefined && hasMemslot(space, range) ? [form.accelerator] : [],
              ),
            })),
          );
          if (ranges.some(({ offset: from }) => from !== 0n)) met.add('offset');
          if (ranges.some(({ type }) => type === 'rom')) met.add('read-only');
          if (ranges.some(({ nonvolatile }) => nonvolatile)) met.add('persistent');
          if (ranges.length === 0) met.add('empty');
          if (printed.length > 1) met.add('shared');
          if (ranges.some(({ accelerators }) => accelerators.length > 0)) met.add('accelerator');
          if (printed.some(({ alias }) => alias !== undefined)) met.add('alias');
        }
        shares.note(met);
      }),
      parameters,
    );
    shares.expectShares({
      offset: 0.1,
      'read-only': 0.1,
      persistent: form.nonvolatile ? 0.1 : 0,
      empty: 0.1,
      shared: 0.07,
      accelerator: form.accelerator === undefined ? 0 : 0.07,
      alias: 0.1,
    });
  });

  /** The ranges of each address space by its name, because QEMU numbers views in the order of a hash table. */
  const bySpace = (text: string) =>
    new Map(
      parseFlatViews(text)
        .flatMap(({ spaces, root, ranges }) =>
          spaces.map((space) => [space.name, { space, root, ranges }] as const),
        )
        .toSorted(([a], [b]) => (a < b ? -1 : 1)),
    );

  it.each([...machines, 'q35-devices.tree-all'])('of %s follows from its tree', (name) => {
    const [machine, tree = 'tree'] = name.split('.');
    const printed = readFixture(`${machine!}.flat`);
    // The tree does not show which i/o regions terminate. A region with a range in the view does terminate.
    const inView = new Set(
      parseFlatViews(printed).flatMap(({ ranges }) => ranges.map((range) => range.name)),
    );
    const { topology } = rebuildTree(parseTree(readFixture(`${machine!}.${tree}`)), {
      terminates: (region) => inView.has(region.name),
    });
    const expected = bySpace(printed);
    expect([...expected.values()].flatMap(({ ranges }) => ranges).length).toBeGreaterThan(5);
    expect(bySpace(printFlatViews(topology.addressSpaces, form11))).toEqual(expected);
  });
});
