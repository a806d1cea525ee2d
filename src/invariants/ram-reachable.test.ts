import { describe, expect, it } from 'vitest';
import type { VmmEvent } from '../vfio/index.ts';
import { ramReachable } from './ram-reachable.ts';
import {
  END,
  HOST_BASE,
  PAGE,
  PAGE_64K,
  causes,
  container,
  device,
  flat,
  judge,
  mapping,
  memslot,
  region,
  saysNothing,
  scenario,
  state,
  mapEvent,
  trace,
  traceOfStates,
  windowEvent,
  type BackingOptions,
} from './testing/index.ts';

type Ranges = readonly ReturnType<typeof flat>[];
type Mappings = readonly ReturnType<typeof mapping>[];
type More = Parameters<typeof traceOfStates>[1];

const shows = (flatView: Ranges, mappings: Mappings, more: More = {}) =>
  traceOfStates([state({ flatView, containers: [container(mappings)] })], more);
const of = (flatView: Ranges, mappings: Mappings, more: More = {}) =>
  causes(ramReachable, shows(flatView, mappings, more));

const AT = 0x10_0000n;
const SIZE = 0x1_0000n;
const ram = [flat(AT, SIZE)];

describe('ram-reachable', () => {
  it('accepts RAM in one mapping, in several, and in a larger one', () => {
    expect(judge(ramReachable, shows(ram, [mapping(AT, SIZE)]))).toMatchObject({ causes: [], exercised: 1 });
    const pieces = [mapping(AT, PAGE), mapping(AT + PAGE, SIZE - PAGE, { offset: PAGE })];
    expect(of(ram, pieces)).toEqual([]);
    const page = [flat(AT, PAGE, undefined, { offset: PAGE })];
    expect(of(page, [mapping(AT - PAGE, 3n * PAGE)])).toEqual([]);
    expect(of([flat(END - PAGE, PAGE)], [mapping(END - PAGE, PAGE)])).toEqual([]);
    expect(of([flat(0n, END)], [mapping(0n, END)])).toEqual([]);
  });

  it('reports device memory that is mapped in no part, without a word of the VMM or of the host', () => {
    const mmap = region('dev0 BAR 0 mmaps[0]', 'ram-device', 'dev0');
    const view = state({ flatView: [flat(AT, 0x30n, mmap)], containers: [container([])] });
    const said = (events: readonly VmmEvent[], more: More = {}) =>
      causes(ramReachable, trace([{ events, state: view }], more));
    const skip = {
      type: 'skip',
      container: 'container',
      reason: 'empty',
      start: AT,
      size: 0x30n,
      region: mmap.name,
      deviceMemory: true,
    } as const;
    expect(said([])).toEqual(['unexplained']);
    expect(said([{ ...skip, container: 'another' }])).toEqual(['unexplained']);
    expect(said([{ ...skip, start: AT + SIZE }])).toEqual(['unexplained']);
    expect(said([skip])).toEqual([]);
    expect(said([mapEvent(AT, 0x30n, { errno: 22 })])).toEqual([]);
    expect(said([windowEvent('window-create', AT, 0x30n, { errno: 22 })])).toEqual([]);
    expect(said([], { hidesSkips: true })).toEqual([]);
    const parts = (...mapped: readonly bigint[]) =>
      of(
        [flat(AT, SIZE, mmap)],
        mapped.map((size) => mapping(AT, size, { region: mmap.name, owner: 'dev0' })),
      );
    expect([parts(), parts(PAGE), parts(SIZE)]).toEqual([['unexplained'], ['partly-mapped'], []]);
  });

  it('reports a device that is plugged in where no container is open', () => {
    const plugged = { flatView: ram, devices: [device([])] };
    expect(causes(ramReachable, traceOfStates([state(plugged)]))).toEqual(['no-container']);
    const open = { ...plugged, containers: [container([mapping(AT, SIZE)])] };
    expect(causes(ramReachable, traceOfStates([state(open)]))).toEqual([]);
  });

  it.each<[string, Mappings, bigint]>([
    ['nothing at all', [], AT],
    ['all but the first page', [mapping(AT + PAGE, SIZE - PAGE, { offset: PAGE })], AT],
    ['all but the first byte', [mapping(AT + 1n, SIZE - 1n, { offset: 1n })], AT],
    ['all but the last page', [mapping(AT, SIZE - PAGE)], AT + SIZE - PAGE],
    ['all but the last byte', [mapping(AT, SIZE - 1n)], AT + SIZE - 1n],
    [
      'all but a page in the middle',
      [mapping(AT, PAGE), mapping(AT + 2n * PAGE, SIZE - 2n * PAGE, { offset: 2n * PAGE })],
      AT + PAGE,
    ],
    ['the memory below', [mapping(0n, AT)], AT],
    ['the memory above', [mapping(AT + SIZE, PAGE)], AT],
  ])('reports RAM where the mappings cover %s', (_, mappings, start) => {
    const judged = judge(ramReachable, shows(ram, mappings));
    expect(judged.causes).toEqual(['not-mapped']);
    expect(judged.violations[0]!.at).toEqual({ start, end: start + PAGE });
  });

  it.each<[string, BackingOptions]>([
    ['another region', { region: 'rom' }],
    ['the region of the same name of a device', { owner: 'dev0' }],
    ['another part of the region', { offset: PAGE }],
    ['an offset one byte higher', { offset: 1n }],
  ])('reports RAM that is DMA-mapped to %s', (_, shown) => {
    expect(of(ram, [mapping(AT, SIZE, shown)])).toEqual(['wrong-backing']);
  });

  it('reports a wrong permission, read-only or writable, in any mapping', () => {
    expect(of(ram, [mapping(AT, SIZE, { readonly: true })])).toEqual(['wrong-permission']);
    const rom = [flat(AT, SIZE, undefined, { readonly: true })];
    expect(of(rom, [mapping(AT, SIZE)])).toEqual(['wrong-permission']);
    expect(of(rom, [mapping(AT, SIZE, { readonly: true })])).toEqual([]);
    const second = mapping(AT + PAGE, SIZE - PAGE, { offset: PAGE, readonly: true });
    expect(of(ram, [mapping(AT, PAGE), second])).toEqual(['wrong-permission']);
  });

  it('checks whole pages only, of the larger of host and IOMMU page', () => {
    const pages = (host: bigint, iommu: bigint) => ({ pages: { host, iommu } });
    const inner = [flat(AT + 0x800n, SIZE, undefined, { offset: 0x800n })];
    expect(of(inner, [mapping(AT + PAGE, SIZE - PAGE, { offset: PAGE })])).toEqual([]);
    expect(of(inner, [])).toEqual(['not-mapped']);
    for (const larger of [pages(PAGE_64K, PAGE), pages(PAGE, PAGE_64K)]) {
      expect(saysNothing(ramReachable, shows(inner, [], larger))).toBe(true);
      expect(of(ram, [], larger)).toEqual(['not-mapped']);
      const more = [flat(AT + PAGE, 2n * SIZE - PAGE, undefined, { offset: PAGE })];
      expect(of(more, [mapping(AT + SIZE, SIZE, { offset: SIZE })], larger)).toEqual([]);
    }
  });

  it('checks a single page, but no range that is a byte shorter', () => {
    expect(of([flat(AT, PAGE)], [])).toEqual(['not-mapped']);
    expect(saysNothing(ramReachable, shows([flat(AT, PAGE - 1n)], []))).toBe(true);
    expect(saysNothing(ramReachable, shows([flat(AT + 1n, PAGE, undefined, { offset: 1n })], []))).toBe(true);
    expect(of([flat(AT + 1n, 2n * PAGE - 1n, undefined, { offset: 1n })], [])).toEqual(['not-mapped']);
  });

  it('passes over RAM whose address and offset differ modulo the page', () => {
    for (const offset of [1n, 0x80n, PAGE - 1n]) {
      expect(saysNothing(ramReachable, shows([flat(AT, SIZE, undefined, { offset })], []))).toBe(true);
    }
    // Address and offset that are both off the page by the same number agree.
    expect(of([flat(AT + 0x80n, SIZE, undefined, { offset: 0x80n })], [])).toEqual(['not-mapped']);
    expect(of([flat(0n, SIZE, undefined, { offset: SIZE })], [])).toEqual(['not-mapped']);
  });

  it('checks the mappings of RAM alone', () => {
    for (const kind of ['io', 'rom-device', 'iommu'] as const) {
      expect(saysNothing(ramReachable, shows([flat(AT, SIZE, region('x', kind))], []))).toBe(true);
    }
  });

  it('checks each container, and nothing without a container', () => {
    const containers = [container([mapping(AT, SIZE)]), container([], 'dev1')];
    const judged = judge(ramReachable, traceOfStates([state({ flatView: ram, containers })]));
    expect(judged).toMatchObject({ causes: ['not-mapped'], exercised: 2 });
    expect(judged.violations[0]!.message).toBe('RAM "ram" at [0x100000, 0x100fff] is not DMA-mapped in dev1');
    expect(saysNothing(ramReachable, traceOfStates([state({ flatView: ram })]))).toBe(true);
  });

  it('checks the flat view for DMA, not that of the CPU', () => {
    const behindIommu = state({
      flatView: ram,
      dmaView: [flat(0n, END, region('tce', 'iommu'))],
      containers: [container([])],
    });
    expect(saysNothing(ramReachable, traceOfStates([behindIommu]))).toBe(true);
    expect(causes(ramReachable, traceOfStates([{ ...behindIommu, flatView: [], dmaView: ram }]))).toEqual([
      'not-mapped',
    ]);
  });

  it('checks every state that differs', () => {
    const mapped = state({ flatView: ram, containers: [container([mapping(AT, SIZE)])] });
    const more = { ...mapped, dmaView: [...ram, flat(AT + SIZE, PAGE)] };
    const judged = traceOfStates([
      mapped,
      { ...mapped, memslots: [] },
      more,
      { ...more, containers: [container([])] },
    ]);
    expect(judge(ramReachable, judged)).toMatchObject({ exercised: 3, violations: [{ step: 2 }] });
  });

  it('checks every step but the one in which the VMM dies', () => {
    const bad = shows(ram, []).steps[0]!.state;
    const good = state();
    expect(saysNothing(ramReachable, traceOfStates([good, bad], { outcome: 'aborted' }))).toBe(true);
    expect(causes(ramReachable, traceOfStates([bad, good], { outcome: 'aborted' }))).toEqual(['not-mapped']);
    expect(causes(ramReachable, traceOfStates([good, bad], { outcome: 'rejected' }))).toEqual(['not-mapped']);
  });

  it('requires one host address for each region', () => {
    const pieces = [
      mapping(AT, PAGE, { hostAddress: 0x7f00_0000_0000n }),
      mapping(AT + PAGE, SIZE - PAGE, { offset: PAGE, hostAddress: 0x7f00_0000_0000n }),
    ];
    expect(of(ram, pieces)).toEqual(['wrong-backing']);
  });

  describe('the host address of a region', () => {
    const MOVED = 0x7e00_0000_0000n;
    const rom = flat(AT + SIZE, SIZE, region('rom'));
    const romMapping = (hostAddress: bigint) => mapping(AT + SIZE, SIZE, { region: 'rom', hostAddress });
    const mapsAt = (hostAddress: bigint) =>
      state({ flatView: ram, containers: [container([mapping(AT, SIZE, { hostAddress })])] });

    it('is the same in memslots and mappings', () => {
      const differing = {
        ...mapsAt(MOVED),
        memslots: [memslot(AT, SIZE)],
      };
      const judged = judge(ramReachable, traceOfStates([differing]));
      expect(judged.causes).toEqual(['wrong-backing']);
      expect(judged.violations[0]).toMatchObject({
        message: `container maps [0x100000, 0x10ffff] of "ram" to another host address than the rest of the region`,
        at: { start: AT, end: AT + SIZE },
      });
      expect(
        causes(ramReachable, traceOfStates([{ ...mapsAt(HOST_BASE), memslots: [memslot(AT, SIZE)] }])),
      ).toEqual([]);
    });

    it('may differ from that of another region, and of a device with a region of the same name', () => {
      expect(of([...ram, rom], [mapping(AT, SIZE), romMapping(MOVED)])).toEqual([]);
      const bar = mapping(AT + SIZE, PAGE, { owner: 'dev0', hostAddress: MOVED });
      expect(of(ram, [mapping(AT, SIZE), bar])).toEqual([]);
    });

    it('is not compared over vfio-user, where QEMU sends none', () => {
      const vfioUser = scenario({ host: { iommu: { type: 'vfio-user' } } });
      const differing = [{ ...mapsAt(MOVED), memslots: [memslot(AT, SIZE)] }];
      expect(judge(ramReachable, traceOfStates(differing, { scenario: vfioUser }))).toMatchObject({
        causes: [],
        exercised: 1,
      });
      // The exemption is for addresses alone: RAM must be mapped over vfio-user too.
      expect(of(ram, [], { scenario: vfioUser })).toEqual(['not-mapped']);
    });

    it('is not compared where a real VMM shows none', () => {
      const hidden = { ...mapping(AT + PAGE, SIZE - PAGE, { offset: PAGE }), hostAddress: undefined };
      const mappings = [mapping(AT, PAGE, { hostAddress: MOVED }), hidden];
      const seen = state({ flatView: ram, containers: [{ name: 'container', mappings }] });
      expect(judge(ramReachable, traceOfStates([seen]))).toMatchObject({ causes: [], exercised: 1 });
      // An address that is not shown sets no host address for the region either.
      const differing = { ...seen, memslots: [memslot(AT, SIZE)] };
      expect(causes(ramReachable, traceOfStates([differing]))).toEqual(['wrong-backing']);
      const gone = state({ containers: [container([])] });
      expect(causes(ramReachable, traceOfStates([seen, gone, mapsAt(HOST_BASE)]))).toEqual([]);
    });

    it('may change when every mapping of the region is gone', () => {
      const unmapped = state({ containers: [container([])] });
      expect(causes(ramReachable, traceOfStates([mapsAt(HOST_BASE), unmapped, mapsAt(MOVED)]))).toEqual([]);
    });
  });
});

