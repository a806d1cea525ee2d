import { describe, expect, it } from 'vitest';
import { violationsOf } from '../src/invariants/index.ts';
import { ModelTarget } from '../src/model/index.ts';
import { decodeScenario } from '../src/scenario/index.ts';
import type { Trace } from '../src/trace/index.ts';

/** Parts of a scenario that differ from a plain one: a q35 of 256 MiB behind type1 with one BAR of 4 KiB. */
interface Parts {
  readonly machine?: object;
  readonly host?: object;
  readonly iommu?: object;
  readonly bar?: object;
  readonly revision?: string;
  readonly operations?: readonly object[];
}

const run = ({ machine, host, iommu, bar, revision = 'qemu-11.1', operations = [] }: Parts): Trace =>
  new ModelTarget().run(
    decodeScenario({
      version: 1,
      machine: { type: 'q35', ram: '0x10000000', ...machine },
      revision,
      host: { kernel: 'msix-mappable', iommu: { type: 'type1', pageSizes: ['0x1000'], ...iommu }, ...host },
      devices: [{ id: 'd', bars: [{ index: 0, size: '0x1000', type: 'mem64', ...bar }] }],
      operations,
    }),
  );

const causes = (trace: Trace): readonly string[] =>
  violationsOf(trace).map(({ invariant, cause }) => `${invariant}/${cause}`);

/** The guest puts BAR 0 at `address` and enables memory. */
const placedAt = (address: string): readonly object[] => [
  { op: 'set-bar', device: 'd', bar: 0, address },
  { op: 'enable-memory', device: 'd' },
];

const intel = (physBits: number) => ({ cpu: { vendor: 'intel', physBits } });
const beyondWidth = 'no-abort/memslot-EINVAL-beyond-cpu-width';

/** The errors of the maps of device memory. */
const barMaps = ({ steps }: Trace): readonly number[] =>
  steps.flatMap(({ events }) =>
    events.flatMap((event) => (event.type === 'dma-map' && event.deviceMemory ? [event.errno] : [])),
  );

describe('a BAR at the width of the CPU’s addresses', () => {
  it.each([
    ['no CPU named, far above 52 bits', {}, '0x8508000000000000'],
    ['no CPU named, at 2^52', {}, '0x10000000000000'],
    ['46 bits, at 2^46', intel(46), '0x400000000000'],
    ['39 bits, at 1 TiB', intel(39), '0x10000000000'],
    ['48 bits of AMD, at 2^48', { cpu: { vendor: 'amd', physBits: 48 } }, '0x1000000000000'],
    ['pc', { type: 'pc', ...intel(46) }, '0x400000000000'],
  ])('ends QEMU above the width, with a cause of its own: %s', (_, machine, address) => {
    const trace = run({ machine, operations: placedAt(address) });
    expect([trace.outcome, trace.abortSite]).toEqual(['aborted', 'memslot']);
    expect(causes(trace)).toEqual([beyondWidth]);
  });

  it.each([
    ['no CPU named, below 2^52', {}, '0xffffffffff000'],
    ['46 bits, the last page', intel(46), '0x3ffffffff000'],
    ['39 bits, the last page', intel(39), '0x7ffffff000'],
  ])('does not end QEMU below the width: %s', (_, machine, address) => {
    const trace = run({ machine, operations: placedAt(address) });
    expect([trace.outcome, ...causes(trace)]).toEqual(['ok']);
  });

  it('is not mapped on arm64, where QEMU leaves out a window that the CPU cannot address', () => {
    const machine = { type: 'virt', highmemMmioSize: '0x10000000000', cpu: { vendor: 'arm', physBits: 41 } };
    expect(run({ machine, operations: placedAt('0x1fffffff000') }).outcome).toBe('ok');
    // QEMU itself leaves out a window that the CPU cannot address, so no slot is above the width.
    const narrow = { ...machine, cpu: { vendor: 'arm', physBits: 40 } };
    const trace = run({ machine: narrow, operations: placedAt('0x10000000000') });
    expect([trace.outcome, barMaps(trace)]).toEqual(['ok', []]);
  });

  it('appears above the width while the guest sizes a 64-bit BAR with decode on', () => {
    const operations = [...placedAt('0xfe000000'), { op: 'size-bar', device: 'd', bar: 0 }];
    const bar = { size: '0x100000', type: 'mem64p' };
    const machine = { type: 'pc', ram: '0x4000000' };
    expect(causes(run({ machine, bar, operations }))).toContain(beyondWidth);
    const off = [{ op: 'set-bar', device: 'd', bar: 0, address: '0xfe000000' }, operations[2]!];
    expect(causes(run({ machine, bar, operations: off }))).toEqual([]);
    expect(run({ machine, bar: { ...bar, type: 'mem32p' }, operations }).abortSite).not.toBe('memslot');
  });

  it('does not end QEMU before Linux 5.18, whose KVM accepts a slot above the width', () => {
    const parts = { machine: intel(46), operations: placedAt('0x400000000000') };
    expect(run({ ...parts, host: { kernel: '5.17' } }).outcome).toBe('ok');
    expect(causes(run({ ...parts, host: { kernel: '5.18' } }))).toEqual([beyondWidth]);
  });
});

