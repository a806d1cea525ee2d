import { describe, expect, it } from 'vitest';
import { HostBases, SameBases } from './host-bases.ts';
import { HOST_BASE, PAGE, mapping, memslot, type BackingOptions } from './testing/index.ts';

const MOVED = 0x7e00_0000_0000n;
const shows = (backing: BackingOptions = {}) => mapping(0n, PAGE, backing);
const hidden = { ...shows(), hostAddress: undefined };

describe('HostBases.agrees', () => {
  it('holds later pieces of a region to the host address of the first piece', () => {
    const bases = new HostBases();
    expect(bases.agrees(shows({ offset: PAGE }))).toBe(true);
    expect(bases.agrees(memslot(0n, PAGE))).toBe(true);
    expect(bases.agrees(shows({ offset: PAGE, hostAddress: HOST_BASE }))).toBe(false);
    expect(bases.agrees(shows({ hostAddress: MOVED }))).toBe(false);
  });

  it('goes on to compare with the first piece after one that differs', () => {
    const bases = new HostBases();
    const found = [shows(), shows({ hostAddress: MOVED }), shows()].map((each) => bases.agrees(each));
    expect(found).toEqual([true, false, true]);
  });

  it('keeps regions apart by name and by owner', () => {
    const bases = new HostBases();
    expect(bases.agrees(shows())).toBe(true);
    expect(bases.agrees(shows({ region: 'rom', hostAddress: MOVED }))).toBe(true);
    expect(bases.agrees(shows({ owner: 'dev0', hostAddress: MOVED }))).toBe(true);
    expect(bases.agrees(shows({ owner: 'dev1', hostAddress: HOST_BASE }))).toBe(true);
  });

  it('passes over a mapping without a host address, before and after one that has an address', () => {
    const bases = new HostBases();
    expect(bases.agrees(hidden)).toBe(true);
    expect(bases.agrees(shows({ hostAddress: MOVED }))).toBe(true);
    expect(bases.agrees(hidden)).toBe(true);
  });
});

describe('SameBases.follow', () => {
  type Shown = ReturnType<typeof shows> | typeof hidden;
  /** Whether host addresses differ after these changes, each of them what is added and what is removed. */
  const differAfter = (
    ...changes: readonly (readonly [added: readonly Shown[], removed: readonly Shown[]])[]
  ) => {
    const bases = new SameBases();
    for (const [added, removed] of changes) bases.follow({ added, removed });
    return bases.differ;
  };
  const moved = shows({ hostAddress: MOVED });

  it('finds no difference at first, nor between pieces of one region', () => {
    expect(differAfter()).toBe(false);
    expect(differAfter([[shows(), shows({ offset: PAGE })], []])).toBe(false);
  });

  it('finds a region at two host addresses, in one change or in two', () => {
    expect(differAfter([[shows(), moved], []])).toBe(true);
    expect(differAfter([[shows()], []], [[moved], []])).toBe(true);
  });

  it('remembers a difference that is over', () => {
    expect(differAfter([[shows(), moved], []], [[], [shows(), moved]])).toBe(true);
  });

  it('keeps regions apart by name and by owner', () => {
    const others = [
      shows({ region: 'rom', hostAddress: MOVED }),
      shows({ owner: 'dev0', hostAddress: MOVED }),
      shows({ owner: 'dev1', hostAddress: MOVED + PAGE }),
    ];
    expect(differAfter([[shows(), ...others], []])).toBe(false);
  });

  it('passes over mappings without a host address, added or removed', () => {
    expect(differAfter([[hidden, moved], []])).toBe(false);
    expect(differAfter([[moved, hidden], []])).toBe(false);
    expect(differAfter([[hidden], []], [[], [hidden]])).toBe(false);
    // The piece with an address is still there when the piece without one goes.
    expect(differAfter([[shows(), hidden], []], [[], [hidden]], [[moved], []])).toBe(true);
  });

  it('forgets the host address of a region when its last piece goes, and not before', () => {
    const two = [shows(), shows({ offset: PAGE })];
    expect(differAfter([two, []], [[], [two[0]!]], [[moved], []])).toBe(true);
    expect(differAfter([two, []], [[], two], [[moved], []])).toBe(false);
    // A change removes before it adds: the region has moved.
    expect(differAfter([[shows()], []], [[moved], [shows()]])).toBe(false);
    // Only the region that went is forgotten.
    const rom = shows({ region: 'rom' });
    const movedRom = shows({ region: 'rom', hostAddress: MOVED });
    expect(differAfter([[shows(), rom], []], [[], [shows()]], [[movedRom], []])).toBe(true);
    expect(differAfter([[rom, shows()], []], [[], [shows()]], [[movedRom], []])).toBe(true);
  });
});