describe('the message of ram-reachable', () => {
  const words = (flatView: Ranges, mappings: Mappings) =>
    judge(ramReachable, shows(flatView, mappings)).violations.map(({ message }) => message);

  it('names the first page, and what the container has there', () => {
    expect(words(ram, [])).toEqual(['RAM "ram" at [0x100000, 0x100fff] is not DMA-mapped in container']);
    expect(words(ram, [mapping(AT, PAGE), mapping(AT + PAGE, SIZE - PAGE)])).toEqual([
      'RAM "ram" at [0x101000, 0x101fff] is DMA-mapped to other memory in container',
    ]);
    expect(words(ram, [mapping(AT, SIZE, { readonly: true })])).toEqual([
      'RAM "ram" at [0x100000, 0x100fff] is DMA-mapped read-only in container, unlike the flat view',
    ]);
    const rom = [flat(AT, SIZE, undefined, { readonly: true })];
    expect(words(rom, [mapping(AT, SIZE)])).toEqual([
      'RAM "ram" at [0x100000, 0x100fff] is DMA-mapped writable in container, unlike the flat view',
    ]);
  });

  it('names a device without a container', () => {
    const alone = traceOfStates([state({ devices: [device([])] })]);
    expect(judge(ramReachable, alone).violations.map(({ cause, message }) => [cause, message])).toEqual([
      ['no-container', 'dev0 is plugged in, and no VFIO container is open'],
    ]);
  });

  it('asks for no mapping of protected RAM, which devices must not reach', () => {
    const protectedRam = [flat(AT, SIZE, { ...region('enclave'), isProtected: true })];
    expect(of(protectedRam, [])).toEqual([]);
    expect(of([flat(AT, SIZE, { ...region('enclave'), isProtected: false })], [])).toEqual(['not-mapped']);
  });

  it('names the mapping alone whose host address differs from that of a memslot', () => {
    const [agreeing, moved] = [
      mapping(AT, PAGE),
      mapping(AT + PAGE, PAGE, { offset: PAGE, hostAddress: 0n }),
    ];
    const judged = traceOfStates([
      state({
        flatView: [flat(AT, 2n * PAGE)],
        memslots: [memslot(AT, 2n * PAGE)],
        containers: [container([agreeing, moved])],
      }),
    ]);
    expect(judge(ramReachable, judged).violations).toMatchObject([
      { cause: 'wrong-backing', at: { start: AT + PAGE, end: AT + 2n * PAGE } },
    ]);
  });
});
