import { describe, expect, it } from 'vitest';
import { Errno } from '../host/index.ts';
import type { Step, Trace } from '../trace/index.ts';
import type { VmmEvent } from '../vfio/index.ts';
import { noNeedlessChange } from './no-needless-change.ts';
import {
  PAGE,
  causes,
  container,
  device,
  bar,
  flat,
  judge,
  mapEvent,
  mapping,
  memslot,
  memslotEvent,
  state,
  trace,
  unmapEvent,
  type StepParts,
} from './testing/index.ts';

const RAM_VIEW = [flat(0n, 4n * PAGE)];
const KEPT = mapping(0n, 4n * PAGE);
const SLOT = memslot(0n, 4n * PAGE);
const at = (address: bigint | undefined) => device([bar(0, PAGE, { address })]);
const before = state({
  flatView: RAM_VIEW,
  containers: [container([KEPT])],
  memslots: [SLOT],
  devices: [at(undefined)],
});
const after = (parts: Parameters<typeof state>[0] = {}) =>
  state({
    ...before,
    containers: [container([{ ...KEPT }])],
    memslots: [{ ...SLOT }],
    devices: [at(16n * PAGE)],
    ...(parts?.flatView && { dmaView: parts.flatView }),
    ...parts,
  });

/** The trace of one operation after the start. */
const during = (operation: Step['operation'], step: StepParts): Trace => {
  const whole = trace([{ state: before }, step]);
  return { ...whole, steps: [whole.steps[0]!, { ...whole.steps[1]!, operation }] };
};
const ENABLE = { op: 'enable-memory', device: 'dev0' } as const;
const unmap = unmapEvent(0n, 4n * PAGE);
const remake = [memslotEvent({ ...SLOT, size: 0n }), memslotEvent(SLOT)];

describe('no-needless-change', () => {
  it('accepts a change that leaves the rest alone', () => {
    const view = [...RAM_VIEW, flat(16n * PAGE, PAGE)];
    expect(judge(noNeedlessChange, during(ENABLE, { state: after({ flatView: view }) }))).toMatchObject({
      causes: [],
      exercised: 1,
    });
  });

  it('reports RAM that is unmapped and mapped again, and a memslot that is made again', () => {
    expect(causes(noNeedlessChange, during(ENABLE, { events: [unmap], state: after() }))).toEqual([
      'remapped',
    ]);
    expect(causes(noNeedlessChange, during(ENABLE, { events: remake, state: after() }))).toEqual([
      'slot-replaced',
    ]);
  });

  it('accepts both where the range has changed, or shares a page with a BAR that moved', () => {
    const smaller = [flat(0n, 3n * PAGE)];
    const events = [unmap, ...remake];
    expect(causes(noNeedlessChange, during(ENABLE, { events, state: after({ flatView: smaller }) }))).toEqual(
      [],
    );
    expect(
      causes(noNeedlessChange, during(ENABLE, { events, state: after({ devices: [at(PAGE)] }) })),
    ).toEqual([]);
    const other = after({ containers: [container([mapping(0n, 2n * PAGE)])] });
    expect(causes(noNeedlessChange, during(ENABLE, { events: [unmap], state: other }))).toEqual([]);
  });

  it('accepts a slot that begins behind its range, where a BAR that moved shares a page with the range', () => {
    const behind = memslot(PAGE, 3n * PAGE);
    const events = [memslotEvent({ ...behind, size: 0n }), memslotEvent(behind)];
    const movedTo = (address: bigint): Trace => {
      const first = state({ ...before, memslots: [behind] });
      const last = after({ memslots: [{ ...behind }], devices: [at(address)] });
      const whole = trace([{ state: first }, { events, state: last }]);
      return { ...whole, steps: [whole.steps[0]!, { ...whole.steps[1]!, operation: ENABLE }] };
    };
    expect(causes(noNeedlessChange, movedTo(0n))).toEqual([]);
    expect(causes(noNeedlessChange, movedTo(16n * PAGE))).toEqual(['slot-replaced']);
  });

  it('says nothing about a reset, which is several changes', () => {
    const reset = { op: 'reset' } as const;
    expect(causes(noNeedlessChange, during(reset, { events: [unmap, ...remake], state: after() }))).toEqual(
      [],
    );
  });

  it('says nothing about a request that unmapped nothing', () => {
    const nothing = unmapEvent(0n, 4n * PAGE, { unmapped: 0n });
    expect(causes(noNeedlessChange, during(ENABLE, { events: [nothing], state: after() }))).toEqual([]);
  });

  it('reports a 32-bit BAR that is mapped where the guest only asks for its size', () => {
    const size = { op: 'size-bar', device: 'dev0', bar: 0 } as const;
    const top = (1n << 32n) - PAGE;
    const own = { region: 'dev0 BAR 0 mmaps[0]', owner: 'dev0' };
    const asked = (event: VmmEvent, operation: Step['operation'] = size) =>
      causes(noNeedlessChange, during(operation, { events: [event], state: before }));
    expect(asked(memslotEvent(memslot(top, PAGE, own)))).toEqual(['mapped-by-probe']);
    expect(asked(mapEvent(top, PAGE, own))).toEqual(['mapped-by-probe']);
    expect(asked(memslotEvent(memslot(top, 0n, own)))).toEqual([]);
    expect(asked(mapEvent(top, PAGE, { ...own, errno: Errno.EINVAL }))).toEqual([]);
    expect(asked(mapEvent(top - PAGE, 2n * PAGE, own))).toEqual([]);
    expect(asked(mapEvent(1n << 32n, PAGE, own))).toEqual([]);
    expect(asked(mapEvent(top, PAGE, { ...own, owner: 'dev1' }))).toEqual([]);
    expect(asked(mapEvent(top, PAGE, own), ENABLE)).toEqual([]);
    const there = state({ ...before, devices: [at(top)] });
    const [first, last] = trace([
      { state: there },
      { events: [mapEvent(top, PAGE, own)], state: there },
    ]).steps;
    const whole = { ...trace([]), steps: [first!, { ...last!, operation: size }] };
    expect(causes(noNeedlessChange, whole)).toEqual([]);
  });
});
