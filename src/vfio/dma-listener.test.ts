import * as fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { END_OF_SPACE, hostAddress, offset } from '../address/index.ts';
import { Errno, SpaprTceContainer } from '../host/index.ts';
import { MemoryRegion, type MemoryRegionSection } from '../memory/index.ts';
import { noteDmaBuf } from './dma-buf.ts';
import { DmaListener, type DmaListenerOptions } from './dma-listener.ts';
import { VmmAbort } from './failure.ts';
import type { ListenerRules } from './listener-rules.ts';
import { REVISIONS } from './revisions/index.ts';
import {
  P16K,
  P4K,
  P64K,
  RecordingIommu,
  eventLog,
  ram,
  ramDevice,
  revision,
  sectionOf,
} from './testing/fakes.ts';

function listenerOf(
  id: string,
  iommu = new RecordingIommu(),
  rest: Partial<Omit<DmaListenerOptions, 'iommu' | 'emit'>> = {},
) {
  const log = eventLog();
  const listener = new DmaListener({
    name: 'container',
    revision: revision(id),
    iommuType: 'type1',
    hostPageSize: P4K,
    targetPageSize: P4K,
    ...rest,
    iommu,
    emit: log.emit,
  });
  return { listener, iommu, log };
}

/** The listener's calls to the host when `section` is added. */
function callsFor(id: string, page: bigint, iommuPage: bigint, section: MemoryRegionSection): string[] {
  const { listener, iommu } = listenerOf(id, new RecordingIommu(iommuPage), { hostPageSize: page });
  listener.regionAdd(section);
  return iommu.take();
}

/** The reasons in the skip events when `section` is added. */
function skipReasons(id: string, page: bigint, iommuPage: bigint, section: MemoryRegionSection) {
  const { listener, log } = listenerOf(id, new RecordingIommu(iommuPage), { hostPageSize: page });
  listener.regionAdd(section);
  return log.take().flatMap((event) => (event.type === 'skip' ? [event.reason] : []));
}

const ALL_IDS = REVISIONS.map(({ id }) => id);
const PLAIN_IDS = ALL_IDS.filter((id) => !id.includes('+'));
const TOP_BIT = 1n << 63n;

describe('the DMA listener', () => {
  it('has priority 0, so it is notified of additions first', () => {
    const { listener } = listenerOf('qemu-11.1');
    expect([listener.name, listener.priority]).toEqual(['vfio', 0]);
  });
});

describe('the DMA listener when a migration begins (vfio fact 6.15)', () => {
  const small = MemoryRegion.ram('small', 0x10n);
  const sections = [
    sectionOf(small, 0n, 0x10n, 0n),
    sectionOf(MemoryRegion.ram('ram', P64K), P64K, P64K, 0n),
  ];
  const dmaSpace = { view: { ranges: sections } } as unknown as DmaListenerOptions['dmaSpace'];
  const begins = (id: string, rest: Partial<DmaListenerOptions> = { dmaSpace }) => {
    const { listener, log } = listenerOf(id, new RecordingIommu(), rest);
    listener.logGlobalStart();
    return log.take();
  };

  it('has the devices log what they write to the pages that may be mapped, and says nothing of others', () => {
    const ranges = [{ start: P64K, end: 2n * P64K }];
    expect(begins('qemu-11.1')).toEqual([{ type: 'dirty-tracking', container: 'container', ranges }]);
  });

  it('asks for nothing in older releases, or where no address space is known', () => {
    expect([begins('qemu-6.0'), begins('qemu-11.1', {})]).toEqual([[], []]);
  });
});

describe('the DMA listener skips a section (vfio fact 6.1)', () => {
  const kinds = [
    MemoryRegion.io('io', P64K),
    MemoryRegion.container('container', P64K),
    MemoryRegion.romDevice('flash', P64K),
  ];

  it.each(PLAIN_IDS)('that is not RAM, in %s', (id) => {
    for (const region of kinds) {
      const { listener, iommu, log } = listenerOf(id);
      listener.regionAdd(sectionOf(region, 0n, P64K));
      listener.regionDel(sectionOf(region, 0n, P64K));
      expect(iommu.take()).toEqual([]);
      expect(log.take()).toEqual([]);
    }
  });

  it.each(ALL_IDS)('that starts at 2^63 or above, in %s', (id) => {
    const { listener, iommu, log } = listenerOf(id);
    for (const [start, size] of [
      [TOP_BIT, P4K],
      [TOP_BIT + P4K, P64K],
      [END_OF_SPACE - P4K, P4K],
    ] as const) {
      const section = sectionOf(ram(), start, size, 0n);
      listener.regionAdd(section);
      expect(log.take()).toEqual([
        {
          type: 'skip',
          container: 'container',
          reason: 'top-half',
          start,
          size,
          region: 'ram',
          deviceMemory: false,
        },
      ]);
      listener.regionDel(section);
      expect(log.take()).toEqual([]);
    }
    expect(iommu.take()).toEqual([]);
  });

  it.each(PLAIN_IDS)('of RAM that no device may reach, in %s', (id) => {
    const { listener, iommu, log } = listenerOf(id);
    const enclave = MemoryRegion.ram('enclave', P64K, { isProtected: true });
    listener.regionAdd(sectionOf(enclave, 0n, P64K));
    listener.regionDel(sectionOf(enclave, 0n, P64K));
    expect(iommu.take()).toEqual([]);
    expect(log.take()).toMatchObject([{ type: 'skip', reason: 'protected', region: 'enclave' }]);
  });

  it.each(PLAIN_IDS)('but not one that only ends above 2^63, in %s', (id) => {
    expect(callsFor(id, P4K, P4K, sectionOf(ram(), TOP_BIT - P4K, 2n * P4K, 0n))).toEqual([
      `map 0x7ffffffffffff000 0x2000 rw`,
    ]);
  });
});

