import { describe, expect, it } from 'vitest';
import { offset } from '../address/index.ts';
import { Errno } from '../host/index.ts';
import type { State, Trace } from '../trace/index.ts';
import type { VmmEvent } from '../vfio/index.ts';
import { resourcesBounded } from './resources-bounded.ts';
import {
  PAGE,
  bar,
  causes,
  container,
  device,
  flat,
  judge,
  mapping,
  memslot,
  memslotEvent,
  message,
  mmapEvent,
  region,
  state,
  trace,
  windowEvent,
} from './testing/index.ts';

const BEFORE = [flat(0n, PAGE)];
const OTHER = [flat(0n, 2n * PAGE)];
const LAST = flat(8n * PAGE, PAGE);
const slots = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ ...memslot(BigInt(index) * PAGE, PAGE), slot: index }));
const cycle = (first: Parameters<typeof state>[0], last: Parameters<typeof state>[0]) => [
  { state: state({ flatView: BEFORE, ...first }) },
  { state: state({ flatView: OTHER }) },
  { state: state({ flatView: [...BEFORE], ...last }) },
];
const mapped = (count: number) => ({
  containers: [container(Array.from({ length: count }, (_, index) => mapping(BigInt(index) * PAGE, PAGE)))],
});

describe('resources-bounded', () => {
  it('accepts a memory map that needs no more the second time', () => {
    const same = trace(cycle({ memslots: slots(2) }, { memslots: slots(2) }));
    expect(judge(resourcesBounded, same)).toMatchObject({ causes: [], exercised: 1 });
    expect(causes(resourcesBounded, trace(cycle({ memslots: slots(2) }, { memslots: slots(1) })))).toEqual(
      [],
    );
  });

  it('reports an mmap of a BAR that is left when all devices are unplugged', () => {
    const munmap = { type: 'munmap', device: 'dev0', bar: 0, offset: offset(0n), size: PAGE } as const;
    const ends = (events: readonly VmmEvent[], errno: Errno = 0) =>
      trace([{ state: state(), events: [mmapEvent(0n, PAGE, { errno })] }], {
        teardown: { events, containers: [] },
      });
    expect(causes(resourcesBounded, ends([munmap]))).toEqual([]);
    expect(causes(resourcesBounded, ends([], Errno.EINVAL))).toEqual([]);
    expect(causes(resourcesBounded, ends([]))).toEqual(['mmaps-left']);
    expect(causes(resourcesBounded, ends([{ ...munmap, bar: 1 }]))).toEqual(['mmaps-left']);
    expect(causes(resourcesBounded, { ...ends([]), teardown: undefined })).toEqual([]);
  });

  it('takes flash that shows its contents for another memory map than flash that shows registers', () => {
    const flash = (romdMode: boolean, readonly = false) => [{ ...flat(0n, PAGE), romdMode, readonly }];
    const between = (first: ReturnType<typeof flash>, last: ReturnType<typeof flash>) =>
      causes(
        resourcesBounded,
        trace(cycle({ flatView: first, memslots: slots(1) }, { flatView: last, memslots: slots(2) })),
      );
    expect(between(flash(false), flash(true))).toEqual([]);
    expect(between(flash(false, true), flash(false))).toEqual([]);
    expect(between(flash(true), flash(true))).toEqual(['memslots-grow']);
  });

  it('reports memslots, mappings and windows that grow', () => {
    expect(causes(resourcesBounded, trace(cycle({ memslots: slots(1) }, { memslots: slots(2) })))).toEqual([
      'memslots-grow',
    ]);
    expect(causes(resourcesBounded, trace(cycle(mapped(1), mapped(2))))).toEqual(['mappings-grow']);
    const [first, second, third] = cycle(mapped(1), mapped(1));
    const window = windowEvent('window-create', PAGE, PAGE);
    expect(causes(resourcesBounded, trace([first!, second!, { ...third, events: [window] }]))).toEqual([
      'windows-grow',
    ]);
    const removed = windowEvent('window-remove', PAGE, PAGE);
    expect(
      causes(resourcesBounded, trace([first!, second!, { ...third, events: [window, removed] }])),
    ).toEqual([]);
  });

  it('says nothing where the host has refused a call: it may grant it later', () => {
    const [first, second, third] = cycle({ memslots: slots(1) }, { memslots: slots(2) });
    const refused = memslotEvent(memslot(0n, PAGE), Errno.EINVAL);
    expect(causes(resourcesBounded, trace([{ ...first, events: [refused] }, second!, third!]))).toEqual([]);
  });

  it('says nothing of two states, which have no cycle between them', () => {
    const [first, , third] = cycle({ memslots: slots(1) }, { memslots: slots(2) });
    expect(judge(resourcesBounded, trace([first!, third!]))).toMatchObject({ causes: [], exercised: 0 });
  });

  it('goes on after a refused mmap of a BAR, and after what the host cannot refuse', () => {
    const [first, second, third] = cycle({ memslots: slots(1) }, { memslots: slots(2) });
    const after = (event: VmmEvent) =>
      causes(resourcesBounded, trace([{ ...first, events: [event] }, second!, third!]));
    expect(after(mmapEvent(0n, PAGE, { errno: Errno.ENOMEM }))).toEqual(['memslots-grow']);
    expect(after(message())).toEqual(['memslots-grow']);
  });

  it.each<readonly [string, State['flatView']]>([
    ['start', [flat(PAGE, 3n * PAGE), LAST]],
    ['end', [flat(0n, 3n * PAGE), LAST]],
    ['offset', [flat(0n, 4n * PAGE, region('ram'), { offset: PAGE }), LAST]],
    ['region', [flat(0n, 4n * PAGE, region('rom')), LAST]],
    ['number of ranges', [flat(0n, 4n * PAGE)]],
  ])('takes no memory map for the same with another %s', (_, other) => {
    const same = [flat(0n, 4n * PAGE), LAST];
    const grows = (before: Partial<State>, after: Partial<State>) =>
      causes(
        resourcesBounded,
        trace(cycle({ ...before, memslots: slots(1) }, { ...after, memslots: slots(2) })),
      );
    // Both have equal ranges, rendered anew.
    const again = [flat(0n, 4n * PAGE), flat(8n * PAGE, PAGE)];
    expect(grows({ flatView: same }, { flatView: again })).toEqual(['memslots-grow']);
    expect(grows({ flatView: same }, { flatView: other })).toEqual([]);
    const dma = (view: State['flatView']) => ({ flatView: same, dmaView: view });
    expect(grows(dma([...same]), dma(again))).toEqual(['memslots-grow']);
    expect(grows(dma([...same]), dma(other))).toEqual([]);
    // Devices see what the CPUs see, and then something else.
    expect(grows({ flatView: same }, dma(other))).toEqual([]);
    expect(grows(dma(other), { flatView: same })).toEqual([]);
  });

  it('looks at each of the mmaps of a BAR', () => {
    const left = (munmapped: object, mmaps = [mmapEvent(PAGE, PAGE)]) => {
      const munmap = { type: 'munmap', device: 'dev0', bar: 0, offset: offset(PAGE), size: PAGE } as const;
      const events = [{ ...munmap, ...munmapped }];
      const made = trace([{ state: state(), events: mmaps }], { teardown: { events, containers: [] } });
      return judge(resourcesBounded, made).violations.map(({ message: text }) => text);
    };
    const words = 'the mmap of dev0 BAR 0 [0x1000, 0x1fff] is left when all devices are unplugged';
    expect(left({})).toEqual([]);
    expect(left({ device: 'dev1' })).toEqual([words]);
    expect(left({ bar: 1 })).toEqual([words]);
    expect(left({ offset: offset(0n) })).toEqual([words]);
    expect(left({ size: 2n * PAGE })).toEqual([words]);
    expect(left({ offset: offset(0n) }, [mmapEvent(PAGE, PAGE), mmapEvent(0n, PAGE)])).toEqual([words]);
    expect(left({}, [mmapEvent(0n, PAGE), mmapEvent(PAGE, PAGE)])).toEqual([
      'the mmap of dev0 BAR 0 [0x0, 0xfff] is left when all devices are unplugged',
    ]);
  });

  it('names what grows', () => {
    const words = (judged: Trace) =>
      judge(resourcesBounded, judged).violations.map(({ message: text }) => text);
    expect(words(trace(cycle({ memslots: slots(1) }, { memslots: slots(2) })))).toEqual([
      'the same memory map needs 2 memslots, and 1 the first time',
    ]);
    const made = (slot: number, size = PAGE) => memslotEvent({ ...memslot(0n, size), slot });
    expect(words(trace([{ events: [made(0), made(0, 0n), made(1)] }, {}, {}]))).toEqual([
      'slot 1 is in use, although never more than 1 slots were in use at once',
    ]);
  });

  it('reports a slot number that is never used again', () => {
    const made = (slot: number) => memslotEvent({ ...memslot(0n, PAGE), slot });
    const gone = (slot: number) => memslotEvent({ ...memslot(0n, PAGE), slot, size: 0n });
    const steps = (...events: ReturnType<typeof made>[]) => trace([{ events }, {}, {}]);
    expect(causes(resourcesBounded, steps(made(0), gone(0), made(0)))).toEqual([]);
    expect(causes(resourcesBounded, steps(made(0), made(1), gone(0), made(0)))).toEqual([]);
    expect(causes(resourcesBounded, steps(made(0), gone(0), made(1)))).toEqual(['slot-numbers-grow']);
  });
});

