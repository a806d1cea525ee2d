import { describe, expect, it } from 'vitest';
import { decodeScenario, type Scenario } from '../scenario/index.ts';
import { InvalidInput } from '../input/index.ts';
import { findRevision, type Revision } from '../vfio/index.ts';
import type { Step, Trace, TraceNode } from '../trace/index.ts';
import { ModelTarget, runOnModel, runToTheEnd } from './model-target.ts';

type Json = Record<string, unknown>;

const revision = (id: string): Revision => findRevision(id)!;

const DEVICE: Json = { id: 'dev0', name: 'nic', bars: [{ index: 0, size: '0x10000', type: 'mem32' }] };
const TABLE = { vectors: 8, tableBar: 0, tableOffset: '0x2000', pbaBar: 0, pbaOffset: '0x3000' };

/** A small machine with one device. */
const scenario = (
  rest: {
    machine?: Json;
    iommu?: Json;
    kernel?: string;
    devices?: readonly Json[];
    operations?: readonly Json[];
  } = {},
): Scenario =>
  decodeScenario({
    version: 1,
    machine: { type: 'generic', ram: '0x10000000', ...rest.machine },
    host: { kernel: rest.kernel ?? 'msix-mappable', iommu: { type: 'type1', ...rest.iommu } },
    devices: rest.devices ?? [DEVICE],
    operations: rest.operations ?? [],
  });

const run = (rest: Parameters<typeof scenario>[0] = {}, id = 'qemu-11.1'): Trace =>
  runOnModel(scenario(rest), revision(id));

const setBar = (address: string, device = 'dev0', bar = 0) => ({ op: 'set-bar', device, bar, address });
const enable = (device = 'dev0') => ({ op: 'enable-memory', device });
const disable = (device = 'dev0') => ({ op: 'disable-memory', device });

/** The events of a step, one line each. */
const events = ({ events: all }: Step): string[] =>
  all.map((event) => {
    switch (event.type) {
      case 'dma-map':
        return `${event.container} map ${event.iova.toString(16)}+${event.size.toString(16)}`;
      case 'dma-unmap':
        return `${event.container} unmap ${event.iova.toString(16)}+${event.size.toString(16)}`;
      case 'memslot':
        return `slot ${event.slot.gpa.toString(16)}+${event.slot.size.toString(16)}`;
      case 'mmap':
        return `mmap ${event.device} ${event.bar}`;
      case 'message':
        return event.text;
      default:
        return event.type;
    }
  });

const dma = (step: Step): string[] =>
  events(step).filter((event) => /map /.test(event) && !event.startsWith('mmap'));

const views = ({ state }: Step): string[] =>
  state.flatView.map(
    ({ start, end, region }) => `${start.toString(16)}+${(end - start).toString(16)} ${region.name}`,
  );

const namesIn = ({ region, children, alias }: TraceNode): string[] => [
  region.name,
  ...children.flatMap(namesIn),
  ...(alias === undefined ? [] : namesIn(alias.node)),
];

