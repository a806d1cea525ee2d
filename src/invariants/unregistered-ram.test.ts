import { describe, expect, it } from 'vitest';
import { Errno } from '../host/index.ts';
import { ramReachable } from './ram-reachable.ts';
import {
  HOST_BASE,
  PAGE,
  causes,
  container,
  flat,
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
const of = (events: readonly Event[], on = onPower) =>
  causes(
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

describe('ram-reachable on POWER', () => {
  it('accepts RAM that the container has registered', () => {
    expect(of([registered(SIZE)])).toEqual([]);
  });

  it('reports RAM that is not registered, or only in part', () => {
    expect(of([])).toEqual(['not-registered']);
    expect(of([registered(SIZE - PAGE)])).toEqual(['not-registered']);
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
