import { beforeAll, describe, expect, it } from 'vitest';
import * as fc from 'fast-check';
import { scenarios } from '../generators/index.ts';
import { deriveSeed } from '../src/campaign/index.ts';
import {
  COMMON_INVARIANTS,
  FingerprintSet,
  INVARIANT_IDS,
  violationsOf,
  type InvariantId,
} from '../src/invariants/index.ts';
import { runOnModel } from '../src/model/index.ts';
import type { Scenario } from '../src/scenario/index.ts';
import type { State, Step, Trace } from '../src/trace/index.ts';
import { NEWEST, type AccessEvent } from '../src/vfio/index.ts';

/** How many scenarios each VMM runs. */
const CASES = 250;

/** A VMM that does nothing in one domain, as a change of the trace of a good one. */
const IDLE = {
  'gives the guest no memslot': onStates((state) => ({ ...state, memslots: [] })),
  'gives only device memory no memslot': onStates((state) => ({
    ...state,
    memslots: state.memslots.filter(({ backing }) => backing.owner === undefined),
  })),
  'maps nothing for DMA': onStates((state) => ({
    ...state,
    containers: state.containers.map((container) => ({ ...container, mappings: [] })),
  })),
  'opens no container': onStates((state) => ({ ...state, containers: [] })),
  'makes no DMA window': (trace: Trace): Trace => ({
    ...trace,
    steps: trace.steps.map((step) => ({
      ...step,
      events: step.events.filter(({ type }) => type !== 'window-create'),
    })),
  }),
  'shows no BAR': onStates((state) => ({
    ...state,
    devices: state.devices.map((device) => ({ ...device, bars: [] })),
  })),
  'shows BARs that have no address': onStates((state) => ({
    ...state,
    devices: state.devices.map((device) => ({
      ...device,
      bars: device.bars.map((bar) => ({ ...bar, address: undefined })),
    })),
  })),
  'has an empty memory map': onStates((state) => ({ ...state, flatView: [], dmaView: [] })),
  'traps every BAR': onStates((state) => ({
    ...state,
    flatView: state.flatView.map((range) =>
      range.region.kind === 'ram-device'
        ? { ...range, region: { ...range.region, kind: 'io' as const } }
        : range,
    ),
  })),
  'never traps': onStates((state) => ({
    ...state,
    flatView: state.flatView.map((range) =>
      range.region.name === 'msix-table'
        ? {
            ...range,
            region: { ...range.region, kind: 'ram-device' as const, name: `${range.region.owner} BAR 0` },
          }
        : range,
    ),
  })),
  'emulates no MSI-X table': onStates((state) => ({
    ...state,
    devices: state.devices.map((device) => ({
      ...device,
      msix: device.msix && { ...device.msix, emulatedAt: undefined },
    })),
    flatView: state.flatView.filter(({ region }) => region.name !== 'msix-table'),
  })),
  'never unmaps': keeping('mappings'),
  'never deletes a memslot': keeping('memslots'),
  'answers no access': onAccesses(() => undefined),
  'carries out every access on the device': onAccesses((access) => {
    const { device, bar, offset, address, width } = access;
    return { ...access, parts: [{ address, size: width, reached: { kind: 'device', device, bar, offset } }] };
  }),
  'drops every access': onAccesses((access) => {
    const { address, width } = access;
    return { ...access, parts: [{ address, size: width, reached: { kind: 'nothing' } }] };
  }),
  'dies at the start': (trace: Trace): Trace => ({
    ...trace,
    outcome: 'aborted',
    error: 'dies',
    abortSite: undefined,
    steps: trace.steps.slice(0, 1),
    scratch: undefined,
    teardown: undefined,
  }),
  'refuses every device': (trace: Trace): Trace => ({
    ...trace,
    outcome: 'rejected',
    error: 'no device is good enough',
    steps: trace.steps.slice(0, 1),
    scratch: undefined,
    teardown: undefined,
  }),
} as const satisfies Record<string, (trace: Trace) => Trace>;
type Idle = keyof typeof IDLE;

/** For each invariant, idle VMMs in its domain, each with the invariant that flags it. */
const FLAGGED: Readonly<
  Record<Exclude<InvariantId, 'model-agrees'>, readonly (readonly [Idle, InvariantId])[]>