describe('RAM near 1 TiB', () => {
  const at = (trace: Trace) =>
    trace.steps
      .at(-1)!
      .state.flatView.filter(({ region }) => region.name === 'pc.ram')
      .at(-1)?.start;
  const amd = (physBits: number) => ({ cpu: { vendor: 'amd', physBits } });
  const [FOUR_GIB, ONE_TIB] = [1n << 32n, 1n << 40n];

  it.each([
    ['q35', '0xf480000000', FOUR_GIB],
    ['q35', '0xf480002000', ONE_TIB],
    ['pc', '0xfc40000000', FOUR_GIB],
    ['pc', '0xfc40002000', ONE_TIB],
  ])('of %s with %s bytes lies where QEMU 7.1 and later put it for AMD', (type, ram, start) => {
    expect(at(run({ machine: { type, ram, ...amd(46) } }))).toBe(start);
    expect(at(run({ machine: { type, ram, ...amd(46) }, revision: 'qemu-6.0' }))).toBe(FOUR_GIB);
    expect(at(run({ machine: { type, ram, ...intel(46) } }))).toBe(FOUR_GIB);
  });

  it('moves earlier or later with pci-hole64-size', () => {
    const machine = { ram: '0xf480002000', ...amd(46) };
    expect(at(run({ machine: { ...machine, pciHole64Size: '0x80000000' } }))).toBe(FOUR_GIB);
    expect(at(run({ machine: { ...machine, ram: '0xf400000000', pciHole64Size: '0x1000000000' } }))).toBe(
      ONE_TIB,
    );
  });

  it('makes QEMU refuse to start with a CPU of 40 bits, which breaks no invariant', () => {
    for (const machine of [
      { ram: '0xf480002000', ...amd(40) },
      { ram: '0xffc0000000', ...intel(40) },
    ]) {
      const trace = run({ machine });
      expect(trace.outcome).toBe('rejected');
      expect(trace.error).toMatch(
        /^Address space limit 0xffffffffff < 0x[0-9a-f]+ phys-bits too low \(40\)$/,
      );
      expect(causes(trace)).toEqual([]);
    }
    // The CPU of a QEMU without KVM is AMD's, with 40 bits.
    const trace = run({ machine: { ram: '0xf480002000' }, iommu: { type: 'vfio-user' } });
    expect([trace.outcome, trace.error, ...causes(trace)]).toEqual([
      'rejected',
      'Address space limit 0xffffffffff < 0x1fc3fffffff phys-bits too low (40)',
    ]);
    expect(run({ machine: { ram: '0xf480000000' }, iommu: { type: 'vfio-user' } }).outcome).toBe('ok');
  });

  it('works on an AMD host since 7.1, and is refused there before', () => {
    const apertures = [
      { start: '0x0', end: '0xfedfffff' },
      { start: '0xfef00000', end: '0xfcffffffff' },
      { start: '0x10000000000', end: '0xffffffffffffffff' },
    ];
    const host = { machine: { ram: '0xffb0000000' }, iommu: { apertures } };
    expect(run(host).outcome).toBe('ok');
    expect(run({ ...host, revision: 'qemu-6.0' }).outcome).toBe('rejected');
  });

  it('of virt above the CPU’s addresses makes QEMU refuse to start, which breaks no invariant', () => {
    const machine = { type: 'virt', ram: '0x1000000000', cpu: { vendor: 'arm', physBits: 36 } };
    expect(run({ machine }).error).toBe(
      'Addressing limited to 36 bits, but memory exceeds it by 1073741824 bytes',
    );
    expect(causes(run({ machine }))).toEqual([]);
  });
});