describe('the trace of a run', () => {
  const trace = run({ operations: [setBar('0xd0000000'), enable(), enable()] });

  it('has a step for the start and one for each operation', () => {
    expect(trace.outcome).toBe('ok');
    expect([trace.error, trace.abortSite]).toEqual([undefined, undefined]);
    expect(trace.revision).toBe('qemu-11.1');
    expect(trace.steps.map(({ operation }) => operation.op)).toEqual([
      'start',
      'set-bar',
      'enable-memory',
      'enable-memory',
    ]);
    expect(trace.steps.slice(1).map(({ operation }) => operation)).toEqual(trace.scenario.operations);
  });

  it('has the events of each step', () => {
    expect(trace.steps.map(events)).toEqual([
      ['slot 0+10000000', 'container map 0+10000000', 'mmap dev0 0'],
      [],
      ['container map d0000000+10000', 'slot d0000000+10000'],
      [],
    ]);
  });

  it('has the state after each step', () => {
    const [start, , enabled] = trace.steps;
    expect(views(start!)).toEqual(['0+10000000 ram']);
    expect(views(enabled!)).toEqual(['0+10000000 ram', 'd0000000+10000 nic BAR 0 mmaps[0]']);
    expect(enabled!.state.dmaView).toBe(enabled!.state.flatView);
    expect(enabled!.state.containers).toMatchObject([
      { name: 'container', mappings: [{ iova: 0n }, { iova: 0xd000_0000n, deviceMemory: true }] },
    ]);
    expect(enabled!.state.memslots.map(({ gpa, size }) => [gpa, size])).toEqual([
      [0n, 0x1000_0000n],
      [0xd000_0000n, 0x1_0000n],
    ]);
    expect(enabled!.state.devices).toEqual([
      {
        id: 'dev0',
        bars: [
          {
            index: 0,
            type: 'mem32',
            prefetchable: false,
            size: 0x1_0000n,
            address: 0xd000_0000n,
            layers: [
              { region: 'nic base BAR 0', offset: 0n },
              { region: 'nic BAR 0', offset: 0n },
              { region: 'nic BAR 0 mmaps[0]', offset: 0n },
            ],
          },
        ],
        msix: undefined,
      },
    ]);
    expect(start!.state.devices[0]!.bars[0]!.address).toBeUndefined();
  });

  it('shares unchanged parts between states', () => {
    const [start, placed, enabled, again] = trace.steps.map(({ state }) => state);
    expect(placed).toBe(start);
    expect(enabled).not.toBe(start);
    expect(again).toBe(enabled);
    const moved = run({
      operations: [enable(), { op: 'add-region', name: 'x', kind: 'io', address: '0xe0000000', size: 1 }],
    });
    const [, before, after] = moved.steps.map(({ state }) => state);
    expect(after!.flatView).not.toBe(before!.flatView);
    expect(after!.devices).toBe(before!.devices);
    expect(after!.containers).toBe(before!.containers);
    expect(after!.memslots).toBe(before!.memslots);
  });

  it('has the mappings of a listener that is registered after the last step', () => {
    expect(trace.scratch).toEqual(trace.steps.at(-1)!.state.containers);
  });

  it('has the region tree after the last step', () => {
    const { tree } = trace;
    expect([tree!.region.name, tree!.size, tree!.terminates]).toEqual(['system', 1n << 64n, false]);
    const [ram, pci] = tree!.children;
    expect(ram).toMatchObject({
      address: 0n,
      end: 0x1000_0000n,
      priority: 0,
      enabled: true,
      terminates: true,
    });
    expect(pci).toMatchObject({ priority: -1, alias: undefined });
    expect(pci!.children.map(({ region }) => region.name)).toEqual(['nic base BAR 0']);
    expect(pci!.children[0]!.children[0]!.children[0]!.region).toMatchObject({
      name: 'nic BAR 0 mmaps[0]',
      owner: 'dev0',
      kind: 'ram-device',
    });
  });

  it('ends with a teardown that leaves no mapping', () => {
    expect(events({ ...trace.steps[0]!, events: trace.teardown!.events })).toEqual([
      'container unmap d0000000+10000',
      'slot d0000000+0',
      'munmap',
      'container unmap 0+10000000',
    ]);
    expect(trace.teardown!.containers).toEqual([{ name: 'container', mappings: [] }]);
  });

  it('has the page sizes of host, guest and IOMMU', () => {
    expect(trace.pages).toEqual({ host: 0x1000n, guest: 0x1000n, iommu: 0x1000n });
    const other = run({
      machine: { hostPageSize: '0x10000', guestPageSize: '0x4000' },
      iommu: { pageSizes: ['0x1000', '0x200000'] },
    });
    // Type1 reports the host page size where the IOMMU has smaller pages.
    expect(other.pages).toEqual({ host: 0x1_0000n, guest: 0x4000n, iommu: 0x1_0000n });
    const later = run({
      iommu: { type: 'vfio-user', pageSizes: ['0x8000'] },
      operations: [
        { op: 'hotplug', device: 'dev0' },
        { op: 'unplug', device: 'dev0' },
      ],
    });
    expect(later.pages.iommu).toBe(0x8000n);
  });
});