describe('resources-bounded for what the VMM hands out', () => {
  type Op = Trace['steps'][number]['operation'];
  const plugged = (address: bigint | undefined) => device([bar(0, PAGE, { address })]);
  const done = (...steps: readonly (readonly [operation: Op, last: State])[]): Trace => {
    const whole = trace(steps.map(([, last]) => ({ state: last })));
    return { ...whole, steps: whole.steps.map((step, index) => ({ ...step, operation: steps[index]![0] })) };
  };
  const [start, plug, unplug] = [
    { op: 'start' },
    { op: 'hotplug', device: 'dev0' },
    { op: 'unplug', device: 'dev0' },
  ] as const;
  const without = (open: boolean) => state(open ? mapped(1) : {});
  const cycled = (first: bigint | undefined, second: bigint | undefined, between: Op = unplug) =>
    causes(
      resourcesBounded,
      done(
        [start, without(false)],
        [plug, state({ devices: [plugged(first)] })],
        [between, without(false)],
        [plug, state({ devices: [plugged(second)] })],
      ),
    );

  it('reports a container that stays open without a device', () => {
    const of = (open: boolean) =>
      causes(
        resourcesBounded,
        done(
          [start, state({ devices: [plugged(0n)] })],
          [unplug, without(open)],
          [{ op: 'reset' }, without(open)],
        ),
      );
    expect(of(false)).toEqual([]);
    expect(of(true)).toEqual(['container-stays-open']);
  });

  it('reports a device that gets other addresses the second time', () => {
    expect(cycled(0x8000_0000n, 0x8000_0000n)).toEqual([]);
    expect(cycled(undefined, undefined)).toEqual([]);
    expect(cycled(0x8000_0000n, 0x7fff_f000n)).toEqual(['addresses-lost']);
  });

  it('says nothing of a VMM that gives BARs no address, or 0, until the guest places them', () => {
    expect(cycled(undefined, 0n)).toEqual([]);
    expect(cycled(0n, undefined)).toEqual([]);
    expect(cycled(0x8000_0000n, undefined)).toEqual(['addresses-lost']);
  });

  it('says nothing once the guest has moved a BAR', () => {
    const moved = { op: 'set-bar', device: 'dev0', bar: 0, address: 0x9000_0000n } as const;
    expect(cycled(0x8000_0000n, 0x7fff_f000n, moved)).toEqual([]);
    // A write while decoding is off changes no state.
    const first = state({ devices: [plugged(0x8000_0000n)] });
    const second = state({ devices: [plugged(0x7fff_f000n)] });
    const off = without(false);
    const written = done([start, off], [plug, first], [moved, first], [unplug, off], [plug, second]);
    expect(causes(resourcesBounded, written)).toEqual([]);
  });

  it('names the container that stays open', () => {
    const ends = done(
      [start, state({ devices: [plugged(0n)] })],
      [unplug, without(true)],
      [{ op: 'reset' }, without(true)],
    );
    expect(judge(resourcesBounded, ends).violations.map(({ message: text }) => text)).toEqual([
      'container stays open, although the last device is unplugged',
    ]);
  });

  it('lets a container stay open for a device that stays', () => {
    const stays = state({ ...mapped(1), devices: [device([bar(0, PAGE)], undefined, { id: 'dev1' })] });
    expect(
      causes(resourcesBounded, done([start, stays], [unplug, { ...stays }], [{ op: 'reset' }, stays])),
    ).toEqual([]);
  });

  const two = (first: bigint | undefined, second: bigint | undefined) =>
    state({
      devices: [
        device([bar(0, PAGE, { address: first }), bar(2, PAGE)]),
        device([bar(0, PAGE, { address: second })], undefined, { id: 'dev1' }),
      ],
    });
  const [A, B] = [0x8000_0000n, 0x9000_0000n];

  it('reports a reset after which devices have other addresses, and names all of them', () => {
    const reset = { op: 'reset' } as const;
    const off = { op: 'disable-memory', device: 'dev0' } as const;
    const ends = (last: State, between: Op = off) =>
      done([start, two(A, B)], [between, two(undefined, B)], [reset, last]);
    expect(causes(resourcesBounded, ends(two(A, B)))).toEqual([]);
    expect(judge(resourcesBounded, ends(two(B, A))).violations.map(({ message: text }) => text)).toEqual([
      'the BARs lie at dev0: 0x90000000, -; dev1: 0x80000000; the first time, beside the same devices, ' +
        'they lay at dev0: 0x80000000, -; dev1: 0x90000000',
    ]);
    const sized = { op: 'size-bar', device: 'dev0', bar: 0 } as const;
    expect(causes(resourcesBounded, ends(two(B, A), sized))).toEqual([]);
  });

  it('compares the addresses of a plugged device where those beside it have the same addresses', () => {
    const alone = (address: bigint) =>
      state({ devices: [device([bar(0, PAGE, { address })], undefined, { id: 'dev1' })] });
    const cycles = (second: State, last: State) =>
      causes(resourcesBounded, done([start, alone(B)], [plug, two(A, B)], [unplug, second], [plug, last]));
    expect(cycles(alone(B), two(A, B))).toEqual([]);
    expect(cycles(alone(B), two(A + PAGE, B))).toEqual(['addresses-lost']);
    expect(cycles(alone(B + PAGE), two(A + PAGE, B + PAGE))).toEqual([]);
    expect(cycles(alone(B + PAGE), two(A, B + PAGE))).toEqual([]);
  });

  it('takes no devices for the same whose ids are the same only without a gap', () => {
    const devices = (address: bigint, ...ids: readonly string[]) =>
      state({ devices: ids.map((id) => device([bar(0, PAGE, { address })], undefined, { id })) });
    const ends = done(
      [start, devices(A, 'a', 'bc')],
      [{ op: 'unplug', device: 'a' }, without(false)],
      [{ op: 'reset' }, devices(B, 'ab', 'c')],
    );
    expect(causes(resourcesBounded, ends)).toEqual([]);
  });

  it('takes an area that is mmapped anew in the place of the first mmap for one', () => {
    const areas = [mmapEvent(0n, PAGE), mmapEvent(PAGE, PAGE), mmapEvent(0n, PAGE)];
    const munmaps = [0n, PAGE].map(
      (at) => ({ type: 'munmap', device: 'dev0', bar: 0, offset: offset(at), size: PAGE }) as const,
    );
    const judged = trace([{ state: state(), events: areas }], {
      teardown: { events: munmaps, containers: [] },
    });
    expect(causes(resourcesBounded, judged)).toEqual([]);
  });
});
