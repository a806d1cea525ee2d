import { describe, expect, it } from 'vitest';
import { gpa } from '../address/index.ts';
import type { Operation } from '../scenario/index.ts';
import { CONDITIONS, holdsFor, type ConditionName } from './conditions.ts';
import type { Violation } from './invariant.ts';
import {
  PAGE,
  PAGE_64K,
  bar,
  device,
  flat,
  mapEvent,
  mmapEvent,
  unmapEvent,
  memslot,
  memslotEvent,
  scenario,
  state,
  trace,
  type StepParts,
} from './testing/index.ts';

const violation = (more: Partial<Violation> = {}): Violation => ({
  invariant: 'map-aligned',
  cause: 'a-cause',
  message: '',
  step: 0,
  ...more,
});

interface Case {
  readonly violation?: Partial<Violation>;
  readonly steps?: readonly StepParts[];
  readonly trace?: Parameters<typeof trace>[1];
  /** The operation of step 1. */
  readonly operation?: Operation;
}

function holds(name: ConditionName, { violation: broken, steps = [{}], operation, ...more }: Case): boolean {
  const made = trace(steps, more.trace);
  const performed = operation && made.steps.map((each, step) => (step === 1 ? { ...each, operation } : each));
  return holdsFor(name, violation(broken), { ...made, steps: performed ?? made.steps });
}

const HOST = { kernel: 'msix-mappable', iommu: { type: 'vfio-user' } };
const withBars = (...bars: readonly object[]): Case => ({
  trace: { scenario: scenario({ devices: [{ id: 'dev0', bars }] }) },
});
/** A device without a fault, and one with these BARs. */
const beside = (...bars: readonly object[]): Case => ({
  trace: {
    scenario: scenario({
      devices: [
        { id: 'dev1', bars: [MEM] },
        { id: 'dev0', bars },
      ],
    }),
  },
});
const MEM = { index: 0, size: '0x1000', type: 'mem32' };
const withMsix = (tableOffset: string, tableBar = 0): Case => ({
  trace: {
    scenario: scenario({
      devices: [
        {
          id: 'dev0',
          bars: [MEM, { ...MEM, index: 2, size: '0x4000' }],
          msix: { vectors: 2, tableBar, tableOffset, pbaBar: 2, pbaOffset: '0x3000' },
        },
      ],
    }),
  },
});
/** A run whose step 1 performs an operation. */
const performing = (op: 'hotplug' | 'unplug', step = 1): Case => ({
  violation: { step },
  steps: [{}, {}],
  operation: { op, device: 'dev0' },
});
const at = (start: bigint, end: bigint, more: Partial<Violation> = {}) => ({ at: { start, end }, ...more });