describe('address and offset in the region must agree within the page (vfio fact 6.2)', () => {
  it.each([
    ['qemu-2.11', P64K, 0x800n, 'incongruent'],
    ['qemu-2.11', P64K, 0x1000n, undefined],
    ['qemu-2.12', P64K, 0x800n, 'incongruent'],
    ['qemu-2.12', P64K, 0x1000n, undefined],
    ['qemu-6.0', P64K, 0x1000n, 'incongruent'],
    ['qemu-6.0', P64K, 0x8000n, 'incongruent'],
    ['qemu-6.0', P64K, 0x1_0000n, undefined],
    ['qemu-11.1', P16K, 0x1000n, 'incongruent'],
    ['qemu-11.1', P16K, 0x4000n, undefined],
    ['qemu-11.1', P4K, 0x1000n, undefined],
    ['qemu-11.1', P4K, 0x1n, 'incongruent'],
  ])('in %s on host pages of %i bytes, offset %i: %s', (id, page, at, reason) => {
    const section = sectionOf(ram(), 0x10_0000n, 0x10_0000n, at);
    expect(skipReasons(id, page, P4K, section)).toEqual(reason === undefined ? [] : [reason]);
  });
});

describe('a section is trimmed to whole pages (vfio fact 6.3)', () => {
  it.each([
    // Up to 5.2 the unit is the target's page, afterwards the host's.
    ['qemu-2.11', P64K, 0x1800n, 0x5000n, 'map 0x2000 0x4000 rw'],
    ['qemu-2.12', P64K, 0x1800n, 0x5000n, 'map 0x2000 0x4000 rw'],
    ['qemu-6.0', P64K, 0x1800n, 0x5000n, undefined],
    ['qemu-6.0', P64K, 0x1800n, 0x3_0000n, 'map 0x10000 0x20000 rw'],
    ['qemu-11.1', P16K, 0x1800n, 0x1_0000n, 'map 0x4000 0xc000 rw'],
    ['qemu-11.1', P4K, 0x1800n, 0x1000n, undefined],
    ['qemu-11.1', P4K, 0x1800n, 0x17ffn, undefined],
    ['qemu-11.1', P4K, 0x1800n, 0x1800n, 'map 0x2000 0x1000 rw'],
    ['qemu-11.1', P4K, 0x1001n, 0xfffn, undefined],
    ['qemu-11.1', P4K, 0x1000n, 0xfffn, undefined],
    ['qemu-11.1', P4K, 0x1000n, 0x1000n, 'map 0x1000 0x1000 rw'],
    ['qemu-11.1', P4K, 0x1000n, 0x1fffn, 'map 0x1000 0x1000 rw'],
  ])('in %s on host pages of %i bytes, from %i of %i bytes: %s', (id, page, start, size, call) => {
    const section = sectionOf(ram(), start, size);
    expect(callsFor(id, page, P4K, section)).toEqual(call === undefined ? [] : [call]);
    expect(skipReasons(id, page, P4K, section)).toEqual(call === undefined ? ['empty'] : []);
  });

  it('and its backing moves with its start', () => {
    const { listener, iommu, log } = listenerOf('qemu-11.1');
    listener.regionAdd(sectionOf(ram(), 0x1_0800n, 0x2000n, 0x800n, true));
    expect(iommu.requests).toEqual([
      {
        iova: 0x1_1000n,
        size: 0x1000n,
        hostAddress: 0x7f00_0000_1000n,
        readonly: true,
        deviceMemory: false,
        backing: { region: 'ram', owner: undefined, offset: 0x1000n },
      },
    ]);
    expect(log.take()).toEqual([{ type: 'dma-map', container: 'container', errno: 0, ...iommu.requests[0] }]);
  });

  it('and a region without a host address counts as one at 0', () => {
    const { listener, iommu } = listenerOf('qemu-11.1');
    listener.regionAdd(sectionOf(MemoryRegion.ram('bare', P64K), 0n, P64K));
    expect(iommu.requests[0]!.hostAddress).toBe(0n);
  });

  it('of the IOMMU, if the rule `alignment` says so', () => {
    const base = revision('qemu-11.1');
    const proposal = {
      ...base,
      listener: { ...base.listener, alignment: ({ iommu }: { iommu: bigint }) => iommu },
    };
    const iommu = new RecordingIommu(P64K);
    const { emit } = eventLog();
    const options = { name: 'c', iommuType: 'type1', hostPageSize: P4K, targetPageSize: P4K } as const;
    const listener = new DmaListener({ ...options, revision: proposal, iommu, emit });
    listener.regionAdd(sectionOf(ramDevice(), 0x1000n, 0x2_0000n));
    expect(iommu.take()).toEqual(['map 0x10000 0x10000 rw']);
  });
});

