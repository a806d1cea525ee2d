import { describe, expect, it } from 'vitest';
import { runOnModel } from '../model/index.ts';
import { decodeScenario } from '../scenario/index.ts';
import { NEWEST, type DmaMapEvent } from '../vfio/index.ts';
import { violationsOf } from './index.ts';
import { CONDITIONS, holdsFor, type ConditionName } from './conditions.ts';
import type { Violation } from './invariant.ts';
import { placeOf } from './place.ts';
import {
  flat,
  mapEvent,
  memslot,
  memslotEvent,
  region,
  scenario,
  state,
  trace as traceOf,
  unmapEvent,
  type StepParts,
} from './testing/index.ts';

const trace = runOnModel(
  decodeScenario({
    version: 1,
    machine: { type: 'pc', ram: '0x10000000', hostPageSize: '0x1000', guestPageSize: '0x1000' },
    host: {
      kernel: 'msix-mappable',
      iommu: { type: 'type1', pageSizes: ['0x1000'], apertures: [{ start: '0x0', end: '0xffffffff' }] },
    },
    devices: [{ id: 'd', bars: [{ index: 0, size: '0x1000', type: 'mem64' }] }],
    operations: [
      { op: 'set-bar', device: 'd', bar: 0, address: '0xe0000000' },
      { op: 'enable-memory', device: 'd' },
      { op: 'add-region', name: 'extra', kind: 'ram', address: '0x8000000000', size: '0x1000', priority: 0 },
    ],
  }),
  NEWEST,
);

const violation = (start: bigint, step = 3): Violation => ({
  invariant: 'no-abort',
  cause: 'x',
  message: '',
  step,
  at: { start, end: start + 0x1000n },
});

describe('placeOf', () => {
  it.each([
    ['machine-memory', 0x10_0000n],
    ['bar', 0xe000_0000n],
    ['added-region', 0x80_0000_0000n],
    ['nowhere', 0x70_0000_0000n],
  ])('says %s', (place, start) => {
    expect(placeOf(violation(start), trace)).toBe(place);
  });

  it('says nowhere without addresses', () => {
    expect(placeOf({ invariant: 'no-abort', cause: 'x', message: '', step: 0 }, trace)).toBe('nowhere');
  });
});

describe('placeOf, by requests and by the flat view', () => {
  const BAR = { region: 'd BAR 0', owner: 'd' };
  const at = { start: 0x1000n, end: 0x2000n };
  const of = (steps: readonly StepParts[], step = 0, more: Parameters<typeof traceOf>[1] = {}) =>
    placeOf({ ...violation(0n, step), at }, traceOf(steps, more));

  it('knows both kinds of requests, by all of their addresses', () => {
    const makers = [
      (start: bigint, size: bigint) => mapEvent(start, size, BAR),
      (start: bigint, size: bigint) => memslotEvent(memslot(start, size, BAR)),
    ];
    for (const request of makers) {
      const place = (start: bigint, size: bigint) => of([{ events: [request(start, size)] }]);
      expect(place(0x1000n, 0x1000n)).toBe('bar');
      expect(place(0x0n, 0x1001n)).toBe('bar');
      expect(place(0x1fffn, 0x1000n)).toBe('bar');
      expect(place(0x0n, 0x1000n)).toBe('nowhere');
      expect(place(0x2000n, 0x1000n)).toBe('nowhere');
    }
    expect(of([{ events: [unmapEvent(0x1000n, 0x1000n)] }])).toBe('nowhere');
  });

  it('goes by the last request for exactly the addresses, and else by the last that touches them', () => {
    const ram = (start: bigint, size: bigint) => mapEvent(start, size);
    const card = (start: bigint, size: bigint) => mapEvent(start, size, BAR);
    const [from, size] = [0x1000n, 0x1000n];
    expect(of([{ events: [ram(from, size), card(from, size), card(from, 2n * size)] }])).toBe('bar');
    expect(of([{ events: [card(from, size), ram(from, size), card(0n, 2n * size)] }])).toBe('machine-memory');
    expect(of([{ events: [card(from, size), ram(from, 2n * size)] }])).toBe('bar');
    expect(of([{ events: [card(from, size), ram(0n, 2n * size)] }])).toBe('bar');
    expect(of([{ events: [ram(from, 2n * size), ram(0n, 2n * size), card(0n, 4n * size)] }])).toBe('bar');
    expect(of([{ events: [card(0n, 4n * size)] }])).toBe('bar');
  });

  it('goes by no request of a later step', () => {
    const steps = [{ events: [mapEvent(0x1000n, 0x1000n)] }, { events: [mapEvent(0x1000n, 0x1000n, BAR)] }];
    expect(of(steps, 0)).toBe('machine-memory');
    expect(of(steps, 1)).toBe('bar');
    expect(of(steps, 2)).toBe('bar');
    const teardown = { events: [mapEvent(0x1000n, 0x1000n)], containers: [] };
    expect(of(steps, 2, { teardown })).toBe('machine-memory');
    expect(of(steps, 1, { teardown })).toBe('bar');
  });

  it('goes by the flat view of the step or of the step before', () => {
    const shows = state({ flatView: [flat(0x1000n, 0x1000n, region('d BAR 0', 'io', 'd'))] });
    const steps = [{ state: state() }, { state: shows }, { state: state() }, { state: state() }];
    expect([0, 1, 2, 3].map((step) => of(steps, step))).toEqual(['nowhere', 'bar', 'bar', 'nowhere']);
  });

  it('goes by a request that touches the addresses before a range that touches them', () => {
    const card = (size: bigint) => state({ flatView: [flat(0x1000n, size, region('d BAR 0', 'io', 'd'))] });
    const events = [mapEvent(0x0n, 0x1800n)];
    expect(of([{ events, state: card(0x800n) }])).toBe('machine-memory');
    expect(of([{ events, state: card(0x1000n) }])).toBe('bar');
    expect(of([{ state: card(0x800n) }])).toBe('bar');
  });

  it('takes no region for added that the guest only removes', () => {
    const added = {
      op: 'add-region',
      name: 'x',
      kind: 'ram',
      address: '0x100000000',
      size: '0x1000',
      priority: 0,
    };
    const removed = { op: 'remove-region', name: 'x' };
    const place = (region: string) =>
      of([{ events: [mapEvent(0x1000n, 0x1000n, { region })] }], 0, {
        scenario: { ...scenario({ operations: [added, removed] }) },
      });
    expect([place('x'), place('ram')]).toEqual(['added-region', 'machine-memory']);
    const gone = scenario({ operations: [added, removed] });
    const only = { ...gone, operations: gone.operations.filter(({ op }) => op === 'remove-region') };
    expect(of([{ events: [mapEvent(0x1000n, 0x1000n, { region: 'x' })] }], 0, { scenario: only })).toBe(
      'machine-memory',
    );
  });
});

