import { describe, expect, it } from 'vitest';
import { Errno } from '../host/index.ts';
import type { Operation } from '../scenario/index.ts';
import type { BarState, DeviceState, State, Trace } from '../trace/index.ts';
import type { VmmEvent } from '../vfio/index.ts';
import { noNeedlessChange } from './no-needless-change.ts';
import {
  PAGE,
  bar,
  container,
  device,
  flat,
  judge,
  mapEvent,
  mapping,
  memslot,
  memslotEvent,
  region,
  scenario,
  state,
  trace,
  unmapEvent,
} from './testing/index.ts';

/** RAM of four pages from page 4 on, in a DMA mapping and a memslot. */
const [FIRST, SIZE] = [4n * PAGE, 4n * PAGE];
const RAM_VIEW = [flat(FIRST, SIZE)];
const KEPT = mapping(FIRST, SIZE);
const SLOT = memslot(FIRST, SIZE);
const UNMAP = unmapEvent(FIRST, SIZE);
const DELETE = memslotEvent({ ...SLOT, size: 0n });
const ENABLE: Operation = { op: 'enable-memory', device: 'dev0' };

const withRam = (parts: Partial<State> = {}): State =>
  state({ flatView: RAM_VIEW, containers: [container([KEPT])], memslots: [SLOT], ...parts });

/** A step with an operation. Without a state of its own the step changes nothing but the identity of the state. */
interface Given {
  readonly operation?: Operation;
  readonly events?: readonly VmmEvent[];
  readonly state?: State;
}

const traceOf = (steps: readonly Given[], more: Parameters<typeof trace>[1] = {}): Trace => {
  const made = trace(
    steps.map(({ events = [], state: shown = withRam() }) => ({ events, state: shown })),
    more,
  );
  const operations = steps.map(({ operation = ENABLE }) => operation);
  return { ...made, steps: made.steps.map((step, index) => ({ ...step, operation: operations[index]! })) };
};
const found = (made: Trace) => judge(noNeedlessChange, made).causes;

/** The causes where RAM is unmapped and mapped again, and its slot made again, between the two states. */
const causesBetween = (
  before: Partial<State>,
  after: Partial<State>,
  more: Parameters<typeof trace>[1] = {},
) => found(traceOf([{ state: withRam(before) }, { events: [UNMAP, DELETE], state: withRam(after) }], more));
const BOTH = ['remapped', 'slot-replaced'];

describe('what no-needless-change reports', () => {
  it('names the bytes of the mapping and of the memslot, and the place', () => {
    const { violations } = judge(
      noNeedlessChange,
      traceOf([{}, { events: [UNMAP, DELETE], state: withRam() }]),
    );
    const at = { start: 0x4000n, end: 0x8000n };
    expect(violations).toMatchObject([
      {
        message:
          '[0x4000, 0x7fff] of "ram" is unmapped from container and mapped again, although it is the same before and after',
        at,
        step: 1,
      },
      {
        message:
          'the memslot [0x4000, 0x7fff] of "ram" is deleted and made again, although it is the same before and after',
        at,
        step: 1,
      },
    ]);
  });

  it('names the BAR and the bytes that a probe maps', () => {
    const operation: Operation = { op: 'size-bar', device: 'dev0', bar: 0 };
    const shown = withRam({ devices: [device([bar(0, PAGE)])] });
    const event = mapEvent((1n << 32n) - PAGE, PAGE, { region: 'dev0 BAR 0', owner: 'dev0' });
    const { violations } = judge(
      noNeedlessChange,
      traceOf([{ state: shown }, { operation, events: [event], state: shown }]),
    );
    expect(violations).toMatchObject([
      {
        message:
          'the guest asks for the size of BAR 0 of dev0, and the VMM maps [0xfffff000, 0xffffffff] of it',
        at: { start: 0xffff_f000n, end: 1n << 32n },
        step: 1,
      },
    ]);
  });
});

