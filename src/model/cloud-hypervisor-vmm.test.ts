import { describe, expect, it } from 'vitest';
import { decodeScenario } from '../scenario/index.ts';
import { InvalidInput } from '../input/index.ts';
import type { Trace } from '../trace/index.ts';
import { runOnModel } from './model-target.ts';
import { findAnyRevision } from './revisions.ts';

const [V51, CLAMPED, V53] = [
  'cloud-hypervisor-51.0',
  'cloud-hypervisor-51.0+clamped-holes',
  'cloud-hypervisor-53.0',
];
const HIGH = 0x80_0000_0000n;
/** One past the last address of the window for 64-bit BARs. */
const TOP = (1n << 46n) - (1n << 16n);

interface RunOptions {
  readonly bars?: readonly object[];
  readonly more?: readonly object[];
  readonly msix?: object;
  readonly options?: object;
  readonly operations?: readonly object[];
  readonly machine?: object;
  readonly iommu?: object;
  readonly kernel?: string;
}

const SMALL = { index: 0, size: '0x4000', type: 'mem64', mmap: true };
const dev0 = (op: string, rest: object = {}) => ({ op, device: 'dev0', ...rest });
const setBar = (address: bigint, device = 'dev0') => ({
  op: 'set-bar',
  device,
  bar: 0,
  address: `0x${address.toString(16)}`,
});

const run = (
  id: string,
  {
    bars = [SMALL],
    more = [],
    msix,
    options,
    operations = [],
    machine,
    iommu,
    kernel = 'msix-mappable',
  }: RunOptions,
): Trace =>
  runOnModel(
    decodeScenario({
      version: 1,
      machine: {
        type: 'generic',
        ram: '0x10000000',
        hostPageSize: '0x1000',
        guestPageSize: '0x1000',
        ...machine,
      },
      revision: id,
      host: { kernel, iommu: { type: 'type1', pageSizes: ['0x1000'], ...iommu } },
      devices: [{ id: 'dev0', bars, ...(msix && { msix }), ...(options && { options }) }, ...more],
      operations,
    }),
    findAnyRevision(id)!,
  );

/** DMA requests, memslots and messages of each step: `map 0x0 0x1000`, with the errno of a refused one. */
const calls = ({ steps, teardown }: Trace): string[][] =>
  [...steps, ...(teardown ? [teardown] : [])].map(({ events }) =>
    events.flatMap((event) => {
      const hex = (value: bigint): string => `0x${value.toString(16)}`;
      const ending = 'errno' in event && event.errno !== 0 ? ` errno ${event.errno}` : '';
      if (event.type === 'dma-map') return [`map ${hex(event.iova)} ${hex(event.size)}${ending}`];
      if (event.type === 'dma-unmap') return [`unmap ${hex(event.iova)} ${hex(event.size)}${ending}`];
      if (event.type === 'memslot')
        return [`slot ${event.slot.slot} ${hex(event.slot.gpa)} ${hex(event.slot.size)}${ending}`];
      if (event.type === 'mmap') return [`mmap ${hex(event.offset)} ${hex(event.size)}${ending}`];
      return event.type === 'message' ? [event.text] : [];
    }),
  );

const last = (trace: Trace) => trace.steps.at(-1)!.state;
const place = (trace: Trace, device = 0) => last(trace).devices[device]!.bars[0]!.address;
const span = (trace: Trace) =>
  last(trace).flatView.map(
    ({ start, end, region }) => `${start.toString(16)}-${(end - 1n).toString(16)} ${region.name}`,
  );

