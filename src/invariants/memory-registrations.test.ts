import { describe, expect, it } from 'vitest';
import { hostAddress } from '../address/index.ts';
import { Errno } from '../host/index.ts';
import type { VmmEvent } from '../vfio/index.ts';
import { resourcesBounded } from './resources-bounded.ts';
import {
  HOST_BASE,
  PAGE,
  causes,
  container,
  flat,
  judge,
  region,
  registerEvent,
  state,
  trace,
} from './testing/index.ts';

const at = (page: bigint) => ({ hostAddress: hostAddress(HOST_BASE + page * PAGE) });
const add = (page: bigint, pages: bigint, errno: Errno = 0, name = 'container') =>
  registerEvent(pages * PAGE, errno, { ...at(page), container: name });
const remove = (page: bigint, pages: bigint, errno: Errno = 0) =>
  registerEvent(pages * PAGE, errno, { ...at(page), type: 'unregister-memory' });

const one = [flat(0n, PAGE)];
const two = [...one, flat(8n * PAGE, PAGE, region('dimm'))];
const open = [container([])];
const showing = (flatView: typeof one, containers = open) => state({ flatView, containers });

/** A container with RAM of a page; more comes and, with `events`, goes again. */
const cycle = (...events: VmmEvent[]) =>
  trace([
    { state: showing(one), events: [add(0n, 1n)] },
    { state: showing(two), events: [add(4n, 1n)] },
    { state: showing(one), events },
  ]);

describe('resources-bounded for registered memory', () => {
  it('accepts registrations that leave with their RAM', () => {
    expect(judge(resourcesBounded, cycle(remove(4n, 1n)))).toMatchObject({ causes: [] });
    expect(judge(resourcesBounded, cycle(remove(4n, 1n))).exercised).toBeGreaterThanOrEqual(3);
  });

  it('reports a registration that is left, or whose end the host refuses', () => {
    expect(judge(resourcesBounded, cycle()).violations).toMatchObject([
      {
        cause: 'registration-left',
        step: 2,
        message: 'container has 0x2000 bytes of memory registered, and the guest has 0x1000 bytes of RAM',
      },
    ]);
    expect(causes(resourcesBounded, cycle(remove(4n, 1n, Errno.ENOENT)))).toEqual(['registration-left']);
    expect(causes(resourcesBounded, cycle(remove(5n, 1n)))).toEqual(['registration-left']);
  });

  it('does not count what the host has refused to register', () => {
    expect(causes(resourcesBounded, cycle(remove(4n, 1n), add(5n, 1n, Errno.EINVAL)))).toEqual([]);
  });

  it('counts RAM and ROM, but no memory of devices', () => {
    const of = (flatView: typeof one) =>
      causes(resourcesBounded, trace([{ state: showing(flatView), events: [add(0n, 2n)] }]));
    expect(of([{ ...flat(0n, 2n * PAGE), readonly: true }])).toEqual([]);
    expect(of([...one, flat(8n * PAGE, PAGE, region('BAR', 'ram-device'))])).toEqual(['registration-left']);
  });

  it('counts for each container, until it is closed', () => {
    const both = [container([]), container([], 'another')];
    const each = trace([{ state: showing(one, both), events: [add(0n, 1n), add(0n, 1n, 0, 'another')] }]);
    expect(causes(resourcesBounded, each)).toEqual([]);
    // The host unregisters what a closed container has left (host fact 3.6).
    const again = trace([
      { state: showing(one), events: [add(0n, 1n)] },
      { state: showing(one, []) },
      { state: showing(one), events: [add(4n, 1n)] },
    ]);
    expect(causes(resourcesBounded, again)).toEqual([]);
  });
});