describe('what no-needless-change counts as checked', () => {
  const view = [...RAM_VIEW, flat(16n * PAGE, PAGE)];
  it.each<readonly [string, State, State, number]>([
    ['a change of the view beside a memslot', withRam(), withRam({ flatView: view }), 1],
    ['a change of the view without memslots', withRam({ memslots: [] }), withRam({ flatView: view }), 0],
    ['the same view', withRam(), withRam(), 0],
  ])('%s', (_, before, after, exercised) => {
    expect(judge(noNeedlessChange, traceOf([{ state: before }, { state: after }]))).toMatchObject({
      causes: [],
      exercised,
    });
  });
});

describe('the range that is mapped again', () => {
  it.each<readonly [string, readonly ReturnType<typeof flat>[]]>([
    ['start', [flat(FIRST - PAGE, SIZE + PAGE)]],
    ['end', [flat(FIRST, SIZE + PAGE)]],
    ['offset', [flat(FIRST, SIZE, region('ram'), { offset: PAGE })]],
    ['name', [flat(FIRST, SIZE, region('other'))]],
    ['owner', [flat(FIRST, SIZE, region('ram', 'ram', 'dev0'))]],
    ['protection', [flat(FIRST, SIZE, region('ram'), { readonly: true })]],
    ['persistence', [flat(FIRST, SIZE, region('ram'), { nonvolatile: true })]],
    ['mergeability', [flat(FIRST, SIZE, region('ram'), { unmergeable: true })]],
    ['mode of flash', [flat(FIRST, SIZE, region('ram'), { romdMode: false })]],
    ['presence', []],
  ])('may have another %s before or after', (_, other) => {
    expect(causesBetween({}, { flatView: other })).toEqual([]);
    expect(causesBetween({ flatView: other }, {})).toEqual([]);
    expect(causesBetween({ flatView: other }, { flatView: other })).toEqual(other.length === 0 ? [] : BOTH);
  });

  it('is judged by the view of devices for a mapping, and by that of system memory for a memslot', () => {
    expect(causesBetween({}, { dmaView: [] })).toEqual(['slot-replaced']);
    expect(causesBetween({ dmaView: RAM_VIEW }, { dmaView: RAM_VIEW, flatView: [] })).toEqual(['remapped']);
  });
});

describe('a mapping that is the same before and after', () => {
  const [a, b] = [container([KEPT], 'a'), container([KEPT], 'b')];
  const unmapOf = (name: string, at = FIRST) => unmapEvent(at, SIZE, { container: name });
  const causesOf = (event: VmmEvent, before: Partial<State>, after: Partial<State>) =>
    found(traceOf([{ state: withRam(before) }, { events: [event], state: withRam(after) }]));

  it('is looked for in the container of the request', () => {
    const after = { containers: [a, container([], 'b')] };
    expect(causesOf(unmapOf('b'), { containers: [a, b] }, after)).toEqual([]);
    expect(causesOf(unmapOf('a'), { containers: [a, b] }, after)).toEqual(['remapped']);
    expect(causesOf(unmapOf('c'), { containers: [a, b] }, after)).toEqual([]);
    expect(causesOf(unmapOf('b'), { containers: [a, b] }, { containers: [a] })).toEqual([]);
  });

  it('counts beside other mappings, and only where the request overlaps it', () => {
    const other = mapping(16n * PAGE, SIZE);
    const [alone, beside] = [container([KEPT], 'a'), container([KEPT, other], 'a')];
    expect(causesOf(unmapOf('a'), { containers: [alone] }, { containers: [beside] })).toEqual(['remapped']);
    expect(causesOf(unmapOf('a', 16n * PAGE), { containers: [beside] }, { containers: [alone] })).toEqual([]);
    expect(causesOf(unmapOf('a', FIRST + SIZE), { containers: [alone] }, { containers: [alone] })).toEqual(
      [],
    );
    expect(causesOf(unmapOf('a', FIRST - SIZE), { containers: [alone] }, { containers: [alone] })).toEqual(
      [],
    );
  });
});