describe('placeOf, where a BAR lies over memory that was mapped before', () => {
  const trapped = runOnModel(
    decodeScenario({
      version: 1,
      machine: { type: 'q35', ram: '0x10000000', hostPageSize: '0x1000', guestPageSize: '0x1000' },
      host: { kernel: 'msix-mappable', iommu: { type: 'type1', pageSizes: ['0x1000'] } },
      devices: [{ id: 'd', bars: [{ index: 0, size: '0x1000', type: 'mem32', mmap: false }] }],
      operations: [
        { op: 'set-bar', device: 'd', bar: 0, address: '0xffff0000' },
        { op: 'enable-memory', device: 'd' },
      ],
    }),
    NEWEST,
  );

  it('goes by the range of the flat view that is exactly there', () => {
    const bar = trapped.steps[2]!.state.flatView.find(({ region }) => region.owner === 'd')!;
    const at = { start: bar.start, end: bar.end };
    expect(placeOf({ ...violation(0n, 2), at }, trapped)).toBe('bar');
    expect(placeOf({ ...violation(0n, 0), at }, trapped)).toBe('machine-memory');
  });
});

describe('placeOf, where a later request of the same step uncovers memory', () => {
  /** A 64-bit BAR is written in two halves, so it lies over the BIOS for a moment. */
  const moved = runOnModel(
    decodeScenario({
      version: 1,
      machine: { type: 'q35', ram: '0x10000000', hostPageSize: '0x1000', guestPageSize: '0x1000' },
      host: { kernel: 'msix-mappable', iommu: { type: 'type1', pageSizes: ['0x1000'] } },
      devices: [{ id: 'd', bars: [{ index: 0, size: '0x2000000', type: 'mem64' }] }],
      operations: [
        { op: 'set-bar', device: 'd', bar: 0, address: '0xc0000000' },
        { op: 'enable-memory', device: 'd' },
        { op: 'set-bar', device: 'd', bar: 0, address: '0xfffffffffe000000' },
      ],
    }),
    NEWEST,
  );

  it('goes by the request for exactly the addresses', () => {
    const over = moved.steps[3]!.events.find(
      (event) => event.type === 'dma-map' && event.iova >= 0xfe00_0000n,
    );
    const { iova, size } = over as DmaMapEvent;
    const at = (start: bigint, end: bigint): Violation => ({ ...violation(0n, 3), at: { start, end } });
    expect(placeOf(at(iova, iova + size), moved)).toBe('bar');
    expect(placeOf(at(0xffff_f000n, 0x1_0000_0000n), moved)).toBe('machine-memory');
  });
});

describe('the place of what the teardown asks for', () => {
  it('is that of the request, not that of the BAR that went', () => {
    const torn = runOnModel(
      decodeScenario({
        version: 1,
        machine: { type: 'q35', ram: '0x10000000' },
        host: { kernel: 'msix-mappable', iommu: { type: 'vfio-user', pageSizes: ['0x4000'] } },
        devices: [{ id: 'd', bars: [{ index: 0, size: '0x1000', type: 'mem32' }] }],
        operations: [
          { op: 'set-bar', device: 'd', bar: 0, address: '0xc0000000' },
          { op: 'enable-memory', device: 'd' },
          {
            op: 'add-region',
            name: 'overlay',
            kind: 'ram',
            address: '0xc0000000',
            size: '0x1000',
            priority: -2,
          },
        ],
      }),
      NEWEST,
    );
    const uncovered = violationsOf(torn).find(({ cause }) => cause === 'ram-range-unaligned')!;
    expect(uncovered.step).toBe(torn.steps.length);
    expect(placeOf(uncovered, torn)).toBe('added-region');
  });
});

describe('the conditions', () => {
  const holding = (start: bigint, step?: number): ConditionName[] =>
    CONDITIONS.filter((name) => holdsFor(name, violation(start, step), trace));

  it('tell the BAR where the guest has put it from one elsewhere', () => {
    expect(holding(0xe000_0000n)).toEqual(['after-start', 'where-the-guest-put-the-bar']);
    expect(holding(0xe000_1000n)).toEqual(['after-start']);
  });

  it('tell the start from later, and addresses that the host allows from others', () => {
    expect(holding(0x10_0000n, 0)).toEqual([]);
    expect(holding(0x80_0000_0000n)).toEqual(['after-start', 'outside-apertures']);
    expect(holding(0x10_0800n)).toContain('off-iommu-page');
  });
});