describe('the region tree of a trace', () => {
  it('has one node for a region that several aliases show', () => {
    const { tree } = run({ machine: { type: 'q35' } });
    const targets = tree!.children.flatMap(({ alias }) => (alias === undefined ? [] : [alias]));
    const ofPci = targets.filter(({ node }) => node.region.name === 'pci');
    expect(ofPci).toHaveLength(14);
    expect(new Set(ofPci.map(({ node }) => node)).size).toBe(1);
    expect(ofPci[0]!.node).toBe(tree!.children.find(({ region }) => region.name === 'pci'));
    expect(targets.find(({ node }) => node.region.name === 'pc.ram')!.offset).toBe(0n);
  });
});

describe('whether the machine opts out of MSI-X emulation', () => {
  it.each([
    ['generic', 'machine-default', false],
    ['generic', 'off', true],
    ['pseries', 'machine-default', true],
    ['pseries', 'on', false],
    ['pseries', 'off', true],
  ])('for %s with msixEmulation %s: %s', (type, msixEmulation, expected) => {
    const trace = run({ machine: { type, msixEmulation }, devices: [{ ...DEVICE, msix: TABLE }] });
    expect(trace.optsOutOfMsixEmulation).toBe(expected);
    const { msix } = trace.steps[0]!.state.devices[0]!;
    expect(msix!.emulatedAt).toEqual(expected ? undefined : { bar: 0, offset: 0x2000n });
    expect(msix!.layout).toEqual({
      vectors: 8,
      tableBar: 0,
      tableOffset: 0x2000n,
      pbaBar: 0,
      pbaOffset: 0x3000n,
    });
  });
});

describe('the MSI-X state of a device', () => {
  const switched = (...operations: Json[]) =>
    run({
      devices: [
        { ...DEVICE, msix: TABLE },
        { ...DEVICE, id: 'dev1' },
      ],
      operations,
    }).steps.map(({ state }) => state.devices[0]!.msix);

  it('follows enable-msix, disable-msix and reset', () => {
    const states = switched(
      { op: 'enable-msix', device: 'dev0' },
      { op: 'disable-msix', device: 'dev0' },
      { op: 'enable-msix', device: 'dev0' },
      { op: 'reset' },
    );
    expect(states.map((state) => state!.enabled)).toEqual([false, true, false, true, false]);
    expect(states.every((state) => !state!.functionMasked)).toBe(true);
  });

  it('does not change when a vector is masked', () => {
    const { steps } = run({
      devices: [{ ...DEVICE, msix: TABLE }],
      operations: [
        { op: 'mask-vector', device: 'dev0', vector: 7, masked: false },
        { op: 'mask-vector', device: 'dev0', vector: 7 },
      ],
    });
    expect(steps[1]!.state).toBe(steps[0]!.state);
    expect(steps[2]!.state).toBe(steps[0]!.state);
  });

  it('is undefined for a device without MSI-X', () => {
    const { outcome, steps } = run({ operations: [{ op: 'enable-msix', device: 'dev0' }] });
    expect([outcome, steps[1]!.state.devices[0]!.msix]).toEqual(['ok', undefined]);
  });
});