describe('a memslot that is the same before and after', () => {
  const other = memslot(16n * PAGE, SIZE);
  const causesOf = (event: VmmEvent, before: Partial<State>, after: Partial<State>) =>
    found(traceOf([{ state: withRam(before) }, { events: [event], state: withRam(after) }]));

  it('counts only if the VMM has deleted it, and KVM has not refused', () => {
    expect(causesOf(memslotEvent(SLOT), {}, {})).toEqual([]);
    expect(causesOf(memslotEvent({ ...SLOT, size: 0n }, Errno.EINVAL), {}, {})).toEqual([]);
    expect(causesOf(DELETE, {}, {})).toEqual(['slot-replaced']);
  });

  it('is looked for at the address of the request', () => {
    const deleteOther = memslotEvent({ ...other, size: 0n });
    expect(causesOf(deleteOther, { memslots: [SLOT, other] }, { memslots: [SLOT] })).toEqual([]);
    expect(causesOf(deleteOther, { memslots: [SLOT] }, { memslots: [SLOT, other] })).toEqual([]);
    expect(causesOf(DELETE, { memslots: [SLOT] }, { memslots: [other] })).toEqual([]);
    expect(causesOf(DELETE, { memslots: [other, SLOT] }, { memslots: [other, SLOT] })).toEqual([
      'slot-replaced',
    ]);
  });

  it.each([
    ['size', memslot(FIRST, PAGE)],
    ['host address', memslot(FIRST, SIZE, { offset: PAGE })],
    ['protection', memslot(FIRST, SIZE, { readonly: true })],
  ])('is another if it has another %s', (_, changed) => {
    expect(causesOf(DELETE, {}, { memslots: [changed] })).toEqual([]);
    expect(causesOf(DELETE, { memslots: [changed] }, {})).toEqual([]);
  });
});

describe('a BAR near the range', () => {
  const at = (address: bigint | undefined, size = PAGE, type: BarState['type'] = 'mem32') =>
    device([bar(0, size, { address, type })]);
  const between = (before: DeviceState[], after: DeviceState[], more: Parameters<typeof trace>[1] = {}) =>
    causesBetween({ devices: before }, { devices: after }, more);

  it.each<readonly [string, DeviceState[], DeviceState[]]>([
    ['comes', [at(undefined)], [at(FIRST)]],
    ['leaves', [at(FIRST)], [at(undefined)]],
    ['moves away', [at(FIRST)], [at(64n * PAGE)]],
    ['is plugged', [], [at(FIRST)]],
    ['is unplugged', [at(FIRST)], []],
    [
      'is that of the second device',
      [at(16n * PAGE), device([bar(0, PAGE)], undefined, { id: 'dev1' })],
      [at(16n * PAGE), device([bar(0, PAGE, { address: FIRST })], undefined, { id: 'dev1' })],
    ],
    [
      'is the second',
      [device([bar(0, PAGE, { address: 0n }), bar(1, PAGE)])],
      [device([bar(0, PAGE, { address: 0n }), bar(1, PAGE, { address: FIRST })])],
    ],
    ['has the last byte of the range', [at(undefined)], [at(FIRST + SIZE - 0x100n, 0x100n)]],
    ['reaches into the range by its size', [at(undefined)], [at(FIRST - PAGE, 2n * PAGE)]],
    // QEMU maps a page from the start of the BAR on, 0x3f00 to 0x4eff, before it shortens the BAR.
    ['reaches into the range by the page that QEMU maps', [at(undefined)], [at(FIRST - 0x100n, 0x100n)]],
  ])('may hide the range for a moment if it %s', (_, before, after) => {
    expect(between(before, after)).toEqual([]);
  });

  it.each<readonly [string, DeviceState[], DeviceState[]]>([
    ['stays', [at(FIRST)], [at(FIRST)]],
    ['ends where the range begins', [at(undefined)], [at(FIRST - PAGE)]],
    ['is small and has the page before', [at(undefined)], [at(FIRST - PAGE, 0x100n)]],
    ['begins where the range ends', [at(undefined)], [at(FIRST + SIZE)]],
    ['has ports', [at(undefined, 0x20n, 'io')], [at(FIRST, 0x20n, 'io')]],
  ])('hides nothing if it %s', (_, before, after) => {
    expect(between(before, after)).toEqual(BOTH);
  });

  it('hides nothing if it stays, as its neighbours in the device and other devices do', () => {
    const devices = [
      device([bar(0, PAGE, { address: 16n * PAGE }), bar(1, PAGE, { address: FIRST })]),
      device([bar(0, PAGE, { address: FIRST + PAGE }), bar(1, PAGE)], undefined, { id: 'dev1' }),
    ];
    expect(between(devices, devices)).toEqual(BOTH);
  });

  it('may be anywhere if it lies outside of the windows of the host bridge', () => {
    const pseries = { scenario: scenario({ machine: { type: 'pseries' } }) };
    expect(between([at(undefined)], [at(1n << 40n)], pseries)).toEqual([]);
    expect(between([at(undefined)], [at(2n << 30n)], pseries)).toEqual(BOTH);
  });
});