describe('a device of cloud-hypervisor', () => {
  it('is mapped from the start at the end of the window, after RAM', () => {
    const trace = run(V53, {});
    const at = `0x${(TOP - 0x4000n).toString(16)}`;
    expect(trace.outcome).toBe('ok');
    expect(calls(trace)).toEqual([
      [
        'slot 0 0x0 0x10000000',
        'map 0x0 0x10000000',
        'mmap 0x0 0x4000',
        `slot 1 ${at} 0x4000`,
        `map ${at} 0x4000`,
      ],
      [`unmap ${at} 0x4000`, `slot 1 ${at} 0x0`],
    ]);
    expect(trace.teardown!.containers).toEqual([{ name: 'container', mappings: [] }]);
    expect(span(trace)).toEqual(['0-fffffff mem0', '3ffffffec000-3ffffffeffff dev0 BAR 0 mmaps[0]']);
  });

  it('has its 64-bit BARs above RAM, whose part beyond 3 GiB lies above 4 GiB', () => {
    expect(span(run(V53, { bars: [], machine: { ram: '0x100000000' } }))).toEqual([
      '0-bfffffff mem0',
      '100000000-13fffffff mem0 above 4G',
    ]);
    const over = run(V53, {
      machine: { ram: '0x100000000' },
      operations: [dev0('enable-memory'), setBar(0x1_2000_0000n), dev0('enable-memory')],
    });
    expect(place(over)).toBe(TOP - 0x4000n);
  });

  it('shows a relocated table in the upper half of its BAR', () => {
    const msix = { vectors: 129, tableBar: 0, tableOffset: '0x5200', pbaBar: 0, pbaOffset: '0xd600' };
    const trace = run(V53, { bars: [{ ...SMALL, size: '0x10000' }], msix });
    expect(last(trace).devices[0]!.msix).toMatchObject({
      layout: { tableOffset: 0x1_0000n, pbaOffset: 0x1_8400n },
      emulatedAt: { bar: 0, offset: 0x1_0000n },
    });
    expect(span(trace).slice(1)).toEqual([
      '3ffffffc0000-3ffffffcffff dev0 BAR 0 mmaps[0]',
      '3ffffffd0000-3ffffffd080f msix-table',
      '3ffffffd0810-3ffffffdffff dev0 BAR 0',
    ]);
  });

  it('has no I/O BAR in memory, and with x-no-mmap a trapped BAR in revisions that have the option', () => {
    const bars = [SMALL, { index: 2, size: '0x20', type: 'io', mmap: false }];
    const options = { 'x-no-mmap': true };
    expect(span(run(V53, { bars, options }))).toEqual([
      '0-fffffff mem0',
      '3ffffffec000-3ffffffeffff dev0 BAR 0',
    ]);
    expect(span(run(V51, { bars, options })).at(-1)).toContain('mmaps[0]');
  });

  it('is refused when the window has no room for a BAR', () => {
    const bars = [{ ...SMALL, size: '0x80000000', type: 'mem32' }];
    expect(run(V53, { bars })).toMatchObject({
      outcome: 'rejected',
      error: 'failed to allocate 0x80000000 bytes for BAR 0',
    });
  });
});

