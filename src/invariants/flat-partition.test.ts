import { describe, expect, it } from 'vitest';
import { runOnModel } from '../model/index.ts';
import { StateChange, ViewChange, compareStates } from '../trace/index.ts';
import { NEWEST } from '../vfio/index.ts';
import { flatPartition } from './flat-partition.ts';
import {
  END,
  PAGE,
  RAM,
  bar,
  causes,
  device,
  flat,
  judge,
  node,
  region,
  saysNothing,
  scenario,
  state,
  trace,
  traceOfStates,
} from './testing/index.ts';

const ROOT = region('system', 'container');
const IO = region('io', 'io');
const view = (...flatView: readonly ReturnType<typeof flat>[]) => state({ flatView });
const order = (...ranges: readonly ReturnType<typeof flat>[]) =>
  causes(flatPartition, traceOfStates([view(...ranges)]));

describe('flat-partition: the order of the ranges', () => {
  it('accepts ranges that touch, leave gaps, and fill the space', () => {
    expect(order(flat(0n, PAGE), flat(PAGE, PAGE), flat(0x8000n, PAGE))).toEqual([]);
    expect(order(flat(0n, END))).toEqual([]);
    expect(order(flat(0n, 1n), flat(END - 1n, 1n))).toEqual([]);
  });

  it('reports a range that begins before the one below it ends', () => {
    expect(order(flat(0n, PAGE), flat(PAGE - 1n, PAGE))).toEqual(['not-disjoint']);
    expect(order(flat(PAGE, PAGE), flat(0n, PAGE))).toEqual(['not-disjoint']);
    expect(order(flat(0n, PAGE), flat(0n, PAGE))).toEqual(['not-disjoint']);
  });

  it('compares a new range with its neighbours on both sides', () => {
    const [low, high] = [flat(0n, 2n * PAGE), flat(3n * PAGE, PAGE)];
    const before = view(low, high);
    for (const added of [flat(PAGE, PAGE), flat(2n * PAGE, 2n * PAGE)]) {
      const after = view(low, added, high);
      const flatView = new ViewChange(after.flatView, [{ start: added.start + PAGE / 2n, end: added.end }]);
      const change = new StateChange({ ...compareStates(before, after), flatView, dmaView: flatView });
      const judged = traceOfStates([before, after]);
      const steps = judged.steps.with(1, { ...judged.steps[1]!, change });
      expect(causes(flatPartition, { ...judged, steps })).toEqual(['not-disjoint']);
    }
  });

  it('reports a range without addresses', () => {
    expect(order(flat(PAGE, 0n))).toEqual(['empty-range']);
    expect(order(flat(PAGE, -1n))).toEqual(['empty-range']);
    expect(order(flat(PAGE, 1n))).toEqual([]);
  });

  it('reports a range that extends beyond the address space', () => {
    expect(order(flat(0n, END + 1n))).toEqual(['outside-space']);
    expect(order(flat(END - 1n, 2n))).toEqual(['outside-space']);
    expect(order(flat(-1n, 2n))).toContain('outside-space');
  });

  it('checks the flat view for DMA too, where it is another one', () => {
    const good = [flat(0n, PAGE)];
    const bad = [flat(0n, PAGE), flat(0n, PAGE)];
    const apart = state({ flatView: good, dmaView: bad });
    expect(judge(flatPartition, traceOfStates([apart]))).toMatchObject({
      causes: ['not-disjoint'],
      exercised: 3,
    });
    expect(judge(flatPartition, traceOfStates([view(...good)]))).toMatchObject({ exercised: 1 });
  });

  it('checks every state after every outcome and names the step', () => {
    const bad = view(flat(0n, 0n));
    for (const outcome of ['ok', 'aborted', 'rejected'] as const) {
      const judged = traceOfStates([view(flat(0n, 1n)), bad, bad, view()], { outcome });
      expect(judge(flatPartition, judged)).toMatchObject({
        exercised: 2,
        violations: [{ cause: 'empty-range', step: 1, message: 'a flat range of "ram" is empty' }],
      });
    }
  });

  it('checks nothing in an empty flat view', () => {
    expect(saysNothing(flatPartition, traceOfStates([view()]))).toBe(true);
    expect(saysNothing(flatPartition, trace([]))).toBe(true);
    expect(saysNothing(flatPartition, trace([], { tree: node(ROOT, 0n, END) }))).toBe(true);
  });
});

