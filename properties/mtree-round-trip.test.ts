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

/** The machines whose `info mtree` and `info mtree -f` are kept as fixtures. */
const machines = ['q35', 'pc', 'virt', 'pseries', 'q35-devices'] as const;

/**
 * A dump of QEMU 11.1.3, taken with `-accel qtest -nodefaults -display none -S` through
 * `human-monitor-command`, with LF for CR LF. `q35-devices` has an NVDIMM, two root ports, one of
 * them with a virtio-scsi function behind it, and a VGA card.
 */
const readFixture = (name: string): string =>
  readFileSync(new URL(`../src/memory/mtree/fixtures/${name}.txt`, import.meta.url), 'utf8');

/** A region to make; numbers that choose among others are taken modulo how many there are. */
interface RegionPlan {
  readonly kind: RegionKind;
  readonly name: string;
  readonly size: bigint;
  readonly address: bigint;
  readonly priority: number;
  readonly enabled: boolean;
  readonly readonly: boolean;
  readonly nonvolatile: boolean;
  /** How many of the regions made before it, and in no container yet, become its subregions. */
  readonly children: number;
  /** Which of the regions made before it an alias shows. */
  readonly target: number;
  readonly targetOffset: bigint;
}

interface MachinePlan {
  readonly regions: readonly RegionPlan[];
  readonly spaces: readonly { readonly name: string; readonly root: number }[];
}

const names = ['ram', 'pci', 'BAR 1 mmaps[0]', 'pci@800000020000000.mmio', 'a: b', 'x (prio 1)', 'n @m', ''];

// Small numbers collide, so that ties and overlaps occur; those at the end of the space overflow.
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

/** Makes the regions; every one can only hold and show earlier ones, so that nothing shows itself. */
function makeMachine(plan: MachinePlan): MemoryTopology {
  const topology = new MemoryTopology();
  const regions: MemoryRegion[] = [];
  const shown = new Set<number>();
  plan.regions.forEach(({ kind, target }, index) => {
    if (kind === 'alias' && index > 0) shown.add(target % index);
  });
  topology.begin();
  plan.regions.forEach((one, index) => {
    // The text has only names for what aliases show; equal ones are the subject of other tests.
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

/** How often a property met something that it is about; asserted at the end, so that it cannot pass on nothing. */
class ClauseCounts<Clause extends string> {
  readonly #counts = new Map<Clause, number>();

  note(clause: Clause, happened: boolean): void {
    this.#counts.set(clause, (this.#counts.get(clause) ?? 0) + Number(happened));
  }

  expectAtLeast(minima: Readonly<Record<Clause, number>>): void {
    for (const clause of Object.keys(minima) as Clause[]) {
      expect(this.#counts.get(clause) ?? 0, clause).toBeGreaterThanOrEqual(minima[clause]);
    }
  }
}

const parameters = { seed: 0x6d74, numRuns: 400 };
const forms = mtreeForms.map((form) => ({ form, since: form.since }));

const flatten = (region: MtreeRegion): MtreeRegion[] => [region, ...region.children.flatMap(flatten)];
const linesOf = (text: MtreeText): MtreeRegion[] =>
  [...text.addressSpaces, ...text.sections].flatMap(({ root }) => flatten(root));

describe('info mtree', () => {
  it.each(forms)(
    'printed, parsed, rebuilt and printed again is the same text, in the form of $since',
    ({ form }) => {
      const always = form.disabledRegions === 'always';
      const tally = new ClauseCounts<
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
          tally.note(
            'aliases',
            lines.some(({ alias }) => alias !== undefined),
          );
          tally.note('overflow', text.includes('[DETECTED OVERFLOW!]'));
          tally.note('negative priority', text.includes('(prio -'));
          tally.note(
            'one byte or none',
            lines.some(({ start, end }) => start === end),
          );
          tally.note(
            '2^64 bytes',
            lines.some(({ start, end }) => end === low64(start - 1n)),
          );
          tally.note('disabled', text.includes('[disabled]'));
          tally.note(
            'hidden',
            lines.some(({ hidden }) => hidden),
          );
          tally.note(
            'shared root',
            parsed.addressSpaces.some(({ names: { length } }) => length > 1),
          );
        }),
        parameters,
      );
      tally.expectAtLeast({
        aliases: 100,
        overflow: 100,
        'negative priority': 100,
        'one byte or none': 50,
        '2^64 bytes': 30,
        disabled: always ? 200 : 80,
        hidden: always ? 0 : 80,
        'shared root': form.grouping === 'root' ? 50 : 0,
      });
    },
  );

  it('parses to the tree that was printed, where every region has a line', () => {
    const tally = new ClauseCounts<'nested' | 'alias' | 'disabled' | 'persistent'>();
    const form = form11;
    const last = (size: bigint): bigint => (size === 0n ? 0n : size - 1n);
    /** What the line of `region` and those below it must say. */
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
      tally.note('nested', children.length > 0 && base > 0n);
      tally.note('alias', alias !== undefined);
      tally.note('disabled', !enabled);
      tally.note('persistent', nonvolatile);
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
      }),
      parameters,
    );
    tally.expectAtLeast({ nested: 200, alias: 200, disabled: 400, persistent: 400 });
  });

  it.each(machines)('of %s is the same after parsing and rebuilding', (machine) => {
    const text = readFixture(`${machine}.tree`);
    const parsed = parseTree(text);
    expect(linesOf(parsed).length).toBeGreaterThan(10);
    expect(printTree(rebuildTree(parsed).topology.addressSpaces, form11)).toBe(text);
    expect(printTree(rebuildTree(parsed, { form: form11 }).topology.addressSpaces, form11)).toBe(text);
  });

  it('of q35 with devices is the same with all its disabled regions', () => {
    const text = readFixture('q35-devices.tree-all');
    const { topology } = rebuildTree(parseTree(text));
    expect(printTree(topology.addressSpaces, form11, { disabled: true })).toBe(text);
    // What -D adds is nothing but the lines of disabled regions.
    const shown = text.split('\n').filter((line) => !line.endsWith(' [disabled]'));
    expect(printTree(topology.addressSpaces, form11)).toBe(shown.join('\n'));
  });
});