describe('an operation that is several changes of the memory map', () => {
  const [mem64, mem32] = [bar(0, PAGE, { type: 'mem64' }), bar(2, PAGE)];
  const devices = [device([mem64, mem32]), device([bar(0, PAGE)], undefined, { id: 'dev1' })];
  const setBar = (index: number, id = 'dev0'): Operation => ({
    op: 'set-bar',
    device: id,
    bar: index,
    address: 0x100_0000n,
  });
  const sizeBar: Operation = { op: 'size-bar', device: 'dev0', bar: 2 };
  const start: Operation = { op: 'start' } as unknown as Operation;
  const of = (op: string, id = 'dev0'): Operation => ({ op, device: id }) as Operation;

  /** The causes where RAM is mapped again in the last of these operations. */
  const causesOf = (operations: readonly Operation[], more: Parameters<typeof trace>[1] = {}) =>
    found(
      traceOf(
        operations.map((operation, index) => ({
          operation,
          events: index === operations.length - 1 ? [UNMAP, DELETE] : [],
          state: withRam({ devices }),
        })),
        more,
      ),
    );

  it.each(['start', 'stop', 'reset'])('is %s', (op) => {
    expect(causesOf([start, of(op)])).toEqual([]);
  });

  it.each(['enable-memory', 'disable-memory', 'enable-msix', 'disable-msix'])(
    'is %s on cloud-hypervisor, which then makes all pending moves',
    (op) => {
      const chScenario = { ...scenario(), revision: 'cloud-hypervisor-v48.0' };
      const onCloudHypervisor = { scenario: chScenario, revision: chScenario.revision };
      expect(causesOf([start, of(op)], onCloudHypervisor)).toEqual([]);
      expect(causesOf([start, of('hotplug')], onCloudHypervisor)).toEqual(BOTH);
      expect(causesOf([start, of(op)])).toEqual(BOTH);
    },
  );

  it.each<readonly [string, Operation, boolean]>([
    ['a move of a 64-bit BAR', setBar(0), true],
    ['a move of a 32-bit BAR', setBar(2), false],
    ['a move of a 32-bit BAR of another device', setBar(0, 'dev1'), false],
    ['the enabling of MSI-X', of('enable-msix'), false],
    ['a move of a BAR that the device does not have', setBar(5), true],
    ['the sizing of a BAR', sizeBar, true],
  ])('is, while the device decodes, %s: %#', (_, operation, isSeveral) => {
    const id = 'device' in operation ? operation.device : '';
    expect(causesOf([start, of('enable-memory', id), operation])).toEqual(isSeveral ? [] : BOTH);
    expect(causesOf([start, operation])).toEqual(BOTH);
  });

  it('is no move of a BAR of a device that is not there and does not decode', () => {
    expect(causesOf([start, setBar(0, 'dev9')])).toEqual(BOTH);
  });

  it.each<readonly [string, readonly Operation[], boolean]>([
    ['enables memory', [of('enable-memory')], true],
    ['enables memory and moves the BAR', [of('enable-memory'), setBar(0)], true],
    [
      'enables memory, and another device disables it',
      [of('enable-memory'), of('disable-memory', 'dev1')],
      true,
    ],
    [
      'enables memory, and changes no device',
      [of('enable-memory'), { op: 'remove-region', name: 'x' }],
      true,
    ],
    ['does nothing', [], false],
    ['enables and disables memory', [of('enable-memory'), of('disable-memory')], false],
    ['enables memory and resets the machine', [of('enable-memory'), { op: 'reset' }], false],
    ['enables memory, and the device is plugged anew', [of('enable-memory'), of('hotplug')], false],
    ['enables memory of another device', [of('enable-memory', 'dev1')], false],
    ['enables MSI-X', [of('enable-msix')], false],
  ])('is a move of a 64-bit BAR only while it decodes: the guest %s before', (_, operations, isDecoding) => {
    expect(causesOf([start, ...operations, setBar(0)])).toEqual(isDecoding ? [] : BOTH);
  });
});