describe('device memory must be made of whole IOMMU pages (vfio fact 6.6)', () => {
  const piece = sectionOf(ramDevice(), 0x1_1000n, 0x1_0000n);
  const start = sectionOf(ramDevice(), 0x1_1000n, 0xf000n);
  const whole = sectionOf(ramDevice(), 0x1_0000n, 0x2_0000n);

  it.each(['qemu-2.12', 'qemu-6.0', 'qemu-11.1'])('in %s, or it is skipped', (id) => {
    for (const section of [piece, start, sectionOf(ramDevice(), 0x1_0000n, 0x1000n)]) {
      expect(callsFor(id, P4K, P64K, section)).toEqual([]);
      expect(skipReasons(id, P4K, P64K, section)).toEqual(['iommu-page']);
    }
    expect(callsFor(id, P4K, P64K, whole)).toEqual(['map 0x10000 0x20000 rw']);
  });

  it.each(['qemu-2.11', 'seed-v2'])('is no rule of %s', (id) => {
    expect(callsFor(id, P4K, P64K, piece)).toEqual(['map 0x11000 0x10000 rw']);
  });

  it.each(PLAIN_IDS)('while RAM need not be, in %s', (id) => {
    expect(callsFor(id, P4K, P64K, sectionOf(ram(), 0x1_1000n, 0x1_0000n))).toEqual([
      'map 0x11000 0x10000 rw',
    ]);
  });

  it('by the smallest page of the IOMMU, not the largest', () => {
    const { listener, iommu } = listenerOf('qemu-11.1', new RecordingIommu(P4K, 2n << 20n));
    listener.regionAdd(piece);
    expect(iommu.take()).toEqual(['map 0x11000 0x10000 rw']);
  });

  it('and a skipped piece is not unmapped', () => {
    const { listener, iommu } = listenerOf('qemu-11.1', new RecordingIommu(P64K));
    listener.regionDel(piece);
    listener.regionDel(whole);
    expect(iommu.take()).toEqual(['unmap 0x10000 0x20000']);
  });
});

describe('worked example (vfio fact 12.2): 32 MiB BAR, 64 vectors at 0x2000, all pages of 64K', () => {
  const BASE = 0x2100_0000_0000n;
  const bar = ramDevice('mmaps[0]', 32n << 20n);
  const below = sectionOf(bar, BASE, 0x2000n, 0n);
  const above = sectionOf(bar, BASE + 0x2400n, 0x1ff_dc00n, 0x2400n);

  const run = (id: string): string[] =>
    [below, above].flatMap((section) => callsFor(id, P64K, P64K, section));

  it('2.11 and the seed patch ask for 8 KiB below the table', () => {
    for (const id of ['qemu-2.11', 'seed-v2']) {
      expect(run(id)).toEqual(['map 0x210000000000 0x2000 rw', 'map 0x210000003000 0x1ffd000 rw']);
    }
  });

  it('2.12 asks for nothing', () => {
    expect(run('qemu-2.12')).toEqual([]);
    expect(skipReasons('qemu-2.12', P64K, P64K, below)).toEqual(['iommu-page']);
    expect(skipReasons('qemu-2.12', P64K, P64K, above)).toEqual(['iommu-page']);
  });

  it('6.0 and 11.1 ask for all but the first page', () => {
    for (const id of ['qemu-6.0', 'qemu-11.1']) {
      expect(run(id)).toEqual(['map 0x210000010000 0x1ff0000 rw']);
      expect(skipReasons(id, P64K, P64K, below)).toEqual(['empty']);
    }
  });

  it('nothing is mapped with host pages of 4K, the table at 0x12000 and the PBA at 0x23000 (vfio fact 10.8)', () => {
    for (const [start, size] of [
      [0n, 0x1_2000n],
      [0x1_2400n, 0x1_0c00n],
      [0x2_3010n, 0x1fd_cff0n],
    ] as const) {
      expect(callsFor('qemu-11.1', P4K, P64K, sectionOf(bar, BASE + start, size, start))).toEqual([]);
    }
  });
});

