import { describe, expect, it } from 'vitest';
import { Errno } from '../host/index.ts';
import { ramReachable } from './ram-reachable.ts';
import { unregisteredRam } from './unregistered-ram.ts';
import {
  HOST_BASE,
  PAGE,
  container,
  flat,
  judge,
  memslot,
  registerEvent,
  scenario,
  state,
  trace,
} from './testing/index.ts';

const SIZE = 4n * PAGE;
const onPower = scenario({
  machine: { type: 'pseries' },
  host: { iommu: { type: 'spapr-tce-v2', pageSizes: ['0x1000'] } },
});
const registered = (size: bigint, errno: Errno = 0) => ({
  ...registerEvent(size, errno),
  hostAddress: HOST_BASE,
});
type Event = ReturnType<typeof registered>;
const judged = (events: readonly Event[], on = onPower) =>
  judge(
    ramReachable,
    trace(
      [
        {
          events: events as never,
          state: state({
            flatView: [flat(0n, SIZE)],
            dmaView: [],
            containers: [container([])],
            memslots: [memslot(0n, SIZE, { hostAddress: HOST_BASE })],
          }),
        },
      ],
      { scenario: on },
    ),
  );
const of = (events: readonly Event[], on = onPower) => judged(events, on).causes;

describe('ram-reachable on POWER', () => {
  it('accepts RAM that the container has registered', () => {
    expect(of([registered(SIZE)])).toEqual([]);
  });

  it('reports RAM that is not registered, or only in part', () => {
    expect(of([])).toEqual(['not-registered']);
    expect(of([registered(SIZE - PAGE)])).toEqual(['not-registered']);
  });

  it('names RAM that is not registered', () => {
    expect(judged([]).violations).toMatchObject([
      {
        message: 'RAM at [0x0, 0x3fff] is not registered, so the kernel refuses to map it for the guest',
        at: { start: 0n, end: SIZE },
      },
    ]);
  });

  it('reports RAM that was unregistered', () => {
    const gone = { ...registered(SIZE), type: 'unregister-memory' } as unknown as Event;
    expect(of([registered(SIZE), gone])).toEqual(['not-registered']);
  });

  it('says nothing where the kernel refused to register, and on other hosts', () => {
    expect(of([registered(SIZE, Errno.ENOMEM)])).toEqual([]);
    expect(of([], scenario())).toEqual([]);
  });
});

describe('unregisteredRam', () => {
  const RAM_STATE = state({
    flatView: [flat(0n, SIZE)],
    containers: [container([])],
    memslots: [memslot(0n, SIZE, { hostAddress: HOST_BASE })],
  });
  const found = (parts: Partial<typeof RAM_STATE> = {}, events: readonly Event[] = [], more: object = {}) =>
    unregisteredRam(
      trace([{}, { events: events as never, state: { ...RAM_STATE, ...parts } }], {
        scenario: onPower,
        ...more,
      }),
    );

  it('is the RAM of a slot that lies outside of what is registered', () => {
    expect(found()).toMatchObject({ start: 0n, end: SIZE });
    expect(found({}, [registered(SIZE)])).toBeUndefined();
  });

  it('is none without a step, without a container, or when the VMM died', () => {
    expect(unregisteredRam(trace([], { scenario: onPower }))).toBeUndefined();
    expect(found({ containers: [] })).toBeUndefined();
    expect(found({}, [], { outcome: 'aborted' })).toBeUndefined();
    expect(found({}, [], { outcome: 'rejected' })).toBeDefined();
  });

  it('goes by the slot with exactly the addresses of the RAM', () => {
    const slots = (...memslots: typeof RAM_STATE.memslots) => found({ memslots });
    expect(slots()).toBeUndefined();
    expect(slots(memslot(0n, PAGE, { hostAddress: HOST_BASE }))).toBeUndefined();
    expect(slots(memslot(PAGE, SIZE - PAGE, { hostAddress: HOST_BASE }))).toBeUndefined();
    const registeredElsewhere = memslot(0n, PAGE, { hostAddress: 0x1000n });
    const own = memslot(0n, SIZE, { hostAddress: HOST_BASE });
    expect(found({ memslots: [registeredElsewhere, own] }, [registered(SIZE)])).toBeUndefined();
  });

  it('goes by the requests of the container, and by no other', () => {
    const foreign = { ...registered(SIZE), container: 'other' } as Event;
    expect(found({}, [foreign])).toBeDefined();
    expect(found({}, [{ ...foreign, errno: Errno.ENOMEM } as Event])).toBeDefined();
    expect(found({}, [registered(SIZE, Errno.ENOMEM)])).toBeUndefined();
    expect(found({}, [registered(PAGE, Errno.ENOMEM)])).toBeUndefined();
  });
});