describe('the operations', () => {
  it('move, size and hide BARs', () => {
    const { steps } = run({
      operations: [
        setBar('0xd0000000'),
        enable(),
        setBar('0xe0000000'),
        { op: 'size-bar', device: 'dev0', bar: 0 },
        disable(),
      ],
    });
    expect(steps.slice(2).map(dma)).toEqual([
      ['container map d0000000+10000'],
      ['container unmap d0000000+10000', 'container map e0000000+10000'],
      ['container unmap e0000000+10000', 'container map e0000000+10000'],
      ['container unmap e0000000+10000'],
    ]);
  });

  it('add regions to system memory and remove them', () => {
    const add = (name: string, kind: string, address: string) => ({
      op: 'add-region',
      name,
      kind,
      address,
      size: '0x1000',
      priority: 1,
    });
    const { steps } = run({
      operations: [
        add('io', 'io', '0x0'),
        add('ram2', 'ram', '0x20000000'),
        add('rom', 'rom', '0x30000000'),
        { op: 'remove-region', name: 'io' },
      ],
    });
    expect(steps.slice(1).map(dma)).toEqual([
      ['container unmap 0+10000000', 'container map 1000+ffff000'],
      ['container map 20000000+1000'],
      ['container map 30000000+1000'],
      ['container unmap 1000+ffff000', 'container map 0+10000000'],
    ]);
    expect(steps[3]!.state.containers[0]!.mappings.map(({ readonly }) => readonly)).toEqual([
      false,
      false,
      true,
    ]);
    expect(steps[3]!.state.memslots.map(({ readonly }) => readonly)).toEqual([false, false, true]);
  });

  it('of a transaction change the views once', () => {
    const { steps } = run({
      operations: [setBar('0xd0000000'), { op: 'begin' }, enable(), setBar('0xe0000000'), { op: 'commit' }],
    });
    expect(steps.map((step) => dma(step).length)).toEqual([1, 0, 0, 0, 0, 1]);
    expect(steps[4]!.state).toBe(steps[1]!.state);
    expect(dma(steps[5]!)).toEqual(['container map e0000000+10000']);
    expect(steps[5]!.state.devices[0]!.bars[0]!.address).toBe(0xe000_0000n);
  });

  it('plug devices in and unplug them', () => {
    const plug = { op: 'hotplug', device: 'dev0' };
    const unplug = { op: 'unplug', device: 'dev0' };
    const { steps, teardown } = run({ operations: [plug, setBar('0xd0000000'), enable(), unplug, plug] });
    expect(steps.map(({ state }) => state.containers.map(({ name }) => name))).toEqual([
      [],
      ['container'],
      ['container'],
      ['container'],
      [],
      ['container#2'],
    ]);
    expect(steps.map(({ state }) => state.devices.map(({ id }) => id))).toEqual([
      [],
      ['dev0'],
      ['dev0'],
      ['dev0'],
      [],
      ['dev0'],
    ]);
    expect(events(steps[4]!)).toEqual([
      'container unmap d0000000+10000',
      'slot d0000000+0',
      'munmap',
      'container unmap 0+10000000',
    ]);
    expect(teardown!.containers.map(({ name }) => name)).toEqual(['container#2']);
  });
});