describe('a BAR of cloud-hypervisor', () => {
  const MOVE = [dev0('enable-memory'), setBar(HIGH)];

  it('moves with its slots and mappings when the guest enables memory', () => {
    const trace = run(V53, { operations: [setBar(HIGH), dev0('enable-memory')] });
    expect(calls(trace)[1]).toEqual([]);
    expect(calls(trace)[2]).toEqual([
      'unmap 0x3ffffffec000 0x4000',
      'slot 1 0x3ffffffec000 0x0',
      'slot 1 0x8000000000 0x4000',
      'map 0x8000000000 0x4000',
    ]);
    expect(place(trace)).toBe(HIGH);
    expect(trace.scratch).toEqual(last(trace).containers);
  });

  it('moves at once while memory is enabled, or before 2026 at the next write to another register', () => {
    expect(place(run(V53, { operations: MOVE }))).toBe(HIGH);
    expect(place(run(V51, { operations: MOVE }))).toBe(TOP - 0x4000n);
    const msix = { vectors: 1, tableBar: 0, tableOffset: '0x0', pbaBar: 0, pbaOffset: '0x800' };
    expect(place(run(V51, { msix, operations: [...MOVE, dev0('disable-msix')] }))).toBe(HIGH);
    expect(place(run(V51, { operations: [...MOVE, dev0('disable-msix')] }))).toBe(TOP - 0x4000n);
  });

  it('stays in place when the guest disables memory, sizes the BAR, or moves it onto another BAR', () => {
    const more = [{ id: 'dev1', bars: [SMALL] }];
    const operations = [...MOVE, dev0('disable-memory'), dev0('size-bar', { bar: 0 })];
    expect(place(run(V53, { operations }))).toBe(HIGH);
    const onto = run(V53, { more, operations: [dev0('enable-memory'), setBar(TOP - 0x8000n)] });
    expect(calls(onto)[2]).toEqual([
      'Failed moving device BAR: failed allocating new MMIO range: 0x3ffffffec000->0x3ffffffe8000(0x4000)',
    ]);
    expect([place(onto, 0), place(onto, 1)]).toEqual([TOP - 0x4000n, TOP - 0x8000n]);
  });

  it('can move after a refused move, but not before 2026', () => {
    const operations = [
      dev0('enable-memory'),
      setBar(0x1000n),
      dev0('enable-memory'),
      setBar(HIGH),
      dev0('enable-memory'),
    ];
    expect(place(run(V53, { operations }))).toBe(HIGH);
    expect(place(run(V51, { operations }))).toBe(TOP - 0x4000n);
  });

  it('keeps its address reserved after a refused move, but before 2026 the next device gets it and is refused', () => {
    const more = [{ id: 'dev1', bars: [SMALL] }];
    const operations = [
      dev0('enable-memory'),
      setBar(0x1000n),
      dev0('enable-memory'),
      { op: 'hotplug', device: 'dev1' },
    ];
    expect(run(V53, { more, operations }).outcome).toBe('ok');
    expect(run(V51, { more, operations })).toMatchObject({
      outcome: 'rejected',
      error: 'could not register BAR 0 at 0x3ffffffec000: overlap',
    });
  });

  it('is left without a slot and a mapping when KVM refuses its new address', () => {
    const machine = { hostPageSize: '0x10000', guestPageSize: '0x10000' };
    const iommu = { pageSizes: ['0x10000'] };
    const operations = [dev0('enable-memory'), setBar(HIGH + 0x4000n)];
    const trace = run(V53, { machine, iommu, operations });
    expect(calls(trace)[2]).toEqual([
      'unmap 0x3ffffffe0000 0x10000',
      'slot 1 0x3ffffffe0000 0x0',
      'slot 1 0x8000004000 0x10000 errno 22',
      'Failed moving device BAR: failed to create user memory region: 0x3ffffffe0000->0x8000004000(0x4000)',
    ]);
    expect(span(trace).at(-1)).toBe('8000004000-8000007fff dev0 BAR 0');
    // The register holds the old address again, where no region answers, so no other move succeeds.
    const later = run(V53, { machine, iommu, operations: [...operations, setBar(HIGH + 0x10000n)] });
    expect(place(later)).toBe(HIGH + 0x4000n);
    expect(calls(later)[4]).toEqual([
      'unmap 0x8000004000 0x10000 errno 22',
      'Could not unmap MMIO region from the host IOMMU address space: iova 0x8000004000, size 0x10000',
      'slot 1 0x8000004000 0x0 errno 22',
      'Could not remove the userspace memory region',
    ]);
  });

  it('moves in the I/O address space', () => {
    const bars = [{ index: 0, size: '0x20', type: 'io', mmap: false }];
    const operations = [dev0('enable-memory'), setBar(0x2000n)];
    expect(place(run(V53, { bars, operations }))).toBe(0x2000n);
    expect(place(run(V53, { bars, operations: [...operations, setBar(0x1_0000n)] }))).toBe(0x2000n);
  });
});

describe('cloud-hypervisor', () => {
  const HOTPLUG = { op: 'hotplug', device: 'dev0' };
  const UNPLUG = { op: 'unplug', device: 'dev0' };

  it('opens a container with the first device and closes it with the last', () => {
    const trace = run(V53, { operations: [HOTPLUG, UNPLUG, HOTPLUG] });
    expect(trace.steps.map(({ state }) => state.containers.map(({ name }) => name))).toEqual([
      [],
      ['container'],
      [],
      ['container#2'],
    ]);
    expect(trace.teardown!.containers).toEqual([
      { name: 'container#2', mappings: [] },
      { name: 'container', mappings: [] },
    ]);
  });

  it('takes the mmap of an area back after the mapping and the slot that show it', () => {
    const { steps } = run(V53, { operations: [HOTPLUG, UNPLUG] });
    const types = steps[2]!.events.map(({ type }) => type);
    expect(types.filter((type) => type !== 'message').slice(0, 3)).toEqual([
      'dma-unmap',
      'memslot',
      'munmap',
    ]);
  });

  it('plugs its devices in again after a reset, at their first addresses', () => {
    const trace = run(V53, { operations: [dev0('enable-memory'), setBar(HIGH), { op: 'reset' }] });
    expect(place(trace)).toBe(TOP - 0x4000n);
    expect(calls(trace)[3]).toContain('map 0x0 0x10000000');
  });

  it('has no device and no container after a refused start', () => {
    const { outcome, steps } = run(V53, { iommu: { apertures: [{ start: '0x0', end: '0xffffffff' }] } });
    expect(outcome).toBe('rejected');
    expect(steps[0]!.state).toMatchObject({ containers: [], devices: [] });
    expect(steps[0]!.state.memslots.map(({ backing }) => backing.region)).toEqual(['mem0']);
  });

  it.each([
    [V51, ['dev0']],
    [V53, []],
  ])('%s has the devices %j on its bus after a refused hotplug', (id, left) => {
    const iommu = { apertures: [{ start: '0x0', end: '0xffffffff' }] };
    const trace = run(id, { iommu, operations: [HOTPLUG] });
    expect(trace.outcome).toBe('rejected');
    expect(last(trace).devices.map((device) => device.id)).toEqual(left);
    expect(last(trace).memslots).toHaveLength(2);
    expect(last(trace).containers[0]!.mappings).toHaveLength(1);
  });
});

