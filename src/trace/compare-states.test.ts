import { describe, expect, it } from 'vitest';
import {
  bar as barState,
  container,
  device,
  flat,
  mapping,
  memslot,
  state,
} from '../invariants/testing/index.ts';
import { offset } from '../address/index.ts';
import type { DmaMapping } from '../host/index.ts';
import {
  changeOf,
  compareStates,
  type BarState,
  type DeviceState,
  type MsixView,
  type TraceRange,
} from './index.ts';

const P = 0x1000n;
const [A, B, C, D] = [flat(0n, P), flat(P, P), flat(4n * P, P), flat(8n * P, P)];

const compareViews = (before: readonly TraceRange[], after: readonly TraceRange[]) =>
  compareStates(state({ flatView: before }), state({ flatView: after })).flatView;

describe('the comparison of two flat views', () => {
  it('finds nothing where the view is the same object', () => {
    const view = [A, B];
    const { isEmpty, stretches, ranges, isWhole } = compareViews(view, view);
    expect({ isEmpty, stretches, ranges, isWhole }).toEqual({
      isEmpty: true,
      stretches: [],
      ranges: [],
      isWhole: false,
    });
  });

  it('finds the ranges that only one of the views has, in stretches with a gap between any two', () => {
    const { stretches, ranges, parts } = compareViews([A, C, D], [A, B, C]);
    expect(stretches).toEqual([
      { start: P, end: 2n * P },
      { start: 8n * P, end: 9n * P },
    ]);
    expect(ranges).toEqual([B]);
    expect(parts).toEqual([
      { from: 1, to: 2 },
      { from: 3, to: 3 },
    ]);
  });

  it('joins ranges that touch and ranges that replace one another', () => {
    const wide = flat(0n, 3n * P);
    const { stretches, ranges } = compareViews([A, B, D], [wide, D]);
    expect(stretches).toEqual([{ start: 0n, end: 3n * P }]);
    expect(ranges).toEqual([wide]);
  });

  it('keeps stretches apart that have nothing between them', () => {
    expect(compareViews([A, C], []).stretches).toEqual([
      { start: 0n, end: P },
      { start: 4n * P, end: 5n * P },
    ]);
  });

  it('takes another object for another range', () => {
    expect(compareViews([A, B], [{ ...A }, B]).ranges).toEqual([A]);
  });

  it.each([
    ['not sorted', [B, A]],
    ['not disjoint', [flat(0n, 2n * P), B]],
    ['with an empty range', [flat(0n, 0n), B]],
  ])('takes all of a view that is %s', (_, broken) => {
    for (const change of [compareViews(broken, [A, B]), compareViews([A, B], broken)]) {
      expect(change.isWhole).toBe(true);
      expect(change.ranges).toBe(change.view);
    }
  });

  it('touches the addresses of its stretches and no others', () => {
    const change = compareViews([A, C], [A, B]);
    expect(change.touches(0n, P)).toBe(false);
    expect(change.touches(0n, P + 1n)).toBe(true);
    expect(change.touches(2n * P, 2n * P)).toBe(false);
    expect(change.touches(5n * P - 1n, P)).toBe(true);
    expect(change.touches(5n * P, P)).toBe(false);
  });
});