describe('several devices', () => {
  const devices = ['dev0', 'dev1', 'dev2'].map((id) => ({ ...DEVICE, id, name: id }));
  const operations = devices.flatMap(({ id }, index) => [setBar(`0xd00${index}0000`, id), enable(id)]);

  it('share a container, which is closed with the last of them', () => {
    const { steps, teardown } = run({
      devices,
      operations: [...operations, { op: 'unplug', device: 'dev1' }],
    });
    expect(steps.map(({ state }) => state.containers.length)).toEqual(steps.map(() => 1));
    expect(steps[0]!.events.filter(({ type }) => type === 'dma-map')).toHaveLength(1);
    expect(dma(steps.at(-1)!)).toEqual(['container unmap d0010000+10000']);
    expect(teardown!.containers).toHaveLength(1);
  });

  it('have one container each over vfio-user, and each container maps all BARs', () => {
    const { steps } = run({ devices, operations, iommu: { type: 'vfio-user' } });
    expect(steps[0]!.state.containers.map(({ name }) => name)).toEqual(['dev0', 'dev1', 'dev2']);
    expect(steps.at(-1)!.state.containers.map(({ mappings }) => mappings.length)).toEqual([4, 4, 4]);
    expect(dma(steps.at(-1)!)).toEqual(['dev0', 'dev1', 'dev2'].map((id) => `${id} map d0020000+10000`));
  });

  it('are reset in reverse order of plugging', () => {
    const { steps } = run({ devices, operations: [...operations, { op: 'reset' }] });
    expect(dma(steps.at(-1)!)).toEqual([
      'container unmap d0020000+10000',
      'container unmap d0010000+10000',
      'container unmap d0000000+10000',
    ]);
    expect(steps.at(-1)!.state.devices.flatMap(({ bars }) => bars.map(({ address }) => address))).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe('a refused device', () => {
  const bad = { ...DEVICE, msix: { ...TABLE, pbaOffset: '0x10000' } };
  const text = 'vfio nic: hardware reports invalid configuration, MSIX PBA outside of specified BAR';

  it('ends the run at the start and closes its container', () => {
    const trace = run({ devices: [bad], operations: [enable()] });
    expect([trace.outcome, trace.error, trace.abortSite]).toEqual(['rejected', text, undefined]);
    expect(trace.steps.map(({ operation }) => operation.op)).toEqual(['start']);
    expect(events(trace.steps[0]!)).toEqual([
      'slot 0+10000000',
      'container map 0+10000000',
      'container unmap 0+10000000',
    ]);
    expect(trace.steps[0]!.state).toMatchObject({ containers: [], devices: [] });
    expect([trace.scratch, trace.teardown]).toEqual([undefined, { events: [], containers: [] }]);
    expect(trace.tree!.region.name).toBe('system');
  });

  it('leaves a container open that another device uses', () => {
    const trace = run({ devices: [DEVICE, { ...bad, id: 'dev1' }] });
    expect(trace.outcome).toBe('rejected');
    expect(trace.steps[0]!.state.containers).toHaveLength(1);
    expect(trace.steps[0]!.state.devices.map(({ id }) => id)).toEqual(['dev0']);
    expect(trace.teardown!.containers).toEqual([{ name: 'container', mappings: [] }]);
  });

  const hotplugged = { operations: [{ op: 'hotplug', device: 'dev0' }, enable()] };

  it.each(['qemu-2.11', 'qemu-11.1'])('does not kill the running %s', (id) => {
    const trace = run({ devices: [bad], ...hotplugged }, id);
    expect([trace.outcome, trace.error]).toEqual(['rejected', text]);
    expect(trace.steps.map(({ operation }) => operation.op)).toEqual(['start', 'hotplug']);
  });

  it.each(['qemu-2.12', 'qemu-6.0'])('kills the running %s, if refused before its regions are made', (id) => {
    const trace = run({ devices: [bad], ...hotplugged }, id);
    expect([trace.outcome, trace.abortSite]).toEqual(['aborted', 'bars-finalize-segfault']);
    expect(trace.error).toBe(`SIGSEGV after refusing a hot-plugged device: ${text}`);
    const later = { ...DEVICE, msix: { ...TABLE, pbaOffset: TABLE.tableOffset } };
    const refused = run({ devices: [later], ...hotplugged }, id);
    expect(refused.outcome).toBe('rejected');
    expect(refused.error).toContain('failed to add PCI capability');
  });

  it('kills the running qemu-11.1, unless it has no BARs or the kernel offers it', () => {
    const operations = [{ op: 'hotplug', device: 'dev0' }];
    const iommu = { type: 'vfio-user' };
    const trace = run({ iommu, devices: [bad], operations });
    expect([trace.outcome, trace.abortSite]).toEqual(['aborted', 'hotplug-refusal-segfault']);
    expect(trace.error).toBe(`SIGSEGV after refusing a hot-plugged device: ${text}`);
    const bare = run({ iommu, devices: [{ ...bad, bars: [] }], operations });
    expect(bare.outcome).toBe('rejected');
    expect(run({ devices: [bad], operations }).outcome).toBe('rejected');
    expect([trace.scratch, trace.teardown]).toEqual([undefined, undefined]);
  });

  it('has the error of the map where RAM cannot be mapped', () => {
    const trace = run({ iommu: { apertures: [{ start: 0, end: '0xffff' }] } });
    expect([trace.outcome, trace.abortSite]).toEqual(['rejected', undefined]);
    expect(trace.error).toContain(
      'memory listener initialization failed for container: Region ram: vfio_dma_map',
    );
    expect(trace.steps[0]!.state.containers).toEqual([]);
  });
});

describe('a machine that QEMU refuses', () => {
  it('has a CPU that cannot address the memory, and ends the run at the start, without a device', () => {
    const machine = { type: 'virt', ram: '0x1000000000', cpu: { vendor: 'arm', physBits: 36 } };
    const trace = run({ machine });
    expect([trace.outcome, trace.error, trace.abortSite]).toEqual([
      'rejected',
      'Addressing limited to 36 bits, but memory exceeds it by 1073741824 bytes',
      undefined,
    ]);
    expect(trace.steps.at(-1)!.state.devices).toEqual([]);
  });
});

describe('a VMM that dies', () => {
  it('dies of a BAR size at the start', () => {
    const trace = run({ devices: [{ ...DEVICE, bars: [{ index: 0, size: '0x3000', type: 'mem32' }] }] });
    expect([trace.outcome, trace.abortSite]).toEqual(['aborted', 'bar-size-assertion']);
    expect(trace.steps).toHaveLength(1);
  });

  it('dies of RAM that cannot be mapped later, and performs no further operation', () => {
    const add = (address: string) => ({
      op: 'add-region',
      name: address,
      kind: 'ram',
      address,
      size: '0x1000',
    });
    const trace = run({
      iommu: { maxMappings: 2 },
      operations: [add('0x20000000'), add('0x30000000'), add('0x40000000')],
    });
    expect([trace.outcome, trace.abortSite]).toEqual(['aborted', 'dma-map-ram']);
    expect(trace.error).toMatch(/^vfio: DMA mapping failed, unable to continue: .* -28 \(ENOSPC\)$/);
    expect(trace.steps).toHaveLength(3);
    expect(trace.steps[2]!.state.containers[0]!.mappings).toHaveLength(2);
    expect([trace.scratch, trace.teardown]).toEqual([undefined, undefined]);
  });

  it('dies of a reset of pseries with a vfio-user device, which is plugged in after the reset at start', () => {
    const pseries = {
      machine: { type: 'pseries' },
      iommu: { type: 'vfio-user' },
      operations: [{ op: 'reset' }],
    };
    const trace = run(pseries);
    expect([trace.outcome, trace.abortSite, trace.error]).toEqual([
      'aborted',
      'eeh-container-cast',
      'VFIO_IOMMU_LEGACY: Object is not an instance of type vfio-iommu-legacy',
    ]);
    expect(trace.steps[0]!.state.devices).toHaveLength(1);
    expect(run({ ...pseries, operations: [{ op: 'unplug', device: 'dev0' }, { op: 'reset' }] }).outcome).toBe(
      'ok',
    );
    expect(run({ ...pseries, machine: { type: 'q35' } }).outcome).toBe('ok');
    expect(run({ ...pseries, iommu: { type: 'type1' } }).outcome).toBe('ok');
  });

  it('dies of a vfio-user device that is refused on pseries, as after hotplug', () => {
    const trace = run({
      machine: { type: 'pseries' },
      iommu: { type: 'vfio-user' },
      devices: [{ ...DEVICE, msix: { ...TABLE, tableBar: 7 } }],
    });
    expect([trace.outcome, trace.abortSite]).toEqual(['aborted', 'hotplug-refusal-segfault']);
  });

  it('has one more step and the tree of that moment if it dies at shutdown', () => {
    // The missing window for device memory is tolerated when the BAR is mapped, and fatal when it is unmapped.
    const base = revision('qemu-2.12');
    const proposal = { ...base, machine: { ...base.machine, mmioInPhbDmaSpace: true } };
    const trace = runOnModel(
      scenario({
        machine: { type: 'pseries', hostPageSize: '0x10000' },
        iommu: { type: 'spapr-tce-v2', pageSizes: ['0x1000', '0x10000'] },
        devices: [{ ...DEVICE, bars: [{ index: 0, size: '0x10000', type: 'mem64' }] }],
        operations: [setBar('0x210000000000'), enable()],
      }),
      proposal,
    );
    expect(trace.steps.map(({ operation }) => operation.op)).toEqual([
      'start',
      'set-bar',
      'enable-memory',
      'stop',
    ]);
    expect([trace.outcome, trace.abortSite, trace.error]).toEqual([
      'aborted',
      'dma-window',
      'vfio: Cannot delete missing window at 0x210000000000',
    ]);
    expect([trace.scratch, trace.teardown]).toEqual([undefined, undefined]);
    expect(views(trace.steps[2]!).some((row) => row.includes('mmaps[0]'))).toBe(true);
    expect(views(trace.steps[3]!).some((row) => row.includes('mmaps[0]'))).toBe(false);
    expect(namesIn(trace.tree!)).not.toContain('nic BAR 0 mmaps[0]');
  });
});

describe('a transaction that is open at the end of a run', () => {
  it('is committed before the teardown', () => {
    const trace = run(
      {
        devices: [DEVICE, { ...DEVICE, id: 'dev1', msix: { ...TABLE, pbaOffset: TABLE.tableOffset } }],
        operations: [
          setBar('0xd0000000'),
          { op: 'begin' },
          { op: 'begin' },
          enable(),
          { op: 'hotplug', device: 'dev1' },
          { op: 'commit' },
          { op: 'commit' },
        ],
      },
      'qemu-6.0',
    );
    expect(trace.outcome).toBe('rejected');
    expect(trace.steps).toHaveLength(6);
    expect(trace.steps[5]!.state).toBe(trace.steps[2]!.state);
    expect(events({ ...trace.steps[0]!, events: trace.teardown!.events })).toEqual([
      'container map d0000000+10000',
      'slot d0000000+10000',
      'slot d0000000+0',
      'container unmap d0000000+10000',
      'munmap',
      'container unmap 0+10000000',
    ]);
  });
});

describe('KVM', () => {
  it('has no read-only slots on POWER', () => {
    const add = { op: 'add-region', name: 'rom', kind: 'rom', address: '0x40000000', size: '0x1000' };
    for (const [type, readonly] of [
      ['pseries', false],
      ['generic', true],
    ] as const) {
      const { steps } = run({ machine: { type }, operations: [add] });
      expect(steps[1]!.state.memslots.find(({ gpa }) => gpa === 0x4000_0000n)!.readonly).toBe(readonly);
    }
  });

  it('kills QEMU by refusing a slot off the page, except with vfio-user, where QEMU runs without KVM', () => {
    const unaligned = { op: 'add-region', name: 'x', kind: 'ram', address: '0x20000800', size: '0x10000' };
    const dead = run({ operations: [unaligned] });
    expect([dead.outcome, dead.abortSite]).toEqual(['aborted', 'memslot']);
    const alive = run({
      operations: [unaligned, { op: 'remove-region', name: 'x' }],
      iommu: { type: 'vfio-user' },
    });
    expect(alive.outcome).toBe('ok');
    expect(alive.steps[1]!.events).toContainEqual(expect.objectContaining({ type: 'memslot', errno: 22 }));
    expect(alive.steps[1]!.state.memslots).toHaveLength(1);
  });
});

describe('an exception of barproof itself', () => {
  it('is not taken for an outcome of the run', () => {
    const base = revision('qemu-11.1');
    const checkLocation = (): never => {
      throw new TypeError('a mistake');
    };
    const broken = { ...base, device: { ...base.device, checkLocation } };
    expect(() => runOnModel(scenario({ devices: [{ ...DEVICE, msix: TABLE }] }), broken)).toThrow(TypeError);
  });
});

describe('the host addresses of memory', () => {
  it('have the requested alignment and no larger one', () => {
    const { steps } = run({
      devices: [{ ...DEVICE, bars: [{ index: 0, size: '0x4000', type: 'mem32' }] }],
      operations: [setBar('0xd0000000'), enable()],
    });
    const [ram, bar] = steps[2]!.state.containers[0]!.mappings.map(({ hostAddress }) => hostAddress);
    expect([ram! % 0x20_0000n, ram! % 0x40_0000n]).toEqual([0n, 0x20_0000n]);
    expect([bar! % 0x4000n, bar! % 0x8000n]).toEqual([0n, 0x4000n]);
    expect(ram).toBeGreaterThanOrEqual(0x7f00_0000_0000n);
  });

  it('do not overlap', () => {
    const { steps } = run({
      devices: [0, 1, 2].map((index) => ({ ...DEVICE, id: `dev${index}` })),
      operations: [0, 1, 2].flatMap((index) => [
        setBar(`0xd00${index}0000`, `dev${index}`),
        enable(`dev${index}`),
      ]),
    });
    const mappings = steps
      .at(-1)!
      .state.containers[0]!.mappings.toSorted((a, b) => (a.hostAddress! < b.hostAddress! ? -1 : 1));
    expect(mappings).toHaveLength(4);
    for (const [index, mapping] of mappings.slice(1).entries()) {
      const before = mappings[index]!;
      expect(before.hostAddress! + before.size).toBeLessThanOrEqual(mapping.hostAddress!);
    }
  });
});

describe('an sPAPR container', () => {
  it('has a window and no mappings before the guest maps any page', () => {
    const trace = run(
      {
        machine: { type: 'pseries', hostPageSize: '0x10000' },
        iommu: { type: 'spapr-tce-v2', pageSizes: ['0x1000', '0x10000'] },
      },
      'qemu-2.11',
    );
    expect(trace.outcome).toBe('ok');
    const [start] = trace.steps;
    expect(
      start!.events.map(({ type }) => type).filter((type) => type !== 'memslot' && type !== 'mmap'),
      // The reset at the start makes the window, after the device has come.
    ).toEqual(['register-memory', 'window-remove', 'window-create']);
    expect(start!.state.containers).toEqual([{ name: 'container', mappings: [] }]);
    expect(start!.state.dmaView).not.toBe(start!.state.flatView);
    expect(trace.scratch).toEqual([{ name: 'container', mappings: [] }]);
  });
});

describe('ModelTarget', () => {
  it('runs a scenario on the revision that it names', () => {
    const target = new ModelTarget();
    expect(target.name).toBe('model');
    for (const id of ['seed-v2', 'qemu-6.0']) {
      const named = { ...scenario(), revision: id };
      const trace = target.run(named);
      expect(trace.revision).toBe(id);
      expect(trace.scenario).toBe(named);
    }
  });

  it('takes revisions from the function that it is given', () => {
    const asked: string[] = [];
    const target = new ModelTarget((id) => {
      asked.push(id);
      return { ...revision('qemu-6.0'), id };
    });
    expect(target.run({ ...scenario(), revision: 'mine' }).revision).toBe('mine');
    expect(asked).toEqual(['mine']);
  });

  it('refuses an unknown revision and suggests a similar id', () => {
    const problem = {
      path: 'revision',
      message: 'there is no revision qemu-11.2; did you mean qemu-11.1?',
    };
    expect(() => new ModelTarget().run({ ...scenario(), revision: 'qemu-11.2' })).toThrow(
      new InvalidInput([problem]),
    );
  });

  it('suggests no id where none is similar', () => {
    expect(() => new ModelTarget().run({ ...scenario(), revision: 'xyz' })).toThrow(
      'revision: there is no revision xyz; barproof list revisions shows them',
    );
  });

  it('refuses an IOMMU that the revision does not have', () => {
    const onVfioUser = {
      ...scenario(),
      host: { ...scenario().host, iommu: { type: 'vfio-user', pageSizes: [0x1000n] } },
    } as const;
    expect(() => runOnModel(onVfioUser, revision('qemu-6.0'))).toThrow(InvalidInput);
    expect(() => runToTheEnd(onVfioUser, revision('qemu-6.0'))).toThrow(
      /^host\.iommu\.type: qemu-6\.0 has no vfio-user; allowed are type1, /,
    );
  });
});

describe('runToTheEnd', () => {
  it('returns the address spaces after the last operation', () => {
    const { spaces, end } = runToTheEnd(
      scenario({ operations: [setBar('0xd0000000'), enable()] }),
      revision('qemu-11.1'),
    );
    expect(end).toEqual({ outcome: 'ok', error: undefined, abortSite: undefined });
    expect(spaces.map(({ name }) => name)).toEqual(['memory', 'cpu-memory-0', 'I/O']);
    expect(spaces[0]!.view.at(0xd000_0000n)!.region.name).toBe('nic BAR 0 mmaps[0]');
  });

  it('returns how the run ended', () => {
    const { end } = runToTheEnd(
      scenario({ devices: [{ ...DEVICE, bars: [{ index: 0, size: 3, type: 'mem32' }] }] }),
      revision('qemu-11.1'),
    );
    expect(end).toMatchObject({ outcome: 'aborted', abortSite: 'bar-size-assertion' });
  });
});

describe('the BAR registers of a trace', () => {
  const registers = (...operations: Json[]) => run({ operations }).barRegisters;

  it('are read after the last operation, without type bits and without the bits below the size', () => {
    expect(registers(setBar('0xd0001234'))).toEqual([
      { device: 'dev0', bar: 0, address: 0xd000_0000n, decoding: false },
    ]);
    expect(registers(setBar('0xd0000000'), enable())).toMatchObject([
      { address: 0xd000_0000n, decoding: true },
    ]);
    expect(registers(setBar('0xd0000000'), enable(), { op: 'reset' })).toMatchObject([
      { address: 0n, decoding: false },
    ]);
  });

  it('lack unplugged devices, and are absent after an abort', () => {
    expect(registers({ op: 'unplug', device: 'dev0' })).toEqual([]);
    const overlay = { op: 'add-region', name: 'x', kind: 'ram', address: '0x8', size: '0x2000', priority: 0 };
    expect(registers(overlay)).toBeUndefined();
  });
});
