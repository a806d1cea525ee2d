import { describe, expect, it } from 'vitest';
import { Errno } from '../host/index.ts';
import type { VmmEvent } from '../vfio/index.ts';
import { Examination } from './invariant.ts';
import {
  PAGE,
  container,
  flat,
  mapEvent,
  mapping,
  memslot,
  memslotEvent,
  region,
  windowEvent,
} from './testing/index.ts';
import { UnmappedReasons } from './unmapped-reasons.ts';

const AT = 0xc000_0000n;
const MMAP = region('dev0 BAR 0 mmaps[0]', 'ram-device', 'dev0');
const RANGE = flat(AT, PAGE, MMAP);

/** What is said of device memory at `AT` after these events, in a container with these mappings. */
function said(
  events: readonly VmmEvent[],
  mappings: readonly ReturnType<typeof mapping>[] = [],
  range = RANGE,
): readonly string[] {
  const examination = new Examination('ram-reachable', { step: 0 });
  const reasons = new UnmappedReasons(examination);
  for (const event of events) reasons.note(event);
  reasons.judge([range], [container(mappings)]);
  return examination.violations.map(({ message }) => message);
}

const UNEXPLAINED = [
  'container maps nothing of [0xc0000000, 0xc0000fff] "dev0 BAR 0 mmaps[0]", and the VMM does not say why',
];

describe('the reason why a container maps nothing of device memory', () => {
  it('is needed for device memory alone', () => {
    expect(said([])).toEqual(UNEXPLAINED);
    expect(said([], [], flat(AT, PAGE))).toEqual([]);
  });

  it('is not needed where the container maps a byte', () => {
    expect(said([], [mapping(AT, PAGE)])).toEqual([]);
    expect(said([], [mapping(AT - PAGE, PAGE + 1n)])).toEqual([]);
    expect(said([], [mapping(AT + PAGE - 1n, PAGE)])).toEqual([]);
    expect(said([], [mapping(AT - PAGE, PAGE)])).toEqual(UNEXPLAINED);
    expect(said([], [mapping(AT + PAGE, PAGE)])).toEqual(UNEXPLAINED);
  });

  it('is a map or a window that the host has refused, for some of the addresses', () => {
    const refused = { errno: Errno.EINVAL };
    expect(said([mapEvent(AT, PAGE, refused)])).toEqual([]);
    expect(said([windowEvent('window-create', AT, PAGE, refused)])).toEqual([]);
    expect(said([mapEvent(0n, PAGE, refused), mapEvent(AT, PAGE, refused)])).toEqual([]);
    expect(said([mapEvent(AT + PAGE, PAGE, refused)])).toEqual(UNEXPLAINED);
  });

  it('is nothing that the host has granted, of another container, or for the CPU', () => {
    const refused = { errno: Errno.EINVAL };
    expect(said([mapEvent(AT, PAGE)])).toEqual(UNEXPLAINED);
    expect(said([windowEvent('window-create', AT, PAGE)])).toEqual(UNEXPLAINED);
    expect(said([windowEvent('window-remove', AT, PAGE, refused)])).toEqual(UNEXPLAINED);
    expect(said([mapEvent(AT, PAGE, { ...refused, container: 'other' })])).toEqual(UNEXPLAINED);
    expect(said([memslotEvent(memslot(AT, PAGE), Errno.EINVAL)])).toEqual(UNEXPLAINED);
  });
});