describe('peer-to-peer DMA with iommufd', () => {
  const iommufd = { iommu: { type: 'iommufd' }, bar: { type: 'mem32' }, operations: placedAt('0xe0000000') };

  it.each([
    ['6.18', 14],
    ['6.19', 0],
    ['7.2', 0],
    ['msix-mappable', 14],
  ])('on Linux %s: the map of a BAR ends with error %i', (kernel, errno) => {
    expect(barMaps(run({ ...iommufd, host: { kernel } }))).toEqual([errno]);
  });

  it('needs whole pages of the host: a BAR below the page size has no dma-buf', () => {
    const small = { ...iommufd, machine: { hostPageSize: '0x10000' }, host: { kernel: '7.2' } };
    const trace = run({ ...small, iommu: { type: 'iommufd', pageSizes: ['0x1000', '0x10000'] } });
    expect(barMaps(trace)).toEqual([14]);
    const messages = trace.steps[0]!.events.flatMap((event) =>
      event.type === 'message' ? [event.text] : [],
    );
    expect(messages).toEqual([expect.stringMatching(/dma-buf unavailable.*EINVAL/) as string]);
  });

  it('needs a BAR that the kernel can map', () => {
    const bar = { type: 'mem32', p2p: false };
    expect(barMaps(run({ ...iommufd, bar, host: { kernel: '7.2' } }))).toEqual([19]);
    expect(barMaps(run({ bar, operations: placedAt('0xe0000000') }))).toEqual([14]);
  });

  it('maps the BAR again when the guest enables memory decode again', () => {
    const operations = [
      ...placedAt('0xe0000000'),
      { op: 'disable-memory', device: 'd' },
      { op: 'enable-memory', device: 'd' },
    ];
    const trace = run({ ...iommufd, host: { kernel: '7.2' }, operations });
    expect([barMaps(trace), causes(trace)]).toEqual([[0, 0], []]);
  });
});

describe('a host that cannot lock or map memory', () => {
  const deaths = (trace: Trace) => causes(trace).filter((cause) => cause.startsWith('no-abort'));

  it('makes QEMU refuse to start with ENOMEM below a lock limit, which is no abort', () => {
    const trace = run({ host: { memlock: '0x800000' } });
    expect([trace.outcome, ...deaths(trace)]).toEqual(['rejected']);
    expect(trace.error).toContain('-12 (ENOMEM)');
    expect(run({ host: { memlock: '0x20000000' } }).outcome).toBe('ok');
  });

  it('makes QEMU refuse to start with EFAULT for RAM that it cannot pin', () => {
    const trace = run({ host: { unpinnableRam: [{ start: '0x8000000', end: '0x8000fff' }] } });
    expect([trace.outcome, ...deaths(trace)]).toEqual(['rejected']);
    expect(trace.error).toContain('-14 (EFAULT)');
    expect(run({ host: { unpinnableRam: [{ start: '0x10000000', end: '0x10000fff' }] } }).outcome).toBe('ok');
  });

  it('does not stop a device whose mmap fails: all of the BAR is trapped', () => {
    for (const mmapError of ['EBUSY', 'ENOMEM']) {
      const trace = run({ bar: { mmapError }, operations: placedAt('0x100000000') });
      expect([trace.outcome, barMaps(trace), causes(trace)]).toEqual(['ok', [], []]);
    }
  });
});

describe('the window above RAM on virt', () => {
  const shows = (highmemMmioSize: string | undefined, address: string): boolean => {
    const machine = { type: 'virt', ...(highmemMmioSize !== undefined && { highmemMmioSize }) };
    const trace = run({ machine, operations: placedAt(address) });
    expect(trace.outcome).toBe('ok');
    return trace.steps.at(-1)!.state.flatView.some(({ region }) => region.name.startsWith('d BAR 0'));
  };

  it('shows a BAR at 1 TiB with highmem-mmio-size=1T, and not with 512 GiB or 4T', () => {
    expect(shows(undefined, '0x10000000000')).toBe(false);
    expect(shows('0x10000000000', '0x10000000000')).toBe(true);
    expect(shows('0x10000000000', '0x1fffffff000')).toBe(true);
    expect(shows('0x10000000000', '0x20000000000')).toBe(false);
    // A window is aligned to its own size, so that one of 4 TiB begins at 4 TiB.
    expect(shows('0x40000000000', '0x10000000000')).toBe(false);
    expect(shows('0x40000000000', '0x40000000000')).toBe(true);
  });
});