/** For each condition, runs in which it holds, and runs in which it does not. */
const CASES: Readonly<Record<ConditionName, readonly [holds: readonly Case[], fails: readonly Case[]]>> = {
  'iommu-page-above-host-page': [
    [{ trace: { pages: { iommu: PAGE_64K } } }],
    [{}, { trace: { pages: { host: PAGE_64K } } }],
  ],
  'guest-page-below-host-page': [
    [{ trace: { pages: { host: PAGE_64K } } }],
    [{}, { trace: { pages: { guest: PAGE_64K } } }],
  ],
  'vfio-user': [[{ trace: { scenario: scenario({ host: HOST }) } }], [{}]],
  pseries: [[{ trace: { scenario: scenario({ machine: { type: 'pseries' }, host: HOST }) } }], [{}]],
  'bar-of-odd-size': [
    [withBars({ ...MEM, size: '0x3000' }), withBars(MEM, { ...MEM, index: 1, size: '0x3000' })],
    [{}, withBars(MEM)],
  ],
  'area-beyond-bar': [
    [
      withBars({ ...MEM, sparse: [{ offset: '0x0', size: '0x2000' }] }),
      withBars({ ...MEM, index: 1 }, { ...MEM, sparse: [{ offset: '0x1000', size: '0x1000' }] }),
      withMsix('0x1000'),
      beside({ ...MEM, sparse: [{ offset: '0x0', size: '0x2000' }] }),
    ],
    [
      withBars({ ...MEM, sparse: [{ offset: '0x0', size: '0x1000' }] }),
      withMsix('0x800'),
      withMsix('0x1000', 2),
    ],
  ],
  'bar-below-host-page': [
    [
      withBars({ ...MEM, size: '0x800' }),
      withBars(MEM, { ...MEM, index: 1, size: '0x800' }),
      beside({ ...MEM, size: '0x800' }),
    ],
    [withBars(MEM), beside(MEM)],
  ],
  'after-start': [[{ violation: { step: 1 } }], [{ violation: { step: 0 } }]],
  'in-hotplug': [
    [
      performing('hotplug'),
      performing('hotplug', 7),
      { trace: { scenario: scenario({ machine: { type: 'pseries' }, host: HOST }) } },
    ],
    [
      performing('hotplug', 0),
      performing('unplug'),
      { trace: { scenario: scenario({ host: HOST }) } },
      { trace: { scenario: scenario({ machine: { type: 'pseries' } }) } },
      { steps: [] },
    ],
  ],
  'in-unplug': [[performing('unplug')], [performing('hotplug'), performing('unplug', 0)]],
  'device-refused': [[{ trace: { outcome: 'rejected' } }], [{}, { trace: { outcome: 'aborted' } }]],
  'mapping-limit': [
    [
      {
        trace: {
          scenario: scenario({
            host: { iommu: { type: 'type1', pageSizes: ['0x1000'], maxMappings: 3 } },
          }),
        },
      },
      { steps: [{}, { events: [mapEvent(0n, PAGE, { errno: 28 })] }] },
    ],
    [
      {},
      { steps: [{ events: [mapEvent(0n, PAGE, { errno: 12 })] }] },
      { steps: [{ events: [{ type: 'message', text: 'a text' }] }] },
      { steps: [{ events: [memslotEvent(memslot(0n, PAGE), 28)] }] },
    ],
  ],
  'outside-apertures': [
    [
      { violation: at(0x1000n, 0x3000n), trace: { scenario: withApertures() } },
      { violation: at(0x8000n, 0x9000n), trace: { scenario: withApertures() } },
    ],
    [
      { violation: at(0x1000n, 0x2000n), trace: { scenario: withApertures() } },
      {
        violation: at(0x4000n, 0x5000n),
        trace: { scenario: withApertures({ start: '0x4000', end: '0x4fff' }) },
      },
      { violation: at(0x8000n, 0x9000n) },
      { trace: { scenario: withApertures() } },
    ],
  ],
  'off-iommu-page': [
    [{ violation: at(0x800n, 0x2000n) }, { violation: at(0x1000n, 0x1800n) }],
    [{ violation: at(0x1000n, 0x2000n) }, {}],
  ],
  'where-the-guest-put-the-bar': [
    [
      { violation: at(0xe000_0000n, 0xe000_1000n), ...placedAt('0xe0000000') },
      { violation: at(0xe000_0000n, 0xe000_2000n), ...placedAt('0xe0000000', 0x2000n) },
      // QEMU stretches the BAR to a page of the host.
      { violation: at(0xe000_0000n, 0xe001_0000n), ...placedAt('0xe0000000', 0x2000n, PAGE_64K) },
      { violation: at(0xe000_0000n, 0xe000_1000n), ...besidePlaced('0xe0000000') },
    ],
    [
      { violation: at(0xe000_0000n, 0xe000_2000n), ...placedAt('0xe0000000') },
      { violation: at(0xd000_0000n, 0xd000_1000n), ...placedAt('0xe0000000') },
      // Another device has the larger BAR, and so has another BAR of the device.
      { violation: at(0xe000_0000n, 0xe000_2000n), ...besidePlaced('0xe0000000', 0x2000n) },
      // The VMM shows no BAR of the device, as of a device that it is still setting up.
      { ...placedAt('0xe0000000'), violation: at(0xe000_0000n, 0xe000_2000n), steps: [withoutBars()] },
      placedAt('0xe0000000'),
    ],
  ],
  'refused-virtio-mem': [
    [
      { violation: at(0x1000n, 0x3000n), ...withVirtioMem(12) },
      { violation: at(0x8000n, 0x9000n), ...withVirtioMem(12) },
      { violation: at(0n, 0x1000n), ...withVirtioMem(12, 'mem', 0n) },
    ],
    [
      { violation: at(0x1000n, 0x3000n), ...withVirtioMem(0) },
      { violation: at(0x0n, 0x1000n), ...withVirtioMem(12) },
      { violation: at(0x1000n, 0x3000n), ...withVirtioMem(12, 'ram') },
      { violation: at(0n, 0x1000n), ...withVirtioMem(0, 'mem', 0n) },
      { violation: at(0n, 0x1000n), ...withVirtioMem(12, 'mem', 0x1000n) },
      withVirtioMem(12),
    ],
  ],
  'in-virtio-mem': [
    [withVirtioMem(0), withVirtioMem(12)].map((run) => ({ violation: at(0x1000n, 0x3000n), ...run })),
    [{ violation: at(0x100_0000n, 0x100_1000n), ...withVirtioMem(0) }, withVirtioMem(0)],
  ],
  'refused-block-of-virtio-mem': [
    [
      { violation: at(0x1000n, 0x3000n), ...withVirtioMem(12) },
      { violation: at(0x0n, 0x1000n), ...withVirtioMem(12) },
    ],
    [
      { violation: at(0x1000n, 0x3000n), ...withVirtioMem(0) },
      { violation: at(0x1000n, 0x3000n), ...withVirtioMem(12, 'ram') },
      { violation: at(0x100_0000n, 0x100_1000n), ...withVirtioMem(12) },
      withVirtioMem(12),
    ],
  ],
  'blocks-beyond-mapping-limit': [
    [{ trace: { error: 'dev0: possibly running out of DMA mappings' } }],
    [{ trace: { error: 'dev0: failed to setup container' } }, {}],
  ],
  'dma-buf-of-later-area': [
    [withArea({}), withArea({ at: 0x2000n })],
    [
      withArea({ at: 0n }),
      withArea({ type: 'type1' }),
      withArea({ errno: 22 }),
      withArea({ mmapErrno: 22 }),
      withArea({ owner: 'dev1' }),
      withArea({ region: 'dev0 BAR 1 mmaps[0]' }),
      { ...withArea({}), violation: at(0x9000n, 0xa000n) },
      { ...withArea({}), violation: {} },
    ],
  ],
  'read-only-bar': [
    [
      withBarAt(0xe000_0000n, { writable: false }),
      besideReadonly(),
      besideReadonly({ step: 1 }),
      // The step after the last one is the teardown.
      {
        ...withBarAt(0xe000_0000n, { writable: false }),
        violation: at(0xe000_0000n, 0xe000_1000n, { step: 1 }),
      },
      withBarWhile({ step: 0 }),
    ],
    [
      {},
      withBarWhile({ step: 1 }),
      ...['device', 'bar', 'unplugged'].map((which) => besideReadonly({ other: which })),
      withBarAt(0xe000_0000n, {}),
      withBarAt(0xe000_0000n, { writable: true }),
      withBarAt(0xd000_0000n, { writable: false }),
      withBarAt(undefined, { writable: false }),
    ],
  ],
  'incongruent-section': [
    [
      { violation: at(0n, 0x4000n), steps: [{ state: state({ flatView: [shifted()] }) }] },
      {
        violation: at(0n, 0x4000n, { step: 2 }),
        steps: [{}, { state: state({ flatView: [flat(0n, PAGE), shifted()] }) }, { state: state() }],
      },
    ],
    [
      { violation: at(0n, 0x4000n), steps: [{ state: state({ flatView: [flat(0x1000n, PAGE)] }) }] },
      {
        violation: at(0n, 0x4000n),
        steps: [{ state: state({ flatView: [flat(0x1400n, PAGE, undefined, { offset: 0x400n })] }) }],
      },
      { violation: at(0x8000n, 0x9000n), steps: [{ state: state({ flatView: [shifted()] }) }] },
      { violation: at(0x2000n, 0x9000n), steps: [{ state: state({ flatView: [shifted()] }) }] },
      { violation: at(0n, 0x1000n), steps: [{ state: state({ flatView: [shifted()] }) }] },
      { violation: at(0n, 0x4000n), steps: [{}, { state: state({ flatView: [shifted()] }) }] },
      { steps: [{ state: state({ flatView: [shifted()] }) }] },
    ],
  ],
};

