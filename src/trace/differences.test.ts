import { describe, expect, it } from 'vitest';
import { gpa } from '../address/index.ts';
import type { Memslot } from '../host/index.ts';
import { decodeScenario } from '../scenario/index.ts';
import { findRevision } from '../vfio/index.ts';
import { form11, rangeType } from '../memory/index.ts';
import { differences, typeOfRange, type TraceDifference } from './differences.ts';
import { runOnModel } from '../model/index.ts';
import type { State } from './state.ts';
import type { Step, Trace } from './trace.ts';

const scenario = decodeScenario({
  version: 1,
  machine: { type: 'q35', ram: '0x20000000' },
  host: { kernel: 'msix-mappable', iommu: { type: 'vfio-user' } },
  devices: [
    {
      id: 'dev0',
      bars: [{ index: 0, size: '0x4000', type: 'mem32' }],
      msix: { vectors: 8, tableBar: 0, tableOffset: '0x2000', pbaBar: 0, pbaOffset: '0x3000' },
    },
  ],
  operations: [
    { op: 'set-bar', device: 'dev0', bar: 0, address: '0xe0000000' },
    { op: 'enable-memory', device: 'dev0' },
    { op: 'enable-msix', device: 'dev0' },
  ],
});
const model = runOnModel(scenario, findRevision('qemu-11.1')!);

/** The trace of the model with one step changed. */
const withStep = (index: number, change: (step: Step) => Step): Trace => ({
  ...model,
  steps: model.steps.map((step, at) => (at === index ? change(step) : step)),
});
const withState = (index: number, change: (state: State) => Partial<State>): Trace =>
  withStep(index, (step) => ({ ...step, state: { ...step.state, ...change(step.state) } }));
const kinds = (other: Trace, first = model): string[] => differences(first, other).map(({ kind }) => kind);