describe('when the host refuses to map (vfio fact 6.8)', () => {
  const refusing = (id: string, rest: Parameters<typeof listenerOf>[2] = {}) => {
    const made = listenerOf(id, undefined, rest);
    made.iommu.answer = () => Errno.EINVAL;
    return made;
  };
  const ramSection = sectionOf(ram('pc.ram'), 0n, P64K);
  const barSection = sectionOf(ramDevice('mmaps[0]'), P64K, P64K);
  const text = (start: string) => `vfio_dma_map(${start}, 0x10000) = -22 (EINVAL)`;

  /** The value that `act` throws. */
  const thrownBy = (act: () => void): unknown => {
    try {
      act();
    } catch (error) {
      return error;
    }
    return undefined;
  };

  it.each(PLAIN_IDS)('RAM during set-up, %s keeps the first error', (id) => {
    const { listener, log } = refusing(id);
    listener.regionAdd(ramSection);
    listener.regionAdd(sectionOf(ram('other'), P64K, P64K));
    expect(listener.initialError).toBe(`Region pc.ram: ${text('0x0')}`);
    expect(log.messages()).toEqual([text('0x0'), text('0x10000')]);
    expect(log.events.flatMap((event) => (event.type === 'dma-map' ? [event.errno] : []))).toEqual([22, 22]);
  });

  it.each(PLAIN_IDS)('RAM later, %s dies', (id) => {
    const { listener } = refusing(id);
    listener.initialized = true;
    const abort = thrownBy(() => listener.regionAdd(ramSection));
    expect(abort).toBeInstanceOf(VmmAbort);
    expect(abort).toEqual({
      site: 'dma-map-ram',
      message: `vfio: DMA mapping failed, unable to continue: ${text('0x0')}`,
    });
    expect(listener.initialError).toBeUndefined();
  });

  it.each(['qemu-2.11', 'seed-v2'])('device memory, %s does the same as for RAM', (id) => {
    const { listener } = refusing(id);
    listener.regionAdd(barSection);
    expect(listener.initialError).toBe(`Region mmaps[0]: ${text('0x10000')}`);
    listener.initialized = true;
    expect(thrownBy(() => listener.regionAdd(barSection))).toMatchObject({ site: 'dma-map-device-memory' });
  });

  it.each(['qemu-2.12', 'qemu-6.0', 'qemu-11.1'])('device memory, %s prints a message and goes on', (id) => {
    const { listener, iommu, log } = refusing(id);
    for (const initialized of [false, true]) {
      listener.initialized = initialized;
      listener.regionAdd(barSection);
      expect(listener.initialError).toBeUndefined();
      expect(log.messages()).toEqual([text('0x10000')]);
      log.take();
    }
    // The listener unmaps the refused piece all the same (vfio fact 6.10).
    iommu.take();
    listener.regionDel(barSection);
    expect(iommu.take()).toEqual(['unmap 0x10000 0x10000']);
  });

  it('over vfio-user, QEMU does not wait for the answer (vfio fact 10.7)', () => {
    const { listener, log } = refusing('qemu-11.1', { iommuType: 'vfio-user' });
    for (const initialized of [false, true]) {
      listener.initialized = initialized;
      listener.regionAdd(ramSection);
      listener.regionAdd(barSection);
    }
    expect(listener.initialError).toBeUndefined();
    expect(log.messages()).toEqual([]);
    expect(log.events.every((event) => event.type === 'dma-map' && event.errno === 22)).toBe(true);
  });

  it('over iommufd, QEMU does the same as over type1', () => {
    const { listener } = refusing('qemu-11.1', { iommuType: 'iommufd' });
    listener.regionAdd(barSection);
    listener.initialized = true;
    expect(thrownBy(() => listener.regionAdd(ramSection))).toMatchObject({ site: 'dma-map-ram' });
  });

  /** A listener of a patch that changes what the host's refusals lead to. */
  const patched = (rules: Partial<Pick<ListenerRules, 'ramFailure' | 'deviceMemoryFailure'>>) => {
    const base = revision('qemu-11.1');
    return refusing('qemu-11.1', { revision: { ...base, listener: { ...base.listener, ...rules } } });
  };

  it('a patch that reports a refusal of RAM prints a message after set-up and goes on', () => {
    const { listener, log } = patched({ ramFailure: 'reported' });
    listener.initialized = true;
    expect(() => listener.regionAdd(ramSection)).not.toThrow();
    expect(listener.initialError).toBeUndefined();
    expect(log.messages()).toEqual([text('0x0')]);
  });

  it('a patch that reports a refusal of RAM still refuses the device during set-up', () => {
    const { listener } = patched({ ramFailure: 'reported' });
    listener.regionAdd(ramSection);
    expect(listener.initialError).toBe(`Region pc.ram: ${text('0x0')}`);
  });

  it('a patch that reports a refusal of RAM alone still dies of refused device memory', () => {
    const { listener } = patched({ ramFailure: 'reported', deviceMemoryFailure: 'fatal' });
    listener.initialized = true;
    expect(thrownBy(() => listener.regionAdd(barSection))).toMatchObject({ site: 'dma-map-device-memory' });
  });

  it('with an error number that has no name here, the message has the number', () => {
    const { listener, iommu } = refusing('qemu-11.1');
    iommu.answer = () => 7 as Errno;
    listener.regionAdd(ramSection);
    expect(listener.initialError).toBe('Region pc.ram: vfio_dma_map(0x0, 0x10000) = -7 (7)');
  });
});

