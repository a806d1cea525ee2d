import { describe, expect, it } from 'vitest';
import { offset } from '../address/index.ts';
import type { State } from '../trace/index.ts';
import type { AccessPart, Reached } from '../vfio/index.ts';
import { accessDispatched } from './access-dispatched.ts';
import {
  BAR_0,
  MMAP,
  MSIX,
  WITH_MSIX,
  accessTrace,
  bar,
  causes,
  device,
  flat,
  judge,
  part,
  reaches,
  region,
  saysNothing,
  state,
} from './testing/index.ts';

const seen = (
  [at, width, write = false]: Access,
  parts: readonly AccessPart[] | undefined,
  shown?: State,
  spec: object = {},
  machine: object = {},
) =>
  accessTrace({
    ...{ at, width, write, parts, machine },
    ...(shown && { flatView: shown.flatView, devices: shown.devices }),
    specs: [{ id: 'dev0', bars: [{ index: 0, size: '0x10000', type: 'mem64' }], msix: MSIX, ...spec }],
  });
type Access = readonly [at: bigint, width: 1 | 2 | 4 | 8, write?: boolean];

const { memory, table, device: onDevice, nothing: NOTHING } = reaches;
const AT = BAR_0;
const PLUGGED = [WITH_MSIX];
const pba = (at: bigint, first = 0, end = 4): Reached => reaches.pba(at, [first, end]);