describe('flat-partition: the owners of addresses', () => {
  /** RAM at the bottom, and `IO` over its second page. */
  const tree = node(ROOT, 0n, END, {
    children: [node(IO, PAGE, PAGE, { priority: 1 }), node(RAM, 0n, 4n * PAGE)],
  });
  const right = [
    flat(0n, PAGE),
    flat(PAGE, PAGE, IO),
    flat(2n * PAGE, 2n * PAGE, RAM, { offset: 2n * PAGE }),
  ];
  const owners = (flatView: readonly ReturnType<typeof flat>[], more: object = {}) =>
    causes(flatPartition, traceOfStates([state({ flatView })], { tree, ...more }));

  it('accepts the regions that a search of the region tree finds', () => {
    expect(owners(right)).toEqual([]);
  });

  it.each([
    ['the top range missing', [right[0]!, right[1]!]],
    ['the bottom range missing', [right[1]!, right[2]!]],
    ['the middle range missing', [right[0]!, right[2]!]],
    [
      'a range that is one byte short',
      [right[0]!, right[1]!, flat(2n * PAGE, 2n * PAGE - 1n, RAM, { offset: 2n * PAGE })],
    ],
    [
      'a range that is one byte long',
      [right[0]!, right[1]!, flat(2n * PAGE, 2n * PAGE + 1n, RAM, { offset: 2n * PAGE })],
    ],
    [
      'a range that begins one byte late',
      [right[0]!, right[1]!, flat(2n * PAGE + 1n, 2n * PAGE - 1n, RAM, { offset: 2n * PAGE + 1n })],
    ],
    ['a range of another region', [flat(0n, PAGE, IO), right[1]!, right[2]!]],
    ['a range of another region with the same name', [flat(0n, PAGE, region('ram')), right[1]!, right[2]!]],
    [
      'a range with another offset in its region',
      [right[0]!, right[1]!, flat(2n * PAGE, 2n * PAGE, RAM, { offset: 0n })],
    ],
    ['a range where no region answers', [...right, flat(8n * PAGE, PAGE, IO)]],
  ])('reports %s', (_, flatView) => {
    expect(owners(flatView)).toEqual(['wrong-owner']);
  });

  it('names the region in the tree and the region in the flat view', () => {
    const message = (flatView: readonly ReturnType<typeof flat>[]) =>
      judge(flatPartition, traceOfStates([state({ flatView })], { tree })).violations[0]!.message;
    expect(message([right[0]!])).toBe(
      'address 0x1000 belongs to "io" in the region tree, but to no region in the flat view',
    );
    expect(message([...right, flat(8n * PAGE, PAGE, region('x', 'io', 'dev0'))])).toBe(
      'address 0x8000 belongs to no region in the region tree, but to "x" of dev0 in the flat view',
    );
  });

  it('compares up to the last address', () => {
    const top = node(ROOT, 0n, END, { children: [node(IO, END - PAGE, PAGE)] });
    const asked = (...flatView: readonly ReturnType<typeof flat>[]) =>
      causes(flatPartition, traceOfStates([state({ flatView })], { tree: top }));
    expect(asked(flat(END - PAGE, PAGE, IO))).toEqual([]);
    expect(asked(flat(END - PAGE, PAGE - 1n, IO))).toEqual(['wrong-owner']);
  });

  it('compares the first and last address of mapped BARs', () => {
    const at = (address: bigint | undefined) => [device([bar(0, PAGE, { address })])];
    const asked = (address: bigint | undefined) => {
      const flatView = right.filter(({ region: { name } }) => name !== 'io');
      const first = state({ flatView });
      const last = state({ flatView, devices: at(address) });
      return causes(flatPartition, traceOfStates([first, last], { tree }));
    };
    expect(asked(undefined)).toEqual([]);
    expect(asked(PAGE)).toEqual(['wrong-owner']);
    // The last byte of the BAR is compared too.
    expect(asked(1n)).toEqual(['wrong-owner']);
    expect(asked(0x10_0000n)).toEqual([]);
  });

  it('passes over ranges that the start had, unless the start is the only step', () => {
    const wrong = [flat(0n, PAGE, region('ram'))];
    const start = state({ flatView: wrong });
    expect(causes(flatPartition, traceOfStates([start], { tree }))).toEqual(['wrong-owner']);
    expect(causes(flatPartition, traceOfStates([start, { ...start }], { tree }))).toEqual([]);
    const more = state({ flatView: [...wrong, flat(0x8000n, PAGE, IO)] });
    expect(causes(flatPartition, traceOfStates([start, more], { tree }))).toEqual(['wrong-owner']);
  });

  it('compares nothing without a region tree', () => {
    expect(causes(flatPartition, traceOfStates([view(flat(0n, PAGE))]))).toEqual([]);
  });

  it('reports a range of the start that is missing at the end', () => {
    const start = state({ flatView: [right[0]!, right[1]!, right[2]!] });
    const later = state({ flatView: [right[0]!, right[2]!] });
    expect(causes(flatPartition, traceOfStates([start, later], { tree }))).toEqual(['wrong-owner']);
  });

  it('compares no flat view with a tree whose transaction is open', () => {
    const refused = scenario({
      devices: [
        { id: 'dev0', bars: [{ index: 0, size: '0x1000', type: 'mem32' }] },
        {
          id: 'dev1',
          bars: [{ index: 0, size: '0x1000', type: 'mem32' }],
          msix: { vectors: 1, tableBar: 7, tableOffset: 0, pbaBar: 0, pbaOffset: 0 },
        },
      ],
      operations: [
        { op: 'set-bar', device: 'dev0', bar: 0, address: '0xc0000000' },
        { op: 'enable-memory', device: 'dev0' },
        { op: 'begin' },
        { op: 'disable-memory', device: 'dev0' },
        { op: 'hotplug', device: 'dev1' },
        { op: 'commit' },
      ],
    });
    const judged = runOnModel(refused, NEWEST);
    expect(judged.outcome).not.toBe('ok');
    expect(causes(flatPartition, judged)).toEqual([]);
  });
});