describe('the comparison of two states', () => {
  it('takes everything of the first state for new', () => {
    const mapped = container([mapping(0n, P)]);
    const first = state({
      flatView: [A],
      containers: [mapped],
      memslots: [memslot(0n, P)],
      devices: [device([])],
    });
    const { before, flatView, dmaView, containers, memslots, devices } = compareStates(undefined, first);
    expect(before).toBeUndefined();
    expect(flatView.isWhole).toBe(true);
    expect(dmaView).toBe(flatView);
    expect(containers).toEqual([{ container: mapped, kind: 'opened', added: mapped.mappings, removed: [] }]);
    expect(memslots).toEqual({ added: first.memslots, removed: [] });
    expect(devices).toEqual({ plugged: first.devices, changed: [], reshaped: first.devices, unplugged: [] });
  });

  it('finds mappings and slots that were added and removed', () => {
    const [a, b, c] = [mapping(0n, P), mapping(P, P), mapping(2n * P, P)];
    const [s, t, u] = [memslot(0n, P), memslot(P, P), memslot(2n * P, P)];
    const before = state({ containers: [container([a, b])], memslots: [s, t, u] });
    const after = state({ containers: [container([b, c])], memslots: [s, u] });
    const { containers, memslots } = compareStates(before, after);
    expect(containers).toEqual([
      { container: after.containers[0], kind: 'changed', added: [c], removed: [a] },
    ]);
    expect(memslots).toEqual({ added: [], removed: [t] });
  });

  it('finds a hundred slots among two hundred', () => {
    const slots = Array.from({ length: 200 }, (_, at) => memslot(BigInt(at) * P, P));
    const [even, third] = [slots.filter((_, at) => at % 2 === 0), slots.filter((_, at) => at % 3 === 0)];
    const { added, removed } = compareStates(state({ memslots: even }), state({ memslots: third })).memslots;
    expect(added).toEqual(third.filter((slot) => !even.includes(slot)));
    expect(removed).toEqual(even.filter((slot) => !third.includes(slot)));
  });

  it('finds containers that were opened and closed', () => {
    const [a, b] = [container([mapping(0n, P)], 'a'), container([], 'b')];
    const { containers } = compareStates(state({ containers: [a] }), state({ containers: [b] }));
    expect(containers).toEqual([
      { container: b, kind: 'opened', added: [], removed: [] },
      { container: a, kind: 'closed', added: [], removed: a.mappings },
    ]);
  });

  it('finds devices that were plugged in, changed and unplugged', () => {
    const [a, b, c] = ['a', 'b', 'c'].map((id) => device([], undefined, { id }));
    const moved = device([], undefined, { id: 'b' });
    const { devices } = compareStates(state({ devices: [a!, b!] }), state({ devices: [moved, c!] }));
    expect(devices).toEqual({ plugged: [c], changed: [moved], reshaped: [c], unplugged: ['a'] });
  });

  const P0 = offset(0n);
  const msix: MsixView = {
    layout: { vectors: 4, tableBar: 0, tableOffset: P0, pbaBar: 0, pbaOffset: offset(P) },
    enabled: false,
    functionMasked: false,
    emulatedAt: { bar: 0, offset: P0 },
    pbaAt: { bar: 0, offset: offset(P) },
  };
  const bar: BarState = { ...barState(0, P), prefetchable: false };
  const shaped = (bars: readonly BarState[], view: MsixView | undefined): DeviceState => ({
    ...device(bars),
    msix: view,
  });
  const reshaped = (after: DeviceState) =>
    compareStates(state({ devices: [shaped([bar], msix)] }), state({ devices: [after] })).devices.reshaped;

  it('takes no device for reshaped of which a BAR has moved or MSI-X was switched', () => {
    const switched = { ...msix, enabled: true, functionMasked: true };
    expect(reshaped(shaped([{ ...bar, address: 8n * P }], switched))).toEqual([]);
  });

  it.each<[string, DeviceState]>([
    ['another type', shaped([{ ...bar, type: 'mem64' }], msix)],
    ['another index', shaped([{ ...bar, index: 1 }], msix)],
    ['another size', shaped([{ ...bar, size: 2n * P }], msix)],
    ['another size by the guest', shaped([{ ...bar, resizedTo: 2n * P }], msix)],
    ['a prefetchable BAR', shaped([{ ...bar, prefetchable: true }], msix)],
    ['other regions', shaped([{ ...bar, layers: [] }], msix)],
    ['another BAR', shaped([bar, barState(1, P)], msix)],
    ['no MSI-X', shaped([bar], undefined)],
    ['another layout', shaped([bar], { ...msix, layout: { ...msix.layout, vectors: 5 } })],
    ['another place of the table', shaped([bar], { ...msix, emulatedAt: undefined })],
    ['another place of the PBA', shaped([bar], { ...msix, pbaAt: { bar: 0, offset: P0 } })],
  ])('takes a device for reshaped that has %s', (_, after) => {
    expect(reshaped(after)).toEqual([after]);
  });
});

describe('the ranges that may have lost or got a mapping', () => {
  const ranges = [flat(0n, 4n * P), flat(8n * P, P), flat(16n * P, P)];
  const remapped = (before: readonly DmaMapping[], after: readonly DmaMapping[], view = ranges) =>
    compareStates(
      state({ flatView: ranges, containers: [container(before)] }),
      state({ flatView: view, containers: [container(after)] }),
    ).remapped;
  const [a, b, c] = [mapping(0n, P), mapping(2n * P, P), mapping(16n * P, P)];

  it('are those of the mappings that were added or removed, each once', () => {
    expect(remapped([a, b], [c])).toEqual([ranges[0], ranges[2]]);
    expect(remapped([a], [a])).toEqual([]);
  });

  it('are also those that the view did not have before', () => {
    const added = flat(32n * P, P);
    expect(remapped([a], [a], [...ranges, added])).toEqual([added]);
    expect(remapped([a], [], [...ranges, added])).toEqual([ranges[0], added]);
  });

  it('are all of the view where a container is new', () => {
    const { remapped: all } = compareStates(
      state({ flatView: ranges }),
      state({ flatView: ranges, containers: [container([])] }),
    );
    expect(all).toEqual(ranges);
  });
});

describe('the change of a step', () => {
  const [before, after, other] = [state(), state({ flatView: [A] }), state({ flatView: [B] })];
  const change = compareStates(before, after);
  const step = { operation: { op: 'reset' }, events: [], state: after, change } as const;

  it('is the one that the step carries', () => {
    expect(changeOf(step, before)).toBe(change);
  });

  it('is compared anew where the step carries none, or one of other states', () => {
    const { change: _, ...bare } = step;
    expect(changeOf(bare, before)).toEqual(change);
    expect(changeOf(step, other).before).toBe(other);
    expect(changeOf({ ...step, state: other }, before).flatView.ranges).toEqual([B]);
  });
});