describe('access-dispatched', () => {
  it.each<readonly [string, Access, readonly AccessPart[]]>([
    ['a read of an mmap', [0x10n, 8], [part(0x10n, 8, memory(0x10n))]],
    ['a write to the last entry', [0x803cn, 4, true], [part(0x803cn, 4, table(0x3cn))]],
    ['a read of half an entry', [0x8010n, 8], [part(0x8010n, 8, table(0x10n))]],
    [
      'a read across the end of the table',
      [0x803cn, 8],
      [part(0x803cn, 4, table(0x3cn)), part(0x8040n, 4, memory(0x8040n))],
    ],
    ['an unaligned read of the table that comes to nothing', [0x803cn, 8], [part(0x803cn, 8, NOTHING)]],
    ['a read of a byte of the table that comes to nothing', [0x8001n, 1], [part(0x8001n, 1, NOTHING)]],
    ['pending bits of the device', [0x9000n, 8], [part(0x9000n, 8, onDevice(0x9000n))]],
    ['pending bits of the VMM', [0x9000n, 8], [part(0x9000n, 8, pba(0n))]],
    ['a write to pending bits that is dropped', [0x9000n, 4, true], [part(0x9000n, 4, NOTHING)]],
    [
      'an unaligned access in two parts',
      [0xc002n, 4],
      [part(0xc002n, 2, onDevice(0xc002n)), part(0xc004n, 2, onDevice(0xc004n))],
    ],
    ['trapped registers', [0xc002n, 2, true], [part(0xc002n, 2, onDevice(0xc002n))]],
  ])('accepts %s', (_, access, parts) => {
    expect(judge(accessDispatched, seen(access, parts))).toMatchObject({ causes: [], exercised: 1 });
  });

  it.each<readonly [string, Access, readonly AccessPart[] | undefined, string]>([
    ['an access without an answer', [0x10n, 4], undefined, 'unanswered'],
    ['an access without parts', [0x10n, 4], [], 'bytes-lost'],
    ['a missing byte', [0x10n, 4], [part(0x10n, 3, memory(0x10n))], 'bytes-lost'],
    [
      'a byte twice',
      [0x10n, 4],
      [part(0x10n, 3, memory(0x10n)), part(0x12n, 2, memory(0x12n))],
      'bytes-lost',
    ],
    ['another place of the memory', [0x10n, 4], [part(0x10n, 4, memory(0x18n))], 'wrong-memory'],
    [
      'memory behind the start of the table',
      [0x7ffcn, 8],
      [part(0x7ffcn, 8, memory(0x7ffcn))],
      'memory-where-trapped',
    ],
    ['another entry', [0x8010n, 4], [part(0x8010n, 4, table(0x20n))], 'table-wrong-offset'],
    ['the table behind its end', [0x803cn, 8], [part(0x803cn, 8, table(0x3cn))], 'table-beyond-its-end'],
    ['the table in place of registers', [0xc000n, 4], [part(0xc000n, 4, table(0n))], 'table-beyond-its-end'],
    [
      'a legal access to the table refused',
      [0x8010n, 8],
      [part(0x8010n, 8, NOTHING)],
      'table-refuses-legal-access',
    ],
    ['pending bits refused', [0x9000n, 8], [part(0x9000n, 8, NOTHING)], 'pba-refuses-legal-access'],
    ["the device's own table", [0x8000n, 4, true], [part(0x8000n, 4, onDevice(0x8000n))], 'device-reached'],
    [
      'another register of the device',
      [0xc000n, 4],
      [part(0xc000n, 4, onDevice(0x0n))],
      'device-wrong-place',
    ],
    [
      'another BAR of the device',
      [0xc000n, 4],
      [part(0xc000n, 4, onDevice(0xc000n, 1))],
      'device-wrong-place',
    ],
    [
      'registers that see two accesses',
      [0xc000n, 8],
      [part(0xc000n, 4, onDevice(0xc000n)), part(0xc004n, 4, onDevice(0xc004n))],
      'split',
    ],
    [
      'memory of the device that is written byte by byte',
      [0x10n, 2, true],
      [part(0x10n, 1, memory(0x10n)), part(0x11n, 1, memory(0x11n))],
      'split',
    ],
    ['registers that refuse', [0xc000n, 4], [part(0xc000n, 4, NOTHING)], 'refused'],
    ['too few vectors polled', [0x9000n, 8], [part(0x9000n, 8, pba(0n, 0, 3))], 'pba-polls-too-few-vectors'],
    ['pending bits at another offset', [0x9004n, 4], [part(0x9004n, 4, pba(0n))], 'pba-wrong-offset'],
    [
      'registers of the machine',
      [0xc000n, 4],
      [part(0xc000n, 4, { kind: 'registers', region: 'hpet', offset: offset(0n) })],
      'wrong-registers',
    ],
  ])('reports %s', (_, access, parts, cause) => {
    expect(causes(accessDispatched, seen(access, parts))).toEqual([cause]);
  });

  it('says nothing about a BAR that the guest does not see, and of a target that shows no accesses', () => {
    expect(saysNothing(accessDispatched, seen([0n, 4], undefined, state({ devices: PLUGGED })))).toBe(true);
    expect(saysNothing(accessDispatched, { ...seen([0n, 4], undefined), hidesAccesses: true })).toBe(true);
  });

  it('leaves an access of which the VMM dies to no-abort', () => {
    expect(saysNothing(accessDispatched, { ...seen([0n, 4], undefined), outcome: 'aborted' })).toBe(true);
  });

  it('expects a write to ROM to come to nothing, and a read to reach it', () => {
    const rom = state({
      flatView: [
        flat(AT, 0x1000n, region('rom'), { readonly: true }),
        flat(AT + 0x1000n, 0xf000n, MMAP, { offset: 0x1000n }),
      ],
      devices: PLUGGED,
    });
    const read: Reached = { kind: 'memory', region: 'rom', owner: undefined, offset: offset(0x10n) };
    expect(causes(accessDispatched, seen([0x10n, 4, true], [part(0x10n, 4, NOTHING)], rom))).toEqual([]);
    expect(causes(accessDispatched, seen([0x10n, 4], [part(0x10n, 4, read)], rom))).toEqual([]);
    expect(causes(accessDispatched, seen([0x10n, 4, true], [part(0x10n, 4, read)], rom))).toEqual([
      'memory-where-trapped',
    ]);
  });

  it('lets the guest write ROM on POWER, whose KVM has no read-only slots', () => {
    const rom = state({
      flatView: [
        flat(AT, 0x8000n, region('rom'), { readonly: true }),
        flat(AT + 0x8000n, 0x1000n, region('flash', 'rom-device'), { romdMode: true }),
        flat(AT + 0x9000n, 0x7000n, MMAP, { offset: 0x9000n }),
      ],
      devices: PLUGGED,
    });
    const causesOnPower = (at: bigint, reached: Reached) =>
      causes(accessDispatched, seen([at, 4, true], [part(at, 4, reached)], rom, {}, { type: 'pseries' }));
    const inside = (name: string, at: bigint): Reached => ({
      kind: 'memory',
      region: name,
      owner: undefined,
      offset: offset(at),
    });
    expect(causesOnPower(0x10n, inside('rom', 0x10n))).toEqual([]);
    expect(causesOnPower(0x10n, NOTHING)).toEqual([]);
    expect(causesOnPower(0x10n, inside('rom', 0x18n))).toEqual(['wrong-memory']);
    expect(causesOnPower(0x8010n, NOTHING)).toEqual([]);
    expect(causesOnPower(0x8010n, inside('flash', 0x10n))).toEqual(['memory-where-trapped']);
  });

  it('finds the mirror of the configuration space, also where another BAR lies at the same address', () => {
    const card = {
      ...{ vendor: '0x1002', vga: true, msix: undefined },
      bars: [0, 2].map((index) => ({ index, size: '0x8000', type: 'mem64' })),
    };
    const mirror = region('dev0 ati-bar2-4000-mirror-quirk', 'io', 'dev0');
    const overlapping = state({
      flatView: [
        flat(AT, 0x4000n, region('dev0 BAR 2', 'io', 'dev0')),
        flat(AT + 0x4000n, 0x100n, mirror),
        flat(AT + 0x4100n, 0x3f00n, region('dev0 BAR 0', 'io', 'dev0'), { offset: 0x4100n }),
      ],
      devices: [device([bar(0, 0x8000n, { address: AT }), bar(2, 0x8000n, { address: AT })])],
    });
    const config = (at: bigint): Reached => ({ kind: 'config-space', device: 'dev0', offset: offset(at) });
    const causesOf = (reached: Reached, at = 0x4010n) =>
      causes(accessDispatched, seen([at, 4], [part(at, 4, reached)], overlapping, card));
    expect(causesOf(config(0x10n))).toEqual([]);
    expect(causesOf(config(0x14n))).toEqual(['mirror-wrong-offset']);
    expect(causesOf(onDevice(0x4010n))).toEqual(['mirror-passes-through']);
    expect(causesOf(config(0x10n), 0x5010n)).toEqual(['mirror-over-registers']);
  });

  it('asks for the mirror by what the card is, also where the VMM shows none (vfio fact 5.19)', () => {
    const card = {
      ...{ vendor: '0x10de', vga: true, configSize: '0x100', msix: undefined },
      bars: [{ index: 0, size: '0x100000', type: 'mem32' }],
    };
    const config = (at: bigint): Reached => ({ kind: 'config-space', device: 'dev0', offset: offset(at) });
    const own = (at: bigint, kind: 'io' | 'ram-device') => ({
      view: region('dev0 BAR 0', kind, 'dev0'),
      reached:
        kind === 'io'
          ? ({ kind: 'device', device: 'dev0', bar: 0, offset: offset(at) } as const)
          : ({ kind: 'memory', region: 'dev0 BAR 0', owner: 'dev0', offset: offset(at) } as const),
    });
    for (const kind of ['io', 'ram-device'] as const) {
      const causesOf = (at: bigint, more: object = {}) => {
        const { view, reached } = own(at, kind);
        const shown = state({
          flatView: [flat(AT, 0x10_0000n, view)],
          devices: [device([bar(0, 0x10_0000n, { address: AT })])],
        });
        return causes(accessDispatched, seen([at, 4], [part(at, 4, reached)], shown, { ...card, ...more }));
      };
      expect(causesOf(0x8_8000n)).toEqual(['mirror-missing']);
      expect(causesOf(0x8_80fcn)).toEqual(['mirror-missing']);
      expect([causesOf(0x8_7ffcn), causesOf(0x8_8100n)]).toEqual([[], []]);
      expect([causesOf(0x8_8000n, { vga: false }), causesOf(0x8_8000n, { vendor: '0x8086' })]).toEqual([
        [],
        [],
      ]);
    }
    const mirrored = state({
      flatView: [
        flat(AT, 0x8_8000n, region('dev0 BAR 0', 'io', 'dev0')),
        flat(AT + 0x8_8000n, 0x40n, region('dev0 nvidia-bar0-88000-mirror-quirk', 'io', 'dev0')),
        flat(AT + 0x8_8040n, 0x7_7fc0n, region('dev0 BAR 0', 'io', 'dev0'), { offset: 0x8_8040n }),
      ],
      devices: [device([bar(0, 0x10_0000n, { address: AT })])],
    });
    const causesOf = (reached: Reached, at: bigint) =>
      causes(accessDispatched, seen([at, 4], [part(at, 4, reached)], mirrored, card));
    expect(causesOf(config(0x10n), 0x8_8010n)).toEqual([]);
    expect(causesOf(own(0x8_8010n, 'io').reached, 0x8_8010n)).toEqual(['mirror-passes-through']);
    expect(causesOf(own(0x8_8040n, 'io').reached, 0x8_8040n)).toEqual(['mirror-missing']);
  });
});