describe('flat-partition: the compared addresses', () => {
  it('compares the regions of devices behind aliases that shift addresses', () => {
    const mmap = region('dev0 BAR 0 mmaps[0]', 'ram-device', 'dev0');
    const space = node(region('pci', 'container'), 0n, END, { children: [node(mmap, 0x8000_0000n, PAGE)] });
    const window = node(region('window', 'alias'), 0x20_0000_0000n, 0x8000_0000n, {
      alias: { node: space, offset: 0x8000_0000n },
    });
    const tree = node(ROOT, 0n, END, { children: [window] });
    const shown = (...ranges: readonly ReturnType<typeof flat>[]) =>
      causes(flatPartition, trace([{ state: view() }, { state: view(...ranges) }], { tree }));
    expect(shown(flat(0x20_0000_0000n, PAGE, mmap))).toEqual([]);
    expect(shown()).toEqual(['wrong-owner']);
  });

  it('compares nothing with the tree of a VMM that died in the middle of a change', () => {
    const tree = node(ROOT, 0n, END, { children: [node(IO, 0n, PAGE)] });
    const judged = trace([{ state: view() }, { state: view(flat(PAGE, PAGE, IO)) }], { tree });
    expect(causes(flatPartition, judged)).toEqual(['wrong-owner']);
    expect(causes(flatPartition, { ...judged, outcome: 'aborted' })).toEqual([]);
  });
});

describe('flat-partition: the attributes of aliases', () => {
  const PLAIN = { readonly: false, nonvolatile: false, unmergeable: false };
  const SIZE = 4n * PAGE;
  /** RAM, of which the second page is shown again with `attributes`, `shift` bytes further. */
  const shadowed = (
    attributes: Partial<typeof PLAIN>,
    ranges: readonly ReturnType<typeof flat>[],
    shift = 0n,
  ) => {
    const ram = node(RAM, 0n, SIZE);
    const alias = node(region('shadow', 'alias'), PAGE, PAGE, {
      priority: 1,
      alias: { node: ram, offset: PAGE + shift },
      attributes: { ...PLAIN, ...attributes },
    });
    const tree = node(ROOT, 0n, END, { children: [alias, ram] });
    return causes(
      flatPartition,
      trace([{ state: view(flat(0n, SIZE)) }, { state: view(...ranges) }], { tree }),
    );
  };
  const apart = (more: object, at = PAGE) => [
    flat(0n, PAGE),
    flat(PAGE, PAGE, RAM, { offset: at, ...more }),
    flat(2n * PAGE, 2n * PAGE, RAM, { offset: 2n * PAGE }),
  ];

  it.each(['readonly', 'nonvolatile', 'unmergeable'])(
    'reports a range that is not %s as the alias',
    (name) => {
      expect(shadowed({ [name]: true }, apart({ [name]: true }))).toEqual([]);
      expect(shadowed({ [name]: true }, apart({}))).toEqual(['wrong-attributes']);
      expect(shadowed({}, apart({ [name]: true }))).toEqual(['wrong-attributes']);
    },
  );

  it('reports an alias that its neighbours have swallowed', () => {
    expect(shadowed({ readonly: true }, [flat(0n, SIZE)])).toEqual(['wrong-attributes']);
    expect(shadowed({}, [flat(0n, SIZE)], PAGE)).toEqual(['wrong-owner']);
    expect(shadowed({}, [flat(0n, SIZE)])).toEqual([]);
  });
});