/** A run with a BAR, and a violation at 0xe0000000. */
function withBarAt(address: bigint | undefined, more: object): Case {
  const shown = device([bar(0, PAGE, { address: address === undefined ? undefined : gpa(address) })]);
  return {
    ...withBars({ ...MEM, ...more }),
    violation: at(0xe000_0000n, 0xe000_1000n),
    steps: [{ state: state({ devices: [shown] }) }],
  };
}

/** A run in which the BAR lies at 0xe0000000 after step 0 alone. */
function withBarWhile({ step }: { readonly step: number }): Case {
  const { steps = [], ...made } = withBarAt(0xe000_0000n, { writable: false });
  return {
    ...made,
    violation: at(0xe000_0000n, 0xe000_1000n, { step }),
    steps: [...steps, { state: state() }],
  };
}

/**
 * A run in which BAR 0 of dev0 is read-only and lies at 0xe0000000, beside another BAR and another device.
 *
 * @param other what lies at 0xe0000000 in place of the read-only BAR.
 */
function besideReadonly({ step = 0, other = '' } = {}): Case {
  const [here, there] = [0xe000_0000n, 0xd000_0000n];
  const own = [
    bar(1, PAGE, { address: gpa(other === 'bar' ? here : there) }),
    bar(0, PAGE, { address: gpa(other === '' ? here : there + 0x1000n) }),
  ];
  const strange = [bar(0, PAGE, { address: gpa(other === 'device' ? here : there + 0x2000n) })];
  const devices = [
    device(strange, undefined, { id: 'dev1' }),
    ...(other === 'unplugged' ? [] : [device(own)]),
  ];
  return {
    ...beside({ ...MEM, index: 1 }, { ...MEM, writable: false }),
    violation: at(here, here + 0x1000n, { step }),
    steps: [{ state: state({ devices }) }, {}],
  };
}

