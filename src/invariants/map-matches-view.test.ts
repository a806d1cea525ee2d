import { describe, expect, it } from 'vitest';
import { mapMatchesView } from './map-matches-view.ts';
import {
  END,
  PAGE,
  causes,
  container,
  device,
  flat,
  judge,
  mapping,
  region,
  saysNothing,
  state,
  traceOfStates,
} from './testing/index.ts';

type Ranges = readonly ReturnType<typeof flat>[];
type Mappings = readonly ReturnType<typeof mapping>[];

const AT = 0x10_0000n;
const SIZE = 0x1_0000n;
const MMAP = region('dev0 BAR 0 mmaps[0]', 'ram-device', 'dev0');
const ram = [flat(AT, SIZE)];
const shows = (flatView: Ranges, mappings: Mappings) =>
  traceOfStates([state({ flatView, containers: [container(mappings)] })]);
const of = (flatView: Ranges, mappings: Mappings) => causes(mapMatchesView, shows(flatView, mappings));

describe('map-matches-view', () => {
  it('accepts mappings of a flat range or of a part of it', () => {
    const mappings = [mapping(AT, PAGE), mapping(AT + SIZE - PAGE, PAGE, { offset: SIZE - PAGE })];
    expect(judge(mapMatchesView, shows(ram, mappings))).toMatchObject({ causes: [], exercised: 2 });
    const bar = [flat(AT, SIZE, MMAP)];
    expect(of(bar, [mapping(AT, SIZE, { region: MMAP.name, owner: 'dev0' })])).toEqual([]);
    expect(of([flat(END - PAGE, PAGE)], [mapping(END - PAGE, PAGE)])).toEqual([]);
  });

  it('reports memory that no device may reach', () => {
    expect(of([flat(AT, SIZE, { ...region('ram'), isProtected: true })], [mapping(AT, SIZE)])).toEqual([
      'protected',
    ]);
  });

  it.each<[string, Ranges, ReturnType<typeof mapping>]>([
    ['the flat view has nothing there', [], mapping(AT, SIZE)],
    ['the range begins one byte later', [flat(AT + 1n, SIZE)], mapping(AT, SIZE)],
    ['the range ends where the mapping begins', [flat(AT - SIZE, SIZE)], mapping(AT, SIZE)],
    ['the range lies above', [flat(AT + SIZE, SIZE)], mapping(AT, SIZE)],
    ['the range has another region', ram, mapping(AT, SIZE, { region: 'rom' })],
    ['the range has the region of a device', ram, mapping(AT, SIZE, { owner: 'dev0' })],
    ['the range has another part of the region', ram, mapping(AT, SIZE, { offset: PAGE })],
    ['the region is not RAM', [flat(AT, SIZE, region('ram', 'io'))], mapping(AT, SIZE)],
    ['the region is a ROM device', [flat(AT, SIZE, region('ram', 'rom-device'))], mapping(AT, SIZE)],
  ])('calls a mapping stale when %s', (_, view, mapped) => {
    const judged = judge(mapMatchesView, shows(view, [mapped]));
    expect(judged.causes).toEqual(['stale']);
    expect(judged.violations[0]!.at).toEqual({ start: AT, end: AT + SIZE });
  });

  it('calls a mapping too long when its range ends a byte earlier, also with an adjacent range behind', () => {
    expect(of([flat(AT, SIZE - 1n)], [mapping(AT, SIZE)])).toEqual(['too-long']);
    expect(of(ram, [mapping(AT, SIZE)])).toEqual([]);
    const rest = flat(AT + PAGE, SIZE - PAGE, region('other'));
    expect(of([flat(AT, PAGE), rest], [mapping(AT, SIZE)])).toEqual(['too-long']);
  });

  it('reports a writable mapping of ROM and a read-only mapping of RAM', () => {
    const rom = [flat(AT, SIZE, undefined, { readonly: true })];
    expect(of(rom, [mapping(AT, SIZE)])).toEqual(['wrong-permission']);
    expect(of(rom, [mapping(AT, SIZE, { readonly: true })])).toEqual([]);
    expect(of(ram, [mapping(AT, SIZE, { readonly: true })])).toEqual(['wrong-permission']);
  });

  it('checks every container against the flat view for DMA', () => {
    const containers = [container([mapping(AT, SIZE)]), container([mapping(0n, PAGE)], 'dev1')];
    const judged = judge(mapMatchesView, traceOfStates([state({ flatView: ram, containers })]));
    expect(judged).toMatchObject({ causes: ['stale'], exercised: 2 });
    expect(judged.violations[0]!.message).toBe(
      'dev1 maps [0x0, 0xfff] to "ram", but the flat view has something else there',
    );
    const apart = state({ flatView: ram, dmaView: [], containers: [container([mapping(AT, SIZE)])] });
    expect(causes(mapMatchesView, traceOfStates([apart]))).toEqual(['stale']);
  });

  it('checks every state that differs, but not the state that a dying VMM leaves', () => {
    const good = state({ flatView: ram, containers: [container([mapping(AT, SIZE)])] });
    const bad = { ...good, dmaView: [] };
    expect(judge(mapMatchesView, traceOfStates([good, { ...good, memslots: [] }, bad]))).toMatchObject({
      exercised: 2,
      violations: [{ step: 2 }],
    });
    expect(causes(mapMatchesView, traceOfStates([good, bad], { outcome: 'aborted' }))).toEqual([]);
    expect(causes(mapMatchesView, traceOfStates([bad, good], { outcome: 'aborted' }))).toEqual(['stale']);
    expect(causes(mapMatchesView, traceOfStates([bad], { outcome: 'rejected' }))).toEqual(['stale']);
  });

  it('checks nothing where nothing is mapped', () => {
    expect(saysNothing(mapMatchesView, shows(ram, []))).toBe(true);
    expect(saysNothing(mapMatchesView, traceOfStates([state({ flatView: ram })]))).toBe(true);
  });

  it('reports a mapping of an unplugged device, even where the flat view still has its region', () => {
    const mapped = mapping(AT, SIZE, { region: MMAP.name, owner: 'dev0' });
    const here = state({
      flatView: [flat(AT, SIZE, MMAP)],
      containers: [container([mapped])],
      devices: [device([])],
    });
    const judged = judge(mapMatchesView, traceOfStates([here, { ...here, devices: [] }]));
    expect(judged.violations).toMatchObject([{ cause: 'owner-gone', step: 1 }]);
    expect(
      causes(mapMatchesView, traceOfStates([here, { ...here, devices: [], containers: [] }, here])),
    ).toEqual([]);
  });

  it('calls a mapping stale that begins in front of its memory', () => {
    expect(of([flat(AT + PAGE, SIZE, undefined, { offset: PAGE })], [mapping(AT, 2n * PAGE)])).toEqual([
      'stale',
    ]);
  });

  it('looks at a new mapping, whether the view changes elsewhere or not', () => {
    const wrong = mapping(AT, PAGE, { region: 'rom' });
    const good = mapping(AT + PAGE, PAGE, { offset: PAGE });
    const before = state({ flatView: ram, containers: [container([good], 'a'), container([], 'b')] });
    const containers = [container([good], 'a'), container([wrong], 'b')];
    const after = (flatView: Ranges) => {
      const { violations, exercised } = judge(
        mapMatchesView,
        traceOfStates([before, state({ flatView, dmaView: flatView, containers })]),
      );
      return { exercised, found: violations.map(({ cause, step }) => [cause, step]) };
    };
    const found = [['stale', 1]];
    // The mapping of the start, and then the new one alone.
    expect(after([...ram, flat(0x8000_0000n, PAGE)])).toEqual({ found, exercised: 2 });
    const same = traceOfStates([before, { ...before, containers }]);
    expect(judge(mapMatchesView, same)).toMatchObject({
      exercised: 2,
      violations: [{ cause: 'stale', step: 1 }],
    });
  });

  it('reports a mapping of virtio-mem that begins in a plugged block and ends behind the plugged ones', () => {
    const memory = [flat(AT, SIZE, { ...region('ram'), discards: {} })];
    const plugged = (end: bigint) => new Map([['ram', [{ start: 0n, end }]]]);
    const among = (end: bigint) =>
      causes(
        mapMatchesView,
        traceOfStates([
          state({ flatView: memory, containers: [container([mapping(AT, SIZE)])], plugged: plugged(end) }),
        ]),
      );
    expect(among(SIZE)).toEqual([]);
    expect(among(SIZE - PAGE)).toEqual(['not-plugged']);
  });
});
