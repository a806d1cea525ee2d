import { describe, expect, it } from 'vitest';
import { guestPageReachable } from './guest-page-reachable.ts';
import {
  END,
  PAGE,
  PAGE_64K,
  causes,
  container,
  flat,
  judge,
  mapping,
  region,
  saysNothing,
  state,
  traceOfStates,
} from './testing/index.ts';

type Ranges = readonly ReturnType<typeof flat>[];
type Mappings = readonly ReturnType<typeof mapping>[];

const pages = { pages: { host: PAGE_64K, guest: PAGE, iommu: PAGE_64K } };
const shows = (flatView: Ranges, mappings: Mappings, more: object = pages) =>
  traceOfStates([state({ flatView, containers: [container(mappings)] })], more);
const of = (flatView: Ranges, mappings: Mappings) => causes(guestPageReachable, shows(flatView, mappings));

/** RAM that begins and ends inside a host page. */
const ram = [flat(PAGE_64K - PAGE, PAGE_64K + 2n * PAGE)];

describe('guest-page-reachable', () => {
  it('accepts RAM with every guest page in one mapping or in several', () => {
    const one = [mapping(0n, 4n * PAGE_64K)];
    expect(judge(guestPageReachable, shows(ram, one))).toMatchObject({ causes: [], exercised: 1 });
    const several = [
      mapping(PAGE_64K - PAGE, PAGE),
      mapping(PAGE_64K, PAGE_64K),
      mapping(2n * PAGE_64K, PAGE_64K),
    ];
    expect(of(ram, several)).toEqual([]);
    expect(of([flat(END - PAGE, PAGE)], [mapping(END - PAGE_64K, PAGE_64K)])).toEqual([]);
  });

  it.each<[string, Mappings, bigint]>([
    ['below the first whole host page', [mapping(PAGE_64K, 2n * PAGE_64K)], PAGE_64K - PAGE],
    ['above the last one', [mapping(0n, 2n * PAGE_64K)], 2n * PAGE_64K],
    ['between two mappings', [mapping(0n, PAGE_64K), mapping(PAGE_64K + PAGE, PAGE_64K)], PAGE_64K],
    ['where nothing is mapped', [], PAGE_64K - PAGE],
    [
      'of which a mapping has all but the last byte',
      [mapping(0n, 2n * PAGE_64K + PAGE - 1n)],
      2n * PAGE_64K + PAGE - 1n,
    ],
  ])('reports a guest page %s', (_, mappings, start) => {
    const judged = judge(guestPageReachable, shows(ram, mappings));
    expect(judged.causes).toEqual(['unreachable-guest-page']);
    expect(judged.violations[0]!.at).toEqual({ start, end: start + PAGE });
  });

  it('checks whole guest pages only', () => {
    const off = [flat(PAGE_64K - 0x800n, 0x1000n)];
    expect(saysNothing(guestPageReachable, shows(off, []))).toBe(true);
    expect(of([flat(PAGE_64K - 0x800n, 0x1800n)], [])).toEqual(['unreachable-guest-page']);
    expect(saysNothing(guestPageReachable, shows([flat(0n, PAGE - 1n)], []))).toBe(true);
    expect(of([flat(0n, PAGE)], [])).toEqual(['unreachable-guest-page']);
  });

  it('checks writable RAM only', () => {
    const others = [
      flat(0n, PAGE, region('rom'), { readonly: true }),
      flat(0n, PAGE, region('io', 'io')),
      flat(0n, PAGE, region('dev0 BAR 0 mmaps[0]', 'ram-device', 'dev0')),
      flat(0n, PAGE, region('flash', 'rom-device')),
    ];
    for (const other of others) expect(saysNothing(guestPageReachable, shows([other], []))).toBe(true);
  });

  it('checks each container in every state that differs, but not the state that a dying VMM leaves', () => {
    const good = state({ flatView: ram, containers: [container([mapping(0n, 4n * PAGE_64K)])] });
    const bad = { ...good, containers: [...good.containers, container([], 'dev1')] };
    const judged = judge(guestPageReachable, traceOfStates([good, { ...good, memslots: [] }, bad], pages));
    expect(judged).toMatchObject({ exercised: 3, violations: [{ step: 2 }] });
    expect(judged.violations[0]!.message).toBe(
      'guest page [0xf000, 0xffff] of "ram" is in no DMA mapping of dev1',
    );
    const died = traceOfStates([good, bad], { ...pages, outcome: 'aborted' });
    expect(causes(guestPageReachable, died)).toEqual([]);
    expect(causes(guestPageReachable, traceOfStates([bad], { ...pages, outcome: 'rejected' }))).toHaveLength(
      1,
    );
  });

  it('checks the flat view for DMA', () => {
    const apart = state({ flatView: ram, dmaView: [], containers: [container([])] });
    expect(saysNothing(guestPageReachable, traceOfStates([apart], pages))).toBe(true);
  });

  it('checks nothing where guest pages are as large as host pages', () => {
    for (const guest of [PAGE_64K, 4n * PAGE_64K]) {
      const larger = { pages: { host: PAGE_64K, guest } };
      expect(saysNothing(guestPageReachable, shows(ram, [], larger))).toBe(true);
    }
    expect(saysNothing(guestPageReachable, traceOfStates([state({ flatView: ram })], pages))).toBe(true);
  });

  it('is a warning', () => {
    expect(guestPageReachable.severity).toBe('warning');
  });

  it('distinguishes pages at the edge of RAM from pages that the host could map', () => {
    const whole = [flat(PAGE_64K - PAGE, 2n * PAGE_64K, undefined, { offset: PAGE_64K - PAGE })];
    expect(of(whole, [mapping(PAGE_64K, PAGE_64K)])).toEqual(['unreachable-guest-page']);
    expect(of(whole, [])).toEqual(['unmapped-guest-page']);
    const incongruent = [flat(PAGE_64K, PAGE_64K, undefined, { offset: PAGE })];
    expect(of(incongruent, [])).toEqual(['unreachable-guest-page']);
  });

  it('lets no device reach protected RAM, nor what the guest may not have of virtio-mem', () => {
    for (const more of [{ isProtected: true }, { discards: {} }]) {
      const view = [flat(0n, PAGE, { ...region('ram'), ...more })];
      expect(saysNothing(guestPageReachable, shows(view, []))).toBe(true);
    }
  });
});