/** A run that mmaps an area of BAR 0 of dev0 and maps memory for DMA at [0x1000, 0x1fff]. */
function withArea({
  at: start = 0x1000n,
  type = 'iommufd',
  errno = 0,
  mmapErrno = 0,
  owner = 'dev0',
  region = 'dev0 BAR 0 mmaps[0]',
}: {
  readonly at?: bigint;
  readonly type?: string;
  readonly errno?: 0 | 22;
  readonly mmapErrno?: 0 | 22;
  readonly owner?: string;
  readonly region?: string;
}): Case {
  return {
    violation: at(0x1000n, 0x2000n),
    steps: [
      { events: [mmapEvent(start, PAGE, { errno: mmapErrno })] },
      { events: [mapEvent(0x1000n, PAGE, { errno, owner, region })] },
    ],
    trace: { scenario: scenario({ host: { kernel: '7.2', iommu: { type } } }) },
  };
}

/** A run in which the host answers a map of a virtio-mem at 0x1000, or of another region there; then a page may be unmapped. */
function withVirtioMem(errno: 0 | 12, region = 'mem', takenBack?: bigint): Case {
  const memory = { op: 'add-region', name: 'mem', kind: 'virtio-mem', address: '0x0', size: '0x200000' };
  const map = mapEvent(0x1000n, PAGE, { errno });
  return {
    trace: { scenario: scenario({ operations: [memory] }) },
    steps: [
      {},
      {
        events: [
          { ...map, backing: { ...map.backing, region } },
          ...(takenBack === undefined ? [] : [unmapEvent(takenBack, PAGE)]),
        ],
      },
    ],
  };
}

function withApertures(...more: readonly object[]) {
  const apertures = [{ start: '0x0', end: '0x1fff' }, ...more];
  return scenario({ host: { iommu: { type: 'type1', pageSizes: ['0x1000'], apertures } } });
}

/** A step after which dev0 has no BAR. */
function withoutBars(): StepParts {
  return { state: state({ devices: [device([])] }) };
}

/** A page at 0x1000 that shows its region from offset 0x800 on. */
function shifted() {
  return flat(0x1000n, PAGE, undefined, { offset: 0x800n });
}

/**
 * A guest that puts BAR 0 of dev0 at an address, beside BAR 1 and another device; `seen` is how large the VMM shows those
 * two.
 */
function besidePlaced(address: string, seen = 0x1000n): Case {
  const operations = [{ op: 'set-bar', device: 'dev0', bar: 0, address }];
  const own = [{ ...MEM, index: 1 }, MEM];
  const devices = [
    { id: 'dev1', bars: [MEM] },
    { id: 'dev0', bars: own },
  ];
  const shown = [device([bar(0, seen)], undefined, { id: 'dev1' }), device([bar(1, seen), bar(0, PAGE)])];
  return {
    trace: { scenario: scenario({ devices, operations }) },
    steps: [{ state: state({ devices: shown }) }],
  };
}

/**
 * A guest that puts BAR 0, of one page, at an address.
 *
 * @param seen how large the VMM shows the BAR.
 * @param host the page of the host.
 */
function placedAt(address: string, seen?: bigint, host = PAGE): Case {
  const operations = [{ op: 'set-bar', device: 'dev0', bar: 0, address }];
  const devices = [{ id: 'dev0', bars: [MEM] }];
  return {
    trace: { scenario: scenario({ devices, operations }), pages: { host } },
    steps: [{ state: state({ devices: seen === undefined ? [] : [device([bar(0, seen)])] }) }],
  };
}

describe('a condition of a known finding', () => {
  it.each(CONDITIONS)('%s holds where it should, and nowhere else', (name) => {
    const [yes, no] = CASES[name];
    expect(yes.map((each) => holds(name, each))).toEqual(yes.map(() => true));
    expect(no.map((each) => holds(name, each))).toEqual(no.map(() => false));
  });
});