describe('a scenario with parts that only QEMU has', () => {
  it('is refused with a problem for each such part', () => {
    const operations = [
      { op: 'begin' },
      { op: 'add-region', name: 'overlay', kind: 'io', address: '0x0', size: '0x1000', priority: 0 },
      { op: 'commit' },
    ];
    const parts = { machine: { type: 'q35' }, iommu: { type: 'iommufd' }, operations };
    const problems = (): unknown => {
      try {
        return run(CLAMPED, parts);
      } catch (error) {
        return (error as InvalidInput).problems.map(({ path, message }) => `${path}: ${message}`);
      }
    };
    expect(problems()).toEqual([
      `host.iommu.type: ${CLAMPED} has no iommufd; allowed are type1`,
      `machine.type: ${CLAMPED} has no q35; allowed are generic`,
      `operations[0].op: ${CLAMPED} has no begin`,
      `operations[1].op: ${CLAMPED} has no add-region`,
      `operations[2].op: ${CLAMPED} has no commit`,
    ]);
  });
});

describe('the BAR registers of the model of cloud-hypervisor', () => {
  it('are those of the memory BARs that the guest has enabled', () => {
    const operations = [setBar(HIGH), dev0('enable-memory')];
    expect(run(V53, { operations }).barRegisters).toEqual([
      { device: 'dev0', bar: 0, address: HIGH, decoding: true },
    ]);
    expect(run(V53, {}).barRegisters).toEqual([]);
  });

  it('differ from the place of the BAR after a move that 51.0 could not make, and not in 53.0', () => {
    // No 64-bit BAR can go below 4 GiB.
    const operations = [setBar(0xc000_0000n), dev0('enable-memory')];
    const places = (id: string) => {
      const { barRegisters, steps } = run(id, { operations });
      return [barRegisters?.[0]?.address, steps.at(-1)!.state.devices[0]!.bars[0]!.address];
    };
    const [register, bar] = places(V51);
    expect(register).toBe(0xc000_0000n);
    expect(bar).not.toBe(register);
    expect(places(V53)[0]).toBe(places(V53)[1]);
  });
});

describe("KVM's last address with cloud-hypervisor", () => {
  it('is that of the CPU: a slot above is refused, from Linux 5.18 on', () => {
    const refusals = (kernel: string): number => {
      const whole = run(V53, { machine: { cpu: { vendor: 'intel', physBits: 39 } }, kernel });
      return whole.steps.flatMap(({ events }) =>
        events.filter((event) => event.type === 'memslot' && event.errno !== 0),
      ).length;
    };
    expect(refusals('6.12')).toBeGreaterThan(0);
    expect(refusals('5.4')).toBe(0);
  });
});

describe('sizing on cloud-hypervisor', () => {
  const NARROW = { index: 0, size: '0x4000', type: 'mem32', mmap: true };
  const read = (probe?: string, enabled = true) => {
    const size = { ...dev0('size-bar', { bar: 0 }), ...(probe && { probe }) };
    const operations = enabled ? [dev0('enable-memory'), size] : [size];
    const { steps } = run(V53, { bars: [NARROW], operations });
    return steps.at(-1)!.events.flatMap((event) => (event.type === 'bar-sized' ? [event.read] : []));
  };

  it('answers all ones with the bits above the size, and moves nothing', () => {
    expect(read()).toEqual([0xffff_c000n]);
    expect(read('0xffffffff', false)).toEqual([0xffff_c000n]);
  });

  it('takes a probe without the type bits for a move', () => {
    expect(read('0xfffffff0', false)).toEqual([0xffff_c000n]);
    expect(read('0xfffffff0')).not.toEqual([0xffff_c000n]);
  });
});