describe('a removed section', () => {
  it('is unmapped exactly where it was mapped (random sections)', () => {
    const page = fc.constantFrom(P4K, P16K, P64K);
    const byte = fc.bigInt(0n, 0x8_0000n);
    const granule = fc.constantFrom(1n, 0x800n, P4K, P64K);
    fc.assert(
      fc.property(
        fc.constantFrom(...ALL_IDS),
        page,
        page,
        fc.boolean(),
        fc.tuple(byte, byte, byte, granule),
        (id, host, iommuPage, isDevice, [start, size, at, unit]) => {
          const { listener, iommu } = listenerOf(id, new RecordingIommu(iommuPage), { hostPageSize: host });
          const [from, length, origin] = [start, size + 1n, at].map((value) => (value / unit) * unit);
          const section = sectionOf(isDevice ? ramDevice() : ram(), from!, length! || unit, origin);
          listener.regionAdd(section);
          const mapped = iommu.take();
          listener.regionDel(section);
          expect(iommu.take()).toEqual(mapped.map((call) => call.replace('map', 'unmap').replace(' rw', '')));
          for (const { iova, size: bytes, hostAddress: address } of iommu.requests) {
            expect(bytes).toBeGreaterThan(0n);
            expect(iova >= section.start && iova + bytes <= section.end).toBe(true);
            expect(address - hostAddress(0x7f00_0000_0000n) - section.offset).toBe(iova - section.start);
            const unitOfRevision = revision(id).listener.alignment({ host, target: P4K, iommu: iommuPage });
            expect([iova % unitOfRevision, bytes % unitOfRevision]).toEqual([0n, 0n]);
          }
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('leads to an event with the bytes that were mapped', () => {
    const { listener, iommu, log } = listenerOf('qemu-11.1');
    iommu.unmapAnswer = () => ({ errno: 0, unmapped: 0x3000n });
    listener.regionDel(sectionOf(ram(), 0x800n, P64K));
    expect(log.take()).toEqual([
      {
        type: 'dma-unmap',
        container: 'container',
        iova: 0x1000n,
        size: 0xf000n,
        unmapped: 0x3000n,
        errno: 0,
      },
    ]);
  });

  it('that the host does not unmap leads to a message, and QEMU goes on', () => {
    const { listener, iommu, log } = listenerOf('qemu-11.1');
    listener.initialized = true;
    iommu.unmapAnswer = () => ({ errno: Errno.EINVAL, unmapped: 0n });
    listener.regionDel(sectionOf(ram(), 0n, P64K));
    expect(log.messages()).toEqual(['vfio_dma_unmap(0x0, 0x10000) = -22']);
  });

  it.each([
    ['iommufd', 'ENOENT', []],
    ['iommufd', 'EINVAL', ['vfio_dma_unmap(0x0, 0x10000) = -22']],
    ['type1', 'ENOENT', ['vfio_dma_unmap(0x0, 0x10000) = -2']],
    ['vfio-user', 'ENOENT', ['vfio_dma_unmap(0x0, 0x10000) = -2']],
  ] as const)(
    'that the host refuses to unmap over %s with %s leads to the messages %s',
    (iommuType, name, messages) => {
      const { listener, iommu, log } = listenerOf('qemu-11.1', undefined, { iommuType });
      iommu.unmapAnswer = () => ({ errno: Errno[name], unmapped: 0n });
      listener.regionDel(sectionOf(ram(), 0n, P64K));
      expect(log.messages()).toEqual(messages);
    },
  );

  describe('the rule `unmaps` is told whether the host has mapped the piece', () => {
    /** A listener of a patch that unmaps only what the host has mapped, and the answers that the rule was given. */
    const patched = () => {
      const base = revision('qemu-11.1');
      const told: boolean[] = [];
      const unmaps: ListenerRules['unmaps'] = (_section, _piece, mapped) => {
        told.push(mapped);
        return mapped;
      };
      const made = listenerOf('qemu-11.1', undefined, {
        revision: { ...base, listener: { ...base.listener, unmaps } },
      });
      return { ...made, told };
    };
    const section = sectionOf(ram(), 0n, P64K);

    it('false for a piece that was never added', () => {
      const { listener, iommu, told } = patched();
      listener.regionDel(section);
      expect([told, iommu.take()]).toEqual([[false], []]);
    });

    it('true for a piece that was added, and false when it is removed once more', () => {
      const { listener, iommu, told } = patched();
      listener.regionAdd(section);
      listener.regionDel(section);
      listener.regionDel(section);
      expect(told).toEqual([true, false]);
      expect(iommu.take()).toEqual(['map 0x0 0x10000 rw', 'unmap 0x0 0x10000']);
    });

    it('false for a piece that the host refused to map', () => {
      const { listener, iommu, told } = patched();
      iommu.answer = () => Errno.EINVAL;
      listener.regionAdd(section);
      listener.regionDel(section);
      expect([told, iommu.take()]).toEqual([[false], ['map 0x0 0x10000 rw']]);
    });

    it('for each piece by itself', () => {
      const { listener, iommu, told } = patched();
      const other = sectionOf(ram(), P64K, P64K);
      iommu.answer = ({ iova }) => (iova === 0n ? 0 : Errno.EINVAL);
      listener.regionAdd(section);
      listener.regionAdd(other);
      listener.regionDel(other);
      listener.regionDel(section);
      expect(told).toEqual([false, true]);
    });
  });
});

describe('a proposed skip rule', () => {
  const ramAt = (at: bigint, size: bigint) => sectionOf(ram(), at, size);

  it('skips RAM of a page or more, as posted', () => {
    const id = 'seed-v2+skip-as-posted';
    expect(skipReasons(id, P64K, P64K, ramAt(0n, P64K))).toEqual(['unaligned']);
    expect(skipReasons(id, P64K, P64K, ramAt(0n, 0x8_0000n))).toEqual(['unaligned']);
    expect(skipReasons(id, P64K, P64K, ramAt(P64K, 0x1000n))).toEqual(['unaligned']);
    expect(callsFor(id, P64K, P64K, ramAt(0x1000n, 0xf000n))).toEqual(['map 0x1000 0xf000 rw']);
    expect(skipReasons(id, P4K, P4K, ramAt(0n, 0x800n))).toEqual(['empty']);
    // A 64-bit size of 2^64 bytes is 0.
    const all = sectionOf(ram('all', END_OF_SPACE), 0n, END_OF_SPACE);
    expect(callsFor(id, P4K, P4K, all)).toHaveLength(1);
  });

  it('skips RAM that is not made of whole host pages, as its author meant it', () => {
    const id = 'seed-v2+skip-corrected';
    expect(callsFor(id, P64K, P4K, ramAt(P64K, P64K))).toEqual(['map 0x10000 0x10000 rw']);
    expect(skipReasons(id, P64K, P4K, ramAt(P64K, P4K))).toEqual(['unaligned']);
    expect(skipReasons(id, P64K, P4K, ramAt(P4K, P64K))).toEqual(['unaligned']);
    // The rule tests the offset in the region, not the address.
    expect(callsFor(id, P64K, P4K, sectionOf(ram(), P4K, P64K, 0n))).toEqual(['map 0x1000 0x10000 rw']);
  });

  it('skips RAM that is not made of whole IOMMU pages', () => {
    const id = 'seed-v2+iommu-page-skip';
    expect(callsFor(id, P64K, P4K, ramAt(P4K, P4K))).toEqual(['map 0x1000 0x1000 rw']);
    expect(skipReasons(id, P4K, P64K, ramAt(P4K, P64K))).toEqual(['unaligned']);
    expect(skipReasons(id, P4K, P64K, ramAt(P64K, P4K))).toEqual(['unaligned']);
    expect(callsFor(id, P4K, P64K, ramAt(P64K, P64K))).toHaveLength(1);
  });

  it('skips all device memory', () => {
    const id = 'seed-v2+ram-device-skip';
    expect(skipReasons(id, P4K, P4K, sectionOf(ramDevice(), 0n, P64K))).toEqual(['ram-device']);
    expect(callsFor(id, P4K, P4K, ramAt(0n, P64K))).toHaveLength(1);
  });

  it('skips device memory in sPAPR containers', () => {
    const rule = revision('seed-v2+no-mmio-dma-map').listener.skip;
    const pages = { host: P64K, target: P4K, iommu: P4K };
    const bar = sectionOf(ramDevice(), 0n, P64K);
    expect(rule(bar, { pages, iommuType: 'spapr-tce-v2', change: 'add', initialized: true })).toBe(
      'no-mmio-dma-map',
    );
    expect(rule(bar, { pages, iommuType: 'type1', change: 'add', initialized: true })).toBeUndefined();
    expect(
      rule(ramAt(0n, P64K), { pages, iommuType: 'spapr-tce-v2', change: 'add', initialized: true }),
    ).toBeUndefined();
  });

  it('keeps the rule of its base', () => {
    for (const id of ALL_IDS.filter((one) => one.includes('skip'))) {
      expect(skipReasons(id, P4K, P4K, sectionOf(ram(), TOP_BIT, 0x800n, 0n))).toEqual(['top-half']);
    }
  });
});

describe('the DMA listener of an sPAPR container', () => {
  const iommuRegion = MemoryRegion.iommu('tce', 1n << 30n);
  const made = (id = 'qemu-2.11') => {
    const log = eventLog();
    const iommu = new SpaprTceContainer({ hostPageSize: P64K });
    const listener = new DmaListener({
      name: 'container',
      revision: revision(id),
      iommuType: 'spapr-tce-v2',
      hostPageSize: P64K,
      targetPageSize: P4K,
      iommu,
      emit: log.emit,
    });
    return { listener, iommu, log };
  };

  it('makes a window for an IOMMU region, and no mapping', () => {
    const { listener, iommu, log } = made();
    const section = sectionOf(iommuRegion, 0n, 1n << 30n);
    listener.regionAdd(section);
    expect(iommu.windows()).toMatchObject([{ start: 0n, size: 1n << 30n, pageSize: P4K }]);
    listener.regionDel(section);
    expect(iommu.windows()).toEqual([]);
    const types = log.take().map(({ type }) => type);
    // No memory is registered: the host has not enabled the container and refuses the unmap.
    expect(types).toEqual(['window-remove', 'window-create', 'dma-unmap', 'message', 'window-remove']);
  });

  it('reports an unmap of what is not mapped, unlike an iommufd container', () => {
    const { listener, iommu, log } = made();
    vi.spyOn(iommu, 'unmap').mockReturnValue({ errno: Errno.ENOENT, unmapped: 0n });
    listener.regionAdd(sectionOf(iommuRegion, 0n, 1n << 30n));
    listener.regionDel(sectionOf(iommuRegion, 0n, 1n << 30n));
    expect(log.messages()).toEqual(['vfio_dma_unmap(0x0, 0x40000000) = -2']);
  });

  it('unmaps an IOMMU region with one request on any other container', () => {
    const { listener, iommu, log } = listenerOf('qemu-11.1');
    listener.regionAdd(sectionOf(iommuRegion, 0n, 1n << 30n));
    expect([iommu.take(), log.take()]).toEqual([[], []]);
    listener.regionDel(sectionOf(iommuRegion, 0n, 1n << 30n));
    expect(iommu.take()).toEqual(['unmap 0x0 0x40000000']);
    expect(log.take()).toMatchObject([{ type: 'dma-unmap', iova: 0n, size: 1n << 30n, errno: 0 }]);
  });

  it('fails without a window as without a mapping', () => {
    const { listener, log } = made();
    const section = sectionOf(iommuRegion, 0n, 1n << 30n);
    listener.regionAdd(section);
    listener.regionAdd(sectionOf(MemoryRegion.iommu('again', 1n << 30n), 0x1000_0000n, 0x1000_0000n, 0n));
    expect(listener.initialError).toBe('Region again: vfio_dma_map(0x10000000, 0x10000000) = -22 (EINVAL)');
    expect(log.messages()).toEqual(['vfio_dma_map(0x10000000, 0x10000000) = -22 (EINVAL)']);
    listener.initialized = true;
    expect(() => listener.regionAdd(section)).toThrow(
      expect.objectContaining({ site: 'dma-window' }) as Error,
    );
  });

  it('makes a window for device memory, whose failure is fatal only before 2.12', () => {
    const bar = sectionOf(ramDevice('bar', 0x2_0000n), 0x2100_0000_0000n, 0x2_0000n, 0n);
    for (const [id, isFatal] of [
      ['qemu-2.11', true],
      ['qemu-2.12', false],
    ] as const) {
      const { listener, log } = made(id);
      listener.initialized = true;
      // The host puts the window elsewhere than at the BAR.
      const add = (): void => listener.regionAdd(bar);
      if (isFatal) expect(add).toThrow(expect.objectContaining({ site: 'dma-window' }) as Error);
      else expect(add).not.toThrow();
      expect(log.events).toContainEqual(
        expect.objectContaining({
          type: 'window-create',
          container: 'container',
          start: 0x2100_0000_0000n,
          size: 0x2_0000n,
          deviceMemory: true,
          errno: 22,
        }),
      );
      expect(log.events.some(({ type }) => type === 'dma-map')).toBe(false);
    }
  });
});

describe('a rule of the listener that a patch changes', () => {
  const withRules = (rules: Partial<ListenerRules>, id = 'qemu-11.1') => {
    const base = revision(id);
    return { ...base, listener: { ...base.listener, ...rules } };
  };
  const section = sectionOf(ram(), 0n, P64K);

  it('unmaps what is mapped already, and asks again', () => {
    const iommu = new RecordingIommu();
    iommu.answer = () => (iommu.calls.some((call) => call.startsWith('unmap')) ? 0 : Errno.EEXIST);
    const { listener } = listenerOf('qemu-11.1', iommu, {
      revision: withRules({ whenMapped: 'unmap-and-retry' }),
    });
    listener.regionAdd(section);
    expect(iommu.take()).toEqual(['map 0x0 0x10000 rw', 'unmap 0x0 0x10000', 'map 0x0 0x10000 rw']);
  });

  it('asks again only after EEXIST', () => {
    const iommu = new RecordingIommu();
    iommu.answer = () => Errno.ENOMEM;
    const { listener } = listenerOf('qemu-11.1', iommu, {
      revision: withRules({ whenMapped: 'unmap-and-retry' }),
    });
    listener.regionAdd(section);
    expect(iommu.take()).toEqual(['map 0x0 0x10000 rw']);
  });

  it('does not ask again in QEMU', () => {
    const iommu = new RecordingIommu();
    iommu.answer = () => Errno.EEXIST;
    const { listener } = listenerOf('qemu-11.1', iommu);
    listener.regionAdd(section);
    expect(iommu.take()).toEqual(['map 0x0 0x10000 rw']);
  });

  it('reports no skip of which it says nothing', () => {
    const skipped = sectionOf(ramDevice(), 0x400n, 0x400n);
    const eventsOf = (rules: Partial<ListenerRules>) => {
      const { listener, log } = listenerOf('qemu-11.1', undefined, { revision: withRules(rules) });
      listener.regionAdd(skipped);
      return log.take();
    };
    expect(eventsOf({ reportsSkip: () => true })).toMatchObject([
      { type: 'skip', start: 0x400n, size: 0x400n },
    ]);
    expect(eventsOf({ reportsSkip: () => false })).toEqual([]);
  });
});

describe('what a rule of the listener is told of a change', () => {
  it('is whether the section appears or leaves, and whether the container is set up', () => {
    const base = revision('qemu-11.1');
    const asked: unknown[] = [];
    const skip: ListenerRules['skip'] = (_, { change, initialized }) =>
      void asked.push([change, initialized]);
    const { listener } = listenerOf('qemu-11.1', undefined, {
      revision: { ...base, listener: { ...base.listener, skip } },
    });
    const section = sectionOf(ram(), 0n, P64K);
    for (const initialized of [false, true]) {
      if (initialized) listener.initialized = true;
      listener.regionAdd(section);
      listener.regionDel(section);
    }
    expect(asked).toEqual([
      ['add', false],
      ['remove', false],
      ['add', true],
      ['remove', true],
    ]);
  });
});

describe('a container that a patch closes before its listener leaves', () => {
  const base = revision('qemu-11.1');

  it('answers removals until then', () => {
    const { listener, iommu } = listenerOf('qemu-11.1', undefined, {
      revision: { ...base, container: { ...base.container, teardown: 'close-first' } },
    });
    const section = sectionOf(ram(), 0n, P64K);
    listener.regionAdd(section);
    listener.regionDel(section);
    expect(iommu.take()).toEqual(['map 0x0 0x10000 rw', 'unmap 0x0 0x10000']);
  });

  it('maps once more what may be mapped if the patch maps at unregistration', () => {
    const { listener, iommu } = listenerOf('qemu-11.1', new RecordingIommu(P64K), {
      revision: { ...base, listener: { ...base.listener, whenUnregistered: 'map' } },
    });
    listener.isLeaving = true;
    listener.regionDel(sectionOf(MemoryRegion.iommu('iommu', P64K), 0n, P64K));
    listener.regionDel(sectionOf(ramDevice(), 0n, P4K));
    expect(iommu.take()).toEqual([]);
    listener.regionDel(sectionOf(ramDevice(), 0n, P64K));
    expect(iommu.take()).toEqual(['map 0x0 0x10000 rw']);
  });
});

describe('a dma-buf (vfio fact 5.17)', () => {
  const requestsOf = (iommuType: DmaListenerOptions['iommuType'], has: boolean) => {
    const region = ramDevice();
    const area = { offset: offset(0n), size: P64K };
    if (has) noteDmaBuf(region, { area, areas: [area] });
    const { listener, iommu } = listenerOf('qemu-11.1', undefined, { iommuType });
    listener.regionAdd(sectionOf(region, 0n, P64K));
    return iommu.requests.map(({ dmaBuf }) => dmaBuf);
  };

  it('is what QEMU maps device memory by on iommufd, if there is one', () => {
    expect(requestsOf('iommufd', true)).toEqual([{ start: 0n, bytes: P64K, ranges: 1 }]);
    expect(requestsOf('iommufd', false)).toEqual([undefined]);
    expect(requestsOf('type1', true)).toEqual([undefined]);
  });
});