describe('differences', () => {
  it('are empty between equal traces, even if the VMM prints other messages', () => {
    expect(differences(model, model)).toEqual([]);
    const withMessage = withStep(2, (step) => ({
      ...step,
      events: [...step.events, { type: 'message', text: 'Performance may be slow' }],
    }));
    expect(differences(model, withMessage)).toEqual([]);
  });

  it('include a flat range, with both sides in the message', () => {
    const other = withState(2, ({ flatView }) => ({
      flatView: flatView.map((range) => (range.region.owner === 'dev0' ? { ...range, priority: 7 } : range)),
    }));
    expect(kinds(other)).toEqual(['view']);
    expect(differences(model, other)[0]!.message).toMatch(
      /step 2: only the model has .*prio 0.*only QEMU has .*prio 7/,
    );
    expect(differences(model, other)[0]!.step).toBe(2);
  });

  it('include DMA requests: a missing one, another order, another answer', () => {
    const { events } = model.steps[0]!;
    const requests = events.filter(({ type }) => type === 'dma-map' || type === 'dma-unmap');
    expect(requests.length).toBeGreaterThan(2);
    expect(kinds(withStep(0, (step) => ({ ...step, events: requests.slice(1) })))).toEqual(['requests']);
    expect(kinds(withStep(0, (step) => ({ ...step, events: requests.toReversed() })))).toEqual(['requests']);
    const refused = requests.map((event) => ({ ...event, errno: 22 as const }));
    expect(kinds(withStep(0, (step) => ({ ...step, events: refused })))).toEqual(['requests']);
  });

  it('include the page of a DMA window, where both sides make a request', () => {
    const window = { type: 'window-create', container: 'container', start: 0n, size: 1n << 30n } as const;
    const asking = (pageSize: bigint): Trace =>
      withStep(0, (step) => ({
        ...step,
        events: [...step.events, { ...window, pageSize, deviceMemory: false, errno: 0 }],
      }));
    expect(kinds(asking(0x1000n), asking(0x1000n))).toEqual([]);
    expect(differences(asking(0x1000n), asking(0x1_0000n))[0]!.message).toMatch(
      /only the model has window-create 0x0\+0x40000000 by 0x1000; only QEMU has .* by 0x10000$/,
    );
  });

  it('name the first position where only the order differs', () => {
    const { events } = model.steps[0]!;
    const [first, second, ...rest] = events.filter(({ type }) => type === 'dma-map' || type === 'dma-unmap');
    const messageOf = (...theirs: typeof events): string =>
      differences(
        model,
        withStep(0, (step) => ({ ...step, events: theirs })),
      )[0]!.message;
    expect(messageOf(second!, first!, ...rest)).toMatch(
      /^requests to dev0 of step 0: at position 1 the model has (.+), QEMU has (?!\1).+$/,
    );
    const last = rest.length + 3;
    expect(messageOf(first!, second!, ...rest, first!)).toMatch(
      new RegExp(`: at position ${last} the model has nothing, QEMU has (un)?map \\S+$`),
    );
  });

  it('have a message that fits into a stored case, however many lines differ', () => {
    const other = withState(2, ({ flatView }) => ({
      flatView: flatView.map((range, index) => ({
        ...range,
        region: { ...range.region, name: `${index}`.repeat(5000) },
      })),
    }));
    const [{ message }] = differences(model, other) as [TraceDifference];
    expect(message.length).toBeLessThan(10_000);
    expect(message).toContain('…');
  });

  it('include the live mappings, and a missing container', () => {
    const other = withState(2, ({ containers }) => ({
      containers: containers.map(({ name, mappings }) => ({ name, mappings: mappings.slice(1) })),
    }));
    expect(kinds(other)).toEqual(['mappings']);
    expect(kinds(withState(2, () => ({ containers: [] })))).toEqual(['mappings']);
  });

  it('include the address of a BAR and the state of MSI-X', () => {
    const moved = withState(2, ({ devices }) => ({
      devices: devices.map((device) => ({
        ...device,
        bars: device.bars.map((bar) => ({ ...bar, address: 0xd000_0000n })),
      })),
    }));
    const switched = withState(3, ({ devices }) => ({
      devices: devices.map((device) => ({ ...device, msix: { ...device.msix!, enabled: false } })),
    }));
    expect([kinds(moved), kinds(switched)]).toEqual([['devices'], ['devices']]);
  });

  it('include the outcome, the error and the number of steps', () => {
    const rejected: Trace = { ...model, outcome: 'rejected', error: 'no', steps: model.steps.slice(0, 1) };
    expect(kinds(rejected)).toEqual(['outcome']);
    expect(kinds({ ...rejected, error: 'never' }, rejected)).toEqual(['error']);
    expect(kinds({ ...model, steps: model.steps.slice(0, 2) })).toEqual(['steps']);
  });

  /** The same scenario on type1: the model sets memory slots. */
  const ofKernel = runOnModel(
    { ...scenario, host: { ...scenario.host, iommu: { ...scenario.host.iommu, type: 'type1' } } },
    findRevision('qemu-11.1')!,
  );
  const withoutSlots = (trace: Trace): Trace => ({
    ...trace,
    steps: trace.steps.map(({ state, events, ...step }) => ({
      ...step,
      events: events.filter(({ type }) => type !== 'memslot'),
      state: { ...state, memslots: [] },
    })),
  });

  it('include the memory slots and the requests for them', () => {
    const moved = (slots: readonly Memslot[]) => slots.map((slot) => ({ ...slot, gpa: gpa(slot.gpa + 1n) }));
    const steps = ofKernel.steps.map((step) => ({
      ...step,
      state: { ...step.state, memslots: moved(step.state.memslots) },
    }));
    expect(new Set(kinds({ ...ofKernel, steps }, ofKernel))).toEqual(new Set(['memslots']));
    const silent = ofKernel.steps.map(({ events, ...step }) => ({
      ...step,
      events: events.filter(({ type }) => type !== 'memslot'),
    }));
    expect(differences(ofKernel, { ...ofKernel, steps: silent })[0]!.message).toMatch(
      /^requests for memory slots of step 2: only the model has set 0xe0000000\+0x2000 .*; only QEMU has nothing$/,
    );
  });

  it('leave out the requests for memory slots with which a real QEMU builds its machine', () => {
    const [start, ...others] = ofKernel.steps;
    const events = start!.events.filter(({ type }) => type !== 'memslot');
    expect(differences(ofKernel, { ...ofKernel, steps: [{ ...start!, events }, ...others] })).toEqual([]);
  });

  it('leave out the memory slots of a QEMU without KVM', () => {
    expect(differences(ofKernel, withoutSlots(ofKernel))).toEqual([]);
  });

  it('include each request that barproof does not know', () => {
    const unknown = { ...ofKernel, unknownRequests: ['ioctl 0x3bff on a file of the kind group'] };
    expect(differences(ofKernel, unknown)).toEqual([
      {
        kind: 'unknown-request',
        step: undefined,
        message: 'barproof does not know ioctl 0x3bff on a file of the kind group',
      },
    ]);
  });

  const died = (abortSite: string, error: string | undefined): Trace => ({
    ...model,
    outcome: 'aborted',
    abortSite,
    error,
  });

  it('are empty between aborts at the same site with different messages', () => {
    const ours = died('bar-size-assertion', 'short');
    expect(kinds(died('bar-size-assertion', 'file.c:1: short'), ours)).toEqual([]);
    expect(kinds(died('hw-error', 'short'), ours)).toEqual(['error']);
  });

  it('accept a signal without a site for any segfault of the model', () => {
    const ours = died('msix-init-segfault', 'SIGSEGV');
    expect(kinds(died('sigsegv', undefined), ours)).toEqual([]);
    expect(kinds(died('hotplug-refusal-segfault', undefined), ours)).toEqual(['error']);
    expect(kinds(died('sigsegv', undefined), died('bar-size-assertion', 'x'))).toEqual(['error']);
  });

  it('leave out the step in which the VMM dies', () => {
    const ours = died('hw-error', 'x');
    const last = ours.steps.length - 1;
    const other = { ...ours, steps: [...ours.steps.slice(0, last), { ...ours.steps[last]!, events: [] }] };
    expect(kinds(other, ours)).toEqual([]);
  });
});

describe('typeOfRange', () => {
  const kinds = ['container', 'io', 'ram', 'ram-device', 'rom-device', 'alias', 'iommu'] as const;

  it.each(kinds)("is for a range of the kind %s the word of the model's own printer", (kind) => {
    for (const bits of [0, 1, 2, 3, 4, 5, 6, 7]) {
      const [readonly, romdMode, contained] = [1, 2, 4].map((bit) => (bits & bit) !== 0) as [
        boolean,
        boolean,
        boolean,
      ];
      const range = { ...model.steps[0]!.state.flatView[0]!, readonly, romdMode, contained };
      const traits = { ...range, region: { ...range.region, kind } };
      expect(typeOfRange(traits)).toBe(rangeType(traits, form11));
    }
  });
});