> = {
  'map-aligned': [
    ['maps nothing for DMA', 'ram-reachable'],
    ['dies at the start', 'no-abort'],
  ],
  'msix-trapped': [
    ['never traps', 'msix-trapped'],
    ['emulates no MSI-X table', 'msix-trapped'],
  ],
  'msix-direct-on-opt-out': [
    ['traps every BAR', 'memslot-complete'],
    ['has an empty memory map', 'flat-partition'],
  ],
  'flat-partition': [
    ['has an empty memory map', 'flat-partition'],
    ['emulates no MSI-X table', 'flat-partition'],
  ],
  'flat-minimal': [
    ['has an empty memory map', 'flat-partition'],
    ['dies at the start', 'no-abort'],
  ],
  'ram-reachable': [
    ['maps nothing for DMA', 'ram-reachable'],
    ['opens no container', 'ram-reachable'],
  ],
  'map-matches-view': [
    ['maps nothing for DMA', 'ram-reachable'],
    ['never unmaps', 'map-matches-view'],
  ],
  'map-unmap-symmetric': [
    ['never unmaps', 'map-matches-view'],
    ['maps nothing for DMA', 'ram-reachable'],
  ],
  'incremental-equals-scratch': [
    ['maps nothing for DMA', 'incremental-equals-scratch'],
    ['shows BARs that have no address', 'incremental-equals-scratch'],
  ],
  'mmio-map-not-fatal': [
    ['dies at the start', 'no-abort'],
    ['refuses every device', 'no-abort'],
  ],
  'no-abort': [
    ['dies at the start', 'no-abort'],
    ['refuses every device', 'no-abort'],
  ],
  'memslot-aligned-disjoint': [
    ['gives the guest no memslot', 'memslot-complete'],
    ['never deletes a memslot', 'memslot-aligned-disjoint'],
  ],
  'memslot-complete': [
    ['gives the guest no memslot', 'memslot-complete'],
    ['gives only device memory no memslot', 'memslot-complete'],
    ['traps every BAR', 'memslot-complete'],
  ],
  'mmap-inside-bar': [
    ['traps every BAR', 'memslot-complete'],
    ['shows no BAR', 'bar-as-hardware'],
  ],
  'bar-as-hardware': [
    ['shows no BAR', 'bar-as-hardware'],
    ['shows BARs that have no address', 'incremental-equals-scratch'],
  ],
  'no-needless-change': [
    ['gives the guest no memslot', 'memslot-complete'],
    ['maps nothing for DMA', 'ram-reachable'],
  ],
  'msix-capability-consistent': [
    ['emulates no MSI-X table', 'msix-trapped'],
    ['shows no BAR', 'bar-as-hardware'],
  ],
  'access-dispatched': [
    ['answers no access', 'access-dispatched'],
    ['drops every access', 'access-dispatched'],
    ['carries out every access on the device', 'access-dispatched'],
  ],
  'window-limit': [
    ['makes no DMA window', 'window-limit'],
    ['opens no container', 'ram-reachable'],
    ['dies at the start', 'no-abort'],
  ],
  'resources-bounded': [
    ['never unmaps', 'resources-bounded'],
    ['never deletes a memslot', 'resources-bounded'],
  ],
  'guest-page-reachable': [
    ['maps nothing for DMA', 'ram-reachable'],
    ['has an empty memory map', 'flat-partition'],
  ],
};

/** Replaces what accesses have reached, or leaves them unanswered. */
function onAccesses(change: (access: AccessEvent) => AccessEvent | undefined): (trace: Trace) => Trace {
  return (trace) => ({
    ...trace,
    steps: trace.steps.map((step) => ({
      ...step,
      events: step.events.flatMap((event) => (event.type === 'access' ? (change(event) ?? []) : event)),
    })),
  });
}

/** Replaces every state; states that were the same object stay the same object. */
function onStates(change: (state: State) => State): (trace: Trace) => Trace {
  return (trace) => {
    const done = new Map<State, State>();
    const steps = trace.steps.map(({ operation, events, state }): Step => {
      const known = done.get(state) ?? change(state);
      done.set(state, known);
      return { operation, events, state: known };
    });
    return { ...trace, steps };
  };
}

/** The trace of a VMM whose mappings or memslots of earlier states stay, unless new ones take their place. */
function keeping(what: 'mappings' | 'memslots'): (trace: Trace) => Trace {
  return (trace) => {
    let last: State | undefined;
    const steps = trace.steps.map(({ operation, events, state }): Step => {
      last = what === 'memslots' ? withSlotsOf(last, state) : withMappingsOf(last, state);
      return { operation, events, state: last };
    });
    return { ...trace, steps };
  };
}

function withSlotsOf(before: State | undefined, state: State): State {
  const stale = (before?.memslots ?? []).filter(({ gpa, size }) =>
    state.memslots.every((slot) => gpa + size <= slot.gpa || slot.gpa + slot.size <= gpa),
  );
  const memslots = [...state.memslots, ...stale].toSorted((a, b) => (a.gpa < b.gpa ? -1 : 1));
  return { ...state, memslots };
}

function withMappingsOf(before: State | undefined, state: State): State {
  const containers = state.containers.map((container) => {
    const old = before?.containers.find(({ name }) => name === container.name)?.mappings ?? [];
    const stale = old.filter(({ iova, size }) =>
      container.mappings.every((other) => iova + size <= other.iova || other.iova + other.size <= iova),
    );
    const mappings = [...container.mappings, ...stale].toSorted((a, b) => (a.iova < b.iova ? -1 : 1));
    return { ...container, mappings };
  });
  return { ...state, containers };
}

describe('a VMM that does nothing in the domain of an invariant is flagged', () => {
  const drawn: readonly Scenario[] = fc.sample(scenarios({ realistic: true }), {
    seed: deriveSeed('vacuous', NEWEST.id),
    numRuns: CASES,
  });
  let traces: readonly Trace[] = [];
  let ofNewest: FingerprintSet;
  const found = new Map<Idle, ReadonlySet<InvariantId>>();

  beforeAll(() => {
    traces = drawn.map((scenario) => runOnModel(scenario, NEWEST));
    ofNewest = new FingerprintSet(traces.flatMap((trace) => violationsOf(trace, COMMON_INVARIANTS)));
    for (const [name, distort] of Object.entries(IDLE)) {
      const broken = traces.flatMap((trace) => violationsOf(distort(trace), COMMON_INVARIANTS));
      const own = broken.filter((violation) => !ofNewest.has(violation));
      found.set(name as Idle, new Set(own.map(({ invariant }) => invariant)));
    }
  }, 120_000);

  it('names every invariant that judges any run, with two such VMMs at least', () => {
    expect([...Object.keys(FLAGGED), 'model-agrees']).toEqual(INVARIANT_IDS);
    for (const [id, rows] of Object.entries(FLAGGED)) {
      expect(new Set(rows.map(([name]) => name)).size, id).toBeGreaterThanOrEqual(2);
    }
  });

  it.each(
    Object.entries(FLAGGED).flatMap(([id, rows]) => rows.map(([name, flags]) => [id, name, flags] as const)),
  )('%s: a VMM that "%s" breaks %s', (_, name, flags) => {
    expect([...found.get(name)!]).toContain(flags);
  });
});