describe('info mtree -f', () => {
  it.each(forms)('says what the views hold, in the form of $since', ({ form }) => {
    const tally = new ClauseCounts<
      'offset' | 'read-only' | 'persistent' | 'empty' | 'shared' | 'accelerator' | 'alias'
    >();
    const hasMemslot = (space: AddressSpace, { region }: FlatRange): boolean =>
      region.isRam && space.name.includes('memory');
    fc.assert(
      fc.property(machinePlan, ({ regions, spaces }) => {
        // Disabled regions hide too much of so small machines.
        const { addressSpaces } = makeMachine({
          spaces,
          regions: regions.map((plan) => ({ ...plan, enabled: true })),
        });
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
          tally.note(
            'offset',
            ranges.some(({ offset: from }) => from !== 0n),
          );
          tally.note(
            'read-only',
            ranges.some(({ type }) => type === 'rom'),
          );
          tally.note(
            'persistent',
            ranges.some(({ nonvolatile }) => nonvolatile),
          );
          tally.note('empty', ranges.length === 0);
          tally.note('shared', printed.length > 1);
          tally.note(
            'accelerator',
            ranges.some(({ accelerators }) => accelerators.length > 0),
          );
          tally.note(
            'alias',
            printed.some(({ alias }) => alias !== undefined),
          );
        }
      }),
      parameters,
    );
    tally.expectAtLeast({
      offset: 50,
      'read-only': 50,
      persistent: form.nonvolatile ? 50 : 0,
      empty: 50,
      shared: 30,
      accelerator: form.accelerator === undefined ? 0 : 30,
      alias: 50,
    });
  });

  /** The ranges, by the address space that shows them: the numbers of views follow a hash in QEMU. */
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
    // Which of the i/o regions terminate cannot be seen in the tree, but in the view.
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