describe('events of an earlier step', () => {
  it('are not judged again', () => {
    const reset: Operation = { op: 'reset' };
    const eventful = { operation: reset, events: [UNMAP, DELETE], state: withRam() };
    expect(found(traceOf([{}, eventful, { state: withRam() }]))).toEqual([]);
    const other = unmapEvent(64n * PAGE, PAGE);
    expect(found(traceOf([{}, eventful, { events: [other], state: withRam() }]))).toEqual([]);
  });
});

describe('a BAR whose size the guest asks for', () => {
  const top = (1n << 32n) - PAGE;
  const own = (id: string, index = 0) => ({ region: `${id} BAR ${index}`, owner: id });
  const sizing = (index: number): Operation => ({ op: 'size-bar', device: 'dev0', bar: index });
  const shown = withRam({
    devices: [
      device([bar(0, PAGE), bar(1, PAGE), bar(2, PAGE, { type: 'mem64' })]),
      device([bar(0, PAGE, { device: 'dev1' })], undefined, { id: 'dev1' }),
    ],
  });
  const asked = (operation: Operation, event: VmmEvent, before = shown) =>
    found(traceOf([{ state: before }, { operation, events: [event], state: before }]));

  it('is the one that the operation names, of the device that it names', () => {
    expect(asked(sizing(0), mapEvent(top, PAGE, own('dev0')))).toEqual(['mapped-by-probe']);
    expect(asked(sizing(1), mapEvent(top, PAGE, own('dev0', 1)))).toEqual(['mapped-by-probe']);
    expect(asked(sizing(1), mapEvent(top, PAGE, own('dev0', 0)))).toEqual([]);
    expect(asked(sizing(0), mapEvent(top, PAGE, own('dev1')))).toEqual([]);
    expect(asked({ op: 'size-bar', device: 'dev1', bar: 0 }, mapEvent(top, PAGE, own('dev1')))).toEqual([
      'mapped-by-probe',
    ]);
  });

  it('has 32 bits: for one of 64 bits the upper half decides', () => {
    expect(asked(sizing(2), mapEvent(top, PAGE, own('dev0', 2)))).toEqual([]);
  });

  it('is mapped by a memslot only if KVM grants it', () => {
    const slot = memslot(top, PAGE, own('dev0'));
    expect(asked(sizing(0), memslotEvent(slot))).toEqual(['mapped-by-probe']);
    expect(asked(sizing(0), memslotEvent(slot, Errno.EINVAL))).toEqual([]);
  });

  it('is none before the device is there, and none of a device that has no such BAR', () => {
    const event = mapEvent(top, PAGE, own('dev0'));
    expect(asked(sizing(0), event, withRam())).toEqual([]);
    expect(asked(sizing(5), event)).toEqual([]);
    expect(found(traceOf([{ operation: sizing(0), events: [event], state: shown }]))).toEqual([]);
  });
});
