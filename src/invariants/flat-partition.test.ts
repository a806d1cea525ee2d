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

  it('compares a new range with neighbours outside of what has changed, and nothing further', () => {
    const [low, high, last] = [flat(0n, 2n * PAGE), flat(3n * PAGE, PAGE), flat(8n * PAGE, PAGE)];
    const before = view(low, high, last);
    const between = (added: ReturnType<typeof flat>) => {
      const after = view(low, added, high, last);
      const stretch = { start: 2n * PAGE, end: 3n * PAGE };
      const flatView = new ViewChange(after.flatView, [stretch]);
      const change = new StateChange({ ...compareStates(before, after), flatView, dmaView: flatView });
      const judged = traceOfStates([before, after]);
      return judge(flatPartition, {
        ...judged,
        steps: judged.steps.with(1, { ...judged.steps[1]!, change }),
      });
    };
    expect(between(flat(PAGE, 2n * PAGE)).causes).toEqual(['not-disjoint']);
    expect(between(flat(2n * PAGE, 2n * PAGE)).causes).toEqual(['not-disjoint']);
    // Three ranges of the first state, the new one and the one above that.
    expect(between(flat(2n * PAGE, PAGE))).toMatchObject({ causes: [], exercised: 5 });
  });

  it('names the range', () => {
    const words = (...ranges: readonly ReturnType<typeof flat>[]) =>
      judge(flatPartition, traceOfStates([view(...ranges)])).violations.map(({ message }) => message);
    expect(words(flat(0n, END + 1n))).toEqual([
      '[0x0, 0x10000000000000000] "ram" extends beyond the 64-bit address space',
    ]);
    expect(words(flat(0n, PAGE), flat(PAGE - 1n, PAGE))).toEqual([
      '[0xfff, 0x1ffe] "ram" overlaps the flat range below it',
    ]);
  });

  it('reports nothing else of a range that overlaps and ends with the address space', () => {
    expect(order(flat(0n, END), flat(PAGE, END - PAGE))).toEqual(['not-disjoint']);
  });

  it('judges the state in which the VMM died', () => {
    expect(
      causes(flatPartition, traceOfStates([view(), view(flat(0n, 0n))], { outcome: 'aborted' })),
    ).toEqual(['empty-range']);
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
    // The order of three ranges; the first and the last address of each, and the first above them.
    expect(judge(flatPartition, traceOfStates([state({ flatView: right })], { tree })).exercised).toBe(10);
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

  /** A state in which any range may differ from those before, although the ranges are the same objects. */
  const whole = (flatView: readonly ReturnType<typeof flat>[]) => {
    const [before, after] = [state({ flatView }), state({ flatView })];
    const change = new ViewChange(flatView, 'whole');
    const judged = traceOfStates([before, after], { tree });
    const changes = new StateChange({ ...compareStates(before, after), flatView: change, dmaView: change });
    return { ...judged, steps: judged.steps.with(1, { ...judged.steps[1]!, change: changes }) };
  };

  it('passes over ranges that the start had, also where the target does not say what has changed', () => {
    const wrong = [flat(0n, PAGE, region('ram'))];
    expect(causes(flatPartition, whole(wrong))).toEqual([]);
    const many = Array.from({ length: 70 }, (_, index) => flat(BigInt(index + 16) * PAGE, PAGE, IO));
    expect(causes(flatPartition, whole(many))).toEqual([]);
    const other = whole(right);
    const last = { ...other.steps[1]!, state: state({ flatView: wrong }) };
    const flatView = new ViewChange(wrong, 'whole');
    const change = new StateChange({
      ...compareStates(other.steps[0]!.state, last.state),
      flatView,
      dmaView: flatView,
    });
    expect(causes(flatPartition, { ...other, steps: [other.steps[0]!, { ...last, change }] })).toEqual([
      'wrong-owner',
    ]);
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

describe('flat-partition: the first and last address that is compared', () => {
  /** The causes where the start has these ranges, and later devices have these BARs. */
  const asked = (
    tree: ReturnType<typeof node>,
    flatView: readonly ReturnType<typeof flat>[],
    bars: readonly (readonly [start: bigint, size: bigint])[] = [],
  ) => {
    const devices = [device(bars.map(([address, size], index) => bar(index, size, { address })))];
    return causes(
      flatPartition,
      traceOfStates([state({ flatView }), state({ flatView, devices })], { tree }),
    );
  };
  /** RAM of four pages; `io` has a part of the second page, and the start of the VMM does not show it. */
  const hiding = (start: bigint, end: bigint) =>
    node(ROOT, 0n, END, {
      children: [node(IO, start, end - start, { priority: 1 }), node(RAM, 0n, 4n * PAGE)],
    });
  const shown = [flat(0n, 4n * PAGE)];

  it('is each of a BAR, also if another BAR has the other', () => {
    const tree = hiding(PAGE, PAGE + 0x10n);
    expect(asked(tree, shown)).toEqual([]);
    expect(asked(tree, shown, [[0n, PAGE]])).toEqual([]);
    expect(asked(tree, shown, [[PAGE + 0x10n, PAGE]])).toEqual([]);
    expect(asked(tree, shown, [[0n, PAGE], [0n, PAGE + 0x10n]])).toEqual(['wrong-owner']); // prettier-ignore
    expect(asked(tree, shown, [[0n, 2n * PAGE], [PAGE, PAGE]])).toEqual(['wrong-owner']); // prettier-ignore
    expect(asked(tree, shown, [[0n, 2n * PAGE], [0n, 2n * PAGE]])).toEqual([]); // prettier-ignore
  });

  it('is that of a BAR which is a range of the start', () => {
    const wrong = [
      flat(0n, PAGE),
      flat(PAGE, PAGE, region('x')),
      flat(2n * PAGE, 2n * PAGE, RAM, { offset: 2n * PAGE }),
    ];
    const tree = node(ROOT, 0n, END, { children: [node(RAM, 0n, 4n * PAGE)] });
    expect(asked(tree, wrong)).toEqual([]);
    expect(asked(tree, wrong, [[PAGE, PAGE]])).toEqual(['wrong-owner']);
  });

  it('is that of a BAR which has one end in common with a new range', () => {
    const tree = hiding(PAGE + 0x400n, PAGE + 0x800n);
    const [low, high] = [flat(0n, PAGE), flat(2n * PAGE, 2n * PAGE, RAM, { offset: 2n * PAGE })];
    const later = (address: bigint, size: bigint) => {
      const devices = [device([bar(0, size, { address })])];
      const flatView = [low, flat(PAGE, PAGE, RAM, { offset: PAGE }), high];
      return causes(flatPartition, traceOfStates([view(low, high), state({ flatView, devices })], { tree }));
    };
    expect(later(PAGE, PAGE)).toEqual([]);
    expect(later(PAGE + 0x400n, PAGE - 0x400n)).toEqual(['wrong-owner']);
    expect(later(PAGE, 0x800n)).toEqual(['wrong-owner']);
  });

  it('may be the first of a range', () => {
    const tree = node(ROOT, 0n, END, {
      children: [node(IO, PAGE, PAGE, { priority: 1 }), node(RAM, 0n, 4n * PAGE)],
    });
    const right = [
      flat(0n, PAGE),
      flat(PAGE, PAGE, IO),
      flat(2n * PAGE, 2n * PAGE, RAM, { offset: 2n * PAGE }),
    ];
    expect(asked(tree, right, [[PAGE - 1n, 2n]])).toEqual([]);
    expect(asked(tree, right, [[PAGE, 1n]])).toEqual([]);
  });

  const WINDOW = 0x20_0000_0000n;
  const mmap = region('dev0 BAR 0 mmaps[0]', 'ram-device', 'dev0');
  /** Two pages of a bus, from 2 GiB on, seen at 128 GiB. */
  const windowOn = (...children: readonly ReturnType<typeof node>[]) =>
    node(ROOT, 0n, END, {
      children: [
        node(region('window', 'alias'), WINDOW, 2n * PAGE, {
          alias: { node: node(region('pci', 'container'), 0n, END, { children }), offset: 0x8000_0000n },
        }),
      ],
    });

  it.each<readonly [string, bigint, bigint, bigint]>([
    ['reaches beyond the window on both sides', -PAGE, 4n * PAGE, 0n],
    ['begins in the window', PAGE, 4n * PAGE, PAGE],
    ['is as large as the window', 0n, 2n * PAGE, 0n],
  ])(
    "is that of the part of a device's region that a window shows: the region %s",
    (_, at, size, shownAt) => {
      const tree = windowOn(node(mmap, 0x8000_0000n + at, size));
      const from = WINDOW + shownAt;
      const length = 2n * PAGE - shownAt;
      const off = shownAt - at;
      const part = (late: bigint, early: bigint) => [
        flat(from + late, length - late - early, mmap, { offset: off + late }),
      ];
      expect(asked(tree, part(0n, 0n))).toEqual([]);
      expect(asked(tree, part(1n, 0n))).toEqual(['wrong-owner']);
      expect(asked(tree, part(0n, 1n))).toEqual(['wrong-owner']);
    },
  );

  it('is that of a region that ends in the window', () => {
    const tree = windowOn(node(mmap, 0x7fff_f000n, 2n * PAGE));
    expect(asked(tree, [flat(WINDOW, PAGE, mmap, { offset: PAGE })])).toEqual([]);
    expect(asked(tree, [flat(WINDOW, PAGE - 1n, mmap, { offset: PAGE })])).toEqual(['wrong-owner']);
  });

  it('is none of a region outside of the window, of the window on a bus, or of the machine', () => {
    const outside = windowOn(node(mmap, PAGE, PAGE));
    const behind = WINDOW - 0x8000_0000n + PAGE;
    expect(asked(outside, [flat(behind, PAGE, IO)])).toEqual([]);
    expect(asked(windowOn(), [flat(WINDOW, PAGE, IO)])).toEqual([]);
    // Its last byte is the one in front of the window.
    expect(asked(windowOn(node(mmap, 0x7fff_f000n, PAGE)), [flat(WINDOW, PAGE, IO)])).toEqual([]);
    const below = region('below', 'io');
    const machine = node(ROOT, 0n, END, {
      children: [node(IO, PAGE, PAGE, { children: [node(below, 0x100n, 0x10n)] })],
    });
    expect(asked(machine, [flat(PAGE, 1n, RAM)])).toEqual([]);
    const card = node(ROOT, 0n, END, {
      children: [node(region('dev0 BAR 0', 'container', 'dev0'), PAGE, PAGE)],
    });
    expect(asked(card, [flat(PAGE, 1n, RAM)])).toEqual([]);
    const bytes = node(ROOT, 0n, END, { children: [node(region('dev0 BAR 0', 'io', 'dev0'), PAGE, PAGE)] });
    expect(asked(bytes, [flat(PAGE, 1n, RAM)])).toEqual(['wrong-owner']);
  });

  it('is none of a disabled region', () => {
    const off = node(ROOT, 0n, END, { children: [node(mmap, PAGE, PAGE, { enabled: false })] });
    expect(asked(off, [flat(PAGE, PAGE, IO)])).toEqual([]);
  });
});

describe('flat-partition: the mode of a ROM device', () => {
  const flash = region('flash', 'rom-device');
  const shown = (inTree: false | undefined, inView: boolean) => {
    const device = node(flash, PAGE, PAGE, inTree === undefined ? {} : { romdMode: inTree });
    const tree = node(ROOT, 0n, END, { children: [device] });
    // The view has not changed since the start: the range is compared all the same.
    const state = view(flat(PAGE, PAGE, flash, { romdMode: inView }));
    return judge(flatPartition, trace([{ state }, { state }], { tree })).violations;
  };

  it('is the same in the region tree and in the flat view', () => {
    expect(shown(undefined, true)).toEqual([]);
    expect(shown(false, false)).toEqual([]);
    expect(shown(false, true).map(({ cause }) => cause)).toEqual(['wrong-romd-mode']);
    expect(shown(undefined, false).map(({ message }) => message)).toEqual([
      'address 0x1000 of "flash" shows the contents of the ROM device in the region tree, but the registers in the flat view',
    ]);
  });

  it('means nothing for other regions', () => {
    const tree = node(ROOT, 0n, END, { children: [node(RAM, 0n, PAGE)] });
    expect(
      causes(
        flatPartition,
        trace([{ state: view() }, { state: view(flat(0n, PAGE, RAM, { romdMode: false })) }], { tree }),
      ),
    ).toEqual([]);
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

  it('names the address and both lists of attributes', () => {
    const all = { readonly: true, nonvolatile: true, unmergeable: true };
    const words = (attributes: Partial<typeof PLAIN>, given: object) => {
      const alias = node(region('shadow', 'alias'), PAGE, PAGE, {
        alias: { node: node(RAM, 0n, SIZE), offset: PAGE },
        attributes: { ...PLAIN, ...attributes },
      });
      const tree = node(ROOT, 0n, END, { children: [alias] });
      const ranges = [flat(PAGE, PAGE, RAM, { offset: PAGE, ...given })];
      const judged = trace([{ state: view() }, { state: view(...ranges) }], { tree });
      return judge(flatPartition, judged).violations.map(({ message }) => message);
    };
    expect(words(all, {})).toEqual([
      'address 0x1000 of "ram" is read-only, nonvolatile, unmergeable in the region tree, but writable in the flat view',
    ]);
    expect(words({}, { readonly: true })).toEqual([
      'address 0x1000 of "ram" is writable in the region tree, but read-only in the flat view',
    ]);
    expect(words(all, all)).toEqual([]);
  });
});
