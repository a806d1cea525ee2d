import { describe, expect, it } from 'vitest';
import { offset } from '../address/index.ts';
import type { AccessPart, Reached } from '../vfio/index.ts';
import { accessDispatched } from './access-dispatched.ts';
import {
  BAR_0,
  MMAP,
  MSIX,
  PBA,
  RAM,
  TABLE,
  TRAPPED,
  WITH_MSIX,
  accessTrace,
  bar,
  causes,
  device,
  flat,
  judge,
  layout,
  message,
  part,
  reaches,
  region,
  saysNothing,
} from './testing/index.ts';
import type { Access } from './testing/accesses.ts';

const { nothing, memory, registers, config, table, pba } = reaches;
const found = (access: Access) => causes(accessDispatched, accessTrace(access));

/** The causes where an aligned access reaches one thing. */
const foundFor = (
  at: bigint,
  width: Access['width'],
  reached: Reached,
  more: Partial<Access> = {},
): readonly string[] => found({ at, width, parts: [part(at, width, reached)], ...more });

const HPET = region('hpet', 'io');
/** BAR 0 without any mmap: all bytes are trapped. */
const ALL_TRAPPED = [flat(BAR_0, 0x1_0000n, TRAPPED)];
const NO_MSIX = [device([bar(0, 0x1_0000n, { address: BAR_0 })])];

describe('the message of access-dispatched', () => {
  const text = (access: Access) =>
    judge(accessDispatched, accessTrace(access)).violations.map(({ message: words, at, step }) => ({
      words,
      at,
      step,
    }));
  const AT_10 = { start: 0x2100_0000_0010n, end: 0x2100_0000_0014n };
  const READ_10 = 'a read of [0x210000000010, 0x210000000013] (dev0 BAR 0+0x10): ';

  it('names the address of an access without an answer', () => {
    expect(text({ at: 0x10n, width: 4, parts: undefined })).toEqual([
      { words: 'no answer to the access to 0x210000000010, dev0 BAR 0+0x10', at: AT_10, step: 1 },
    ]);
  });

  it('names the parts', () => {
    expect(text({ at: 0x10n, width: 4, parts: [] })).toEqual([
      { words: `${READ_10}its parts are none`, at: AT_10, step: 1 },
    ]);
    const lost = [part(0x10n, 1, memory(0x10n)), part(0x11n, 2, memory(0x11n))];
    expect(text({ at: 0x10n, width: 4, parts: lost })).toEqual([
      {
        words: `${READ_10}its parts are [0x210000000010, 0x210000000010], [0x210000000011, 0x210000000012]`,
        at: AT_10,
        step: 1,
      },
    ]);
    const split = [part(0x10n, 2, memory(0x10n)), part(0x12n, 2, memory(0x12n))];
    expect(text({ at: 0x10n, width: 4, write: true, parts: split })).toEqual([
      {
        words:
          'a write of [0x210000000010, 0x210000000013] (dev0 BAR 0+0x10): ' +
          'the device sees 2 accesses: [0x210000000010, 0x210000000011], [0x210000000012, 0x210000000013]',
        at: AT_10,
        step: 1,
      },
    ]);
  });

  it.each<readonly [string, bigint, Reached, string]>([
    ['nothing', 0x10n, nothing, '0x210000000010 reaches nothing, not "dev0 BAR 0 mmaps[0]"+0x10'],
    [
      'memory',
      0x8010n,
      memory(0x8010n),
      '0x210000008010 reaches "dev0 BAR 0 mmaps[0]"+0x8010, not the MSI-X table of dev0+0x10',
    ],
    [
      'registers',
      0x10n,
      registers(0x20n, 'hpet'),
      '0x210000000010 reaches "hpet"+0x20, not "dev0 BAR 0 mmaps[0]"+0x10',
    ],
    [
      'a device',
      0xc000n,
      reaches.device(0x8n, 2),
      '0x21000000c000 reaches dev0 BAR 2+0x8, not "dev0 BAR 0"+0xc000',
    ],
    [
      'configuration space',
      0xc000n,
      config(0x8n),
      '0x21000000c000 reaches the configuration space of dev0+0x8, not "dev0 BAR 0"+0xc000',
    ],
    [
      'another entry',
      0x8010n,
      table(0x20n),
      '0x210000008010 reaches the MSI-X table of dev0+0x20, not the MSI-X table of dev0+0x10',
    ],
    [
      'other pending bits',
      0x9004n,
      pba(0n),
      '0x210000009004 reaches the PBA of dev0+0x0, not the PBA of dev0+0x4',
    ],
  ])('names what a byte reaches, and what it should: %s', (_, at, reached, words) => {
    expect(text({ at, width: 4, parts: [part(at, 4, reached)] }).map((violation) => violation.words)).toEqual(
      [
        `a read of [0x${(BAR_0 + at).toString(16)}, 0x${(BAR_0 + at + 3n).toString(16)}] (dev0 BAR 0+0x${at.toString(16)}): the byte at ${words}`,
      ],
    );
  });

  it('names the first wrong byte of a part', () => {
    const reached = part(0x803cn, 8, table(0x3cn));
    expect(text({ at: 0x803cn, width: 8, parts: [reached] })[0]!.words).toBe(
      'a read of [0x21000000803c, 0x210000008043] (dev0 BAR 0+0x803c): ' +
        'the byte at 0x210000008040 reaches the MSI-X table of dev0+0x40, not "dev0 BAR 0 mmaps[0]"+0x8040',
    );
  });

  it('says that nothing should answer where the view has a hole', () => {
    const flatView = [flat(BAR_0, 0x1000n, MMAP)];
    const reached = part(0x2000n, 4, memory(0x2000n));
    expect(text({ at: 0x2000n, width: 4, parts: [reached], flatView })[0]!.words).toContain(
      'the byte at 0x210000002000 reaches "dev0 BAR 0 mmaps[0]"+0x2000, not nothing',
    );
  });

  it('names the vectors whose pending bits are asked for, and those that should be', () => {
    expect(text({ at: 0x9000n, width: 8, parts: [part(0x9000n, 8, pba(0n, [0, 3]))] })[0]!.words).toContain(
      'the VMM asks for the pending bits of vectors 0 to 2, not of 0 to 3',
    );
  });
});

describe('the accesses that access-dispatched judges', () => {
  it('are those to a BAR of the device, if both are there', () => {
    const parts = [part(0x10n, 4, memory(0x10n))];
    expect(saysNothing(accessDispatched, accessTrace({ at: 0x10n, width: 4, parts, device: 'dev9' }))).toBe(
      true,
    );
    expect(saysNothing(accessDispatched, accessTrace({ at: 0x10n, width: 4, parts, bar: [5, BAR_0] }))).toBe(
      true,
    );
    const other = device([bar(0, 0x1_0000n, { device: 'dev1' })], undefined, { id: 'dev1' });
    expect(
      judge(accessDispatched, accessTrace({ at: 0x10n, width: 4, parts, devices: [other, WITH_MSIX] })),
    ).toMatchObject({ causes: [], exercised: 1 });
  });

  it('are not those to a BAR outside of the windows of the host bridge', () => {
    const at = 0x1000n;
    const access: Access = {
      ...{ at: 0n, width: 4, parts: undefined, machine: { type: 'pseries' }, specs: [] },
      flatView: [flat(at, 0x1000n, MMAP)],
      devices: [device([bar(0, 0x1000n, { address: at })])],
    };
    expect(saysNothing(accessDispatched, accessTrace(access))).toBe(true);
  });

  it('are all but the last one of a VMM that dies', () => {
    const died = accessTrace({ at: 0x10n, width: 4, parts: undefined });
    const [start, access] = died.steps;
    const later = { ...access!, operation: { op: 'reset' } as const };
    const steps = [start!, access!, later];
    expect(causes(accessDispatched, { ...died, outcome: 'aborted', steps })).toEqual(['unanswered']);
  });

  it('are answered by the first event that is an access, at the address of the byte', () => {
    const access: Access = { at: 0x10n, width: 4, parts: [part(0x10n, 4, memory(0x10n))] };
    const answer = accessTrace(access).steps[1]!.events[0]!;
    expect(found({ ...access, events: [message(), answer] })).toEqual([]);
    const elsewhere = accessTrace({ ...access, at: 0x14n, parts: [part(0x14n, 4, memory(0x14n))] });
    expect(found({ ...access, events: elsewhere.steps[1]!.events })).toEqual(['unanswered']);
  });
});

describe('the parts of an access', () => {
  it('follow each other, and none is empty', () => {
    const parts = (...list: readonly AccessPart[]) => found({ at: 0x10n, width: 4, parts: list });
    expect(parts(part(0x10n, 2, memory(0x10n)), part(0x13n, 2, memory(0x13n)))).toEqual(['bytes-lost']);
    expect(parts(part(0x10n, 0, memory(0x10n)), part(0x10n, 4, memory(0x10n)))).toEqual(['bytes-lost']);
    expect(parts(part(0x10n, 4, memory(0x10n)), part(0x14n, 0, memory(0x14n)))).toEqual(['bytes-lost']);
    expect(parts(part(0x10n, 4, memory(0x10n)), part(0x80n, 4, memory(0x80n)))).toEqual(['bytes-lost']);
  });

  /** The causes where a read of 8 bytes at 0x10 comes in two parts, of these two. */
  const halves = (first: Reached, second: Reached, more: Partial<Access>) =>
    found({ at: 0x10n, width: 8, parts: [part(0x10n, 4, first), part(0x14n, 4, second)], ...more });
  const viewOf = (second: ReturnType<typeof flat>) => ({
    flatView: [flat(BAR_0, 0x14n, MMAP), second],
    devices: [
      device([
        bar(0, 0x1_0000n, {
          address: BAR_0,
          layers: [...bar(0, 0x1_0000n).layers, { region: 'dev0 BAR 0 mmaps[1]', offset: offset(0n) }],
        }),
      ]),
    ],
  });
  const REST = 0xffecn;

  it('may be several where the bytes are not one piece of the device', () => {
    const trapped = viewOf(flat(BAR_0 + 0x14n, REST, TRAPPED, { offset: 0x14n }));
    expect(halves(memory(0x10n), reaches.device(0x14n), trapped)).toEqual([]);
    const other = region('dev0 BAR 0 mmaps[1]', 'ram-device', 'dev0');
    const name = viewOf(flat(BAR_0 + 0x14n, REST, other, { offset: 0x14n }));
    expect(halves(memory(0x10n), memory(0x14n, other), name)).toEqual([]);
    const jump = viewOf(flat(BAR_0 + 0x14n, REST, MMAP, { offset: 0x1014n }));
    expect(halves(memory(0x10n), memory(0x1014n), jump)).toEqual([]);
    const whole = viewOf(flat(BAR_0 + 0x14n, REST, MMAP, { offset: 0x14n }));
    expect(halves(memory(0x10n), memory(0x14n), whole)).toEqual(['split']);
  });

  it('may be several in RAM, and in the table, which the VMM emulates', () => {
    const ram = {
      flatView: [flat(BAR_0, 0x100n, RAM), flat(BAR_0 + 0x100n, 0xff00n, MMAP, { offset: 0x100n })],
    };
    expect(halves(memory(0x10n, RAM), memory(0x14n, RAM), ram)).toEqual([]);
    const parts = [part(0x8010n, 4, table(0x10n)), part(0x8014n, 4, table(0x14n))];
    expect(found({ at: 0x8010n, width: 8, parts })).toEqual([]);
  });
});

describe('an access that comes to nothing', () => {
  it('is refused in front of the table and behind the PBA', () => {
    expect(foundFor(0x7ffen, 2, nothing)).toEqual(['refused']);
    const trapped = { flatView: ALL_TRAPPED };
    expect(foundFor(0x9008n, 4, nothing, trapped)).toEqual(['refused']);
    expect(foundFor(0x9004n, 4, nothing, trapped)).toEqual(['pba-refuses-legal-access']);
    expect(foundFor(0x100n, 4, nothing, trapped)).toEqual(['refused']);
    expect(foundFor(0xc001n, 1, nothing)).toEqual(['refused']);
  });

  /** The device has 32 KiB of the BAR of 64 KiB. */
  const half: Partial<Access> = {
    flatView: ALL_TRAPPED,
    devices: NO_MSIX,
    specs: [
      { id: 'dev1', bars: [{ index: 0, size: '0x100000', type: 'mem64' }] },
      {
        id: 'dev0',
        bars: [
          { index: 2, size: '0x100000', type: 'mem64' },
          { index: 0, size: '0x8000', type: 'mem64' },
        ],
      },
    ],
  };

  it.each<readonly [string, bigint, Access['width'], boolean]>([
    ['starts with the first byte that the device does not have', 0x8000n, 1, true],
    ['lies behind the bytes of the device', 0x8000n, 8, true],
    ['crosses the end unaligned', 0x7ffen, 4, true],
    ['ends with the last byte', 0x7ffcn, 4, false],
    ['is unaligned and ends with the last byte but two', 0x7ffan, 4, false],
  ])('of a BAR that relocation has made larger: %s', (_, at, width, mayBeNothing) => {
    expect(foundFor(at, width, nothing, half)).toEqual(mayBeNothing ? [] : ['refused']);
  });

  it('is right where the view has no range, before others and behind all', () => {
    const flatView = [
      flat(BAR_0, 0x1000n, MMAP),
      flat(BAR_0 + 0xc000n, 0x1000n, TRAPPED, { offset: 0xc000n }),
    ];
    for (const at of [0x1000n, 0x2000n, 0xbffcn, 0xd000n, 0xe000n]) {
      expect(foundFor(at, 4, nothing, { flatView })).toEqual([]);
      expect(foundFor(at, 4, memory(at), { flatView })).toEqual(['memory-where-trapped']);
    }
    expect(foundFor(0xffcn, 4, nothing, { flatView })).toEqual(['refused']);
    expect(foundFor(0xc000n, 4, nothing, { flatView })).toEqual(['refused']);
  });
});

describe('the bytes of', () => {
  const other = device([bar(0, 0x1000n, { device: 'dev1' })], layout(64, 0n, 0x800n), { id: 'dev1' });

  it('memory have a region, an owner and an offset', () => {
    expect(foundFor(0x10n, 4, memory(0x10n))).toEqual([]);
    expect(foundFor(0x10n, 4, memory(0x10n, { ...MMAP, name: 'dev0 BAR 0 mmaps[1]' }))).toEqual([
      'wrong-memory',
    ]);
    expect(foundFor(0x10n, 4, memory(0x10n, { ...MMAP, owner: 'dev1' }))).toEqual(['wrong-memory']);
    expect(foundFor(0x10n, 4, memory(0x11n))).toEqual(['wrong-memory']);
    expect(foundFor(0x10n, 4, registers(0x10n, MMAP.name))).toEqual(['wrong-registers']);
  });

  it('registers of the machine have a region and an offset, and no device', () => {
    const flatView = [flat(BAR_0, 0x1000n, HPET), flat(BAR_0 + 0x1000n, 0xf000n, MMAP, { offset: 0x1000n })];
    expect(foundFor(0x10n, 4, registers(0x10n, 'hpet'), { flatView })).toEqual([]);
    expect(foundFor(0x10n, 4, registers(0x14n, 'hpet'), { flatView })).toEqual(['wrong-registers']);
    expect(foundFor(0x10n, 4, registers(0x10n, 'rtc'), { flatView })).toEqual(['wrong-registers']);
    expect(foundFor(0x10n, 4, reaches.device(0x10n), { flatView })).toEqual(['device-wrong-place']);
    expect(foundFor(0x10n, 4, memory(0x10n, HPET), { flatView })).toEqual(['memory-where-trapped']);
  });

  it('a device, a table and pending bits are those of the device', () => {
    const devices = [other, WITH_MSIX];
    expect(foundFor(0xc000n, 4, reaches.device(0xc000n), { devices })).toEqual([]);
    expect(foundFor(0xc000n, 4, reaches.device(0xc000n, 0, 'dev1'), { devices })).toEqual([
      'device-wrong-place',
    ]);
    expect(foundFor(0x8010n, 4, table(0x10n), { devices })).toEqual([]);
    expect(foundFor(0x8010n, 4, table(0x10n, 'dev1'), { devices })).toEqual(['table-beyond-its-end']);
    expect(foundFor(0x9000n, 8, pba(0n), { devices })).toEqual([]);
    expect(foundFor(0x9000n, 8, pba(0n, undefined, 'dev1'), { devices })).toEqual(['pba-beyond-its-end']);
  });

  it('configuration space are a mirror of the same device', () => {
    expect(foundFor(0xc000n, 4, config(0xc000n))).toEqual(['mirror-over-registers']);
  });

  it('pending bits ask for the vectors that have bits there, of those of the device', () => {
    expect(foundFor(0x9000n, 8, pba(0n, [0, 4]), { devices: [other, WITH_MSIX] })).toEqual([]);
    expect(foundFor(0x9000n, 8, pba(0n, [0, 64]))).toEqual([]);
    // No vector has its bit in the second half.
    expect(foundFor(0x9004n, 4, pba(4n, [0, 0]))).toEqual([]);
    expect(foundFor(0x9000n, 8, pba(0n, [1, 4]))).toEqual(['pba-polls-too-few-vectors']);
    const many: Partial<Access> = {
      flatView: [flat(BAR_0, 0x9000n, MMAP), flat(BAR_0 + 0x9000n, 0x10n, PBA)],
      devices: [device([bar(0, 0x1_0000n, { address: BAR_0 })], layout(128, 0x8000n, 0x9000n))],
      specs: [
        { id: 'dev0', bars: [{ index: 0, size: '0x10000', type: 'mem64' }], msix: { ...MSIX, vectors: 128 } },
      ],
    };
    expect(foundFor(0x9008n, 8, pba(8n, [64, 128]), many)).toEqual([]);
    expect(foundFor(0x9008n, 8, pba(8n, [65, 128]), many)).toEqual(['pba-polls-too-few-vectors']);
    expect(foundFor(0x9008n, 8, pba(8n, [64, 127]), many)).toEqual(['pba-polls-too-few-vectors']);
    expect(foundFor(0x9008n, 4, pba(8n, [64, 96]), many)).toEqual([]);
  });
});

describe('MSI-X lies where the capability of the guest says', () => {
  it('in the BARs of the table and of the PBA, and in no other', () => {
    const BAR_2 = BAR_0 + 0x1_0000n;
    const reached = { ...part(0n, 8, pba(0n)), address: BAR_2 + 0x9000n };
    const two: Partial<Access> = {
      flatView: [
        flat(BAR_0, 0x8000n, MMAP),
        flat(BAR_0 + 0x8000n, 0x40n, TABLE),
        flat(BAR_0 + 0x8040n, 0x7fc0n, TRAPPED, { offset: 0x8040n }),
        flat(BAR_2, 0x9000n, region('dev0 BAR 2', 'io', 'dev0')),
        flat(BAR_2 + 0x9000n, 8n, PBA),
      ],
      devices: [
        device(
          [bar(0, 0x1_0000n, { address: BAR_0 }), bar(2, 0x1_0000n, { address: BAR_2 })],
          layout(4, 0x8000n, 0x9000n, [0, 2]),
        ),
      ],
      specs: [
        {
          id: 'dev0',
          bars: [0, 2].map((index) => ({ index, size: '0x10000', type: 'mem64' })),
          msix: { ...MSIX, pbaBar: 2 },
        },
      ],
    };
    expect(found({ at: 0x9000n, width: 8, bar: [2, BAR_2], parts: [reached], ...two })).toEqual([]);
    expect(foundFor(0x8010n, 4, table(0x10n), two)).toEqual([]);
    // No pending bits are in BAR 0, nor a table in BAR 2.
    expect(foundFor(0x9000n, 4, nothing, two)).toEqual(['refused']);
    const register = { ...part(0n, 4, nothing), address: BAR_2 + 0x8010n };
    expect(found({ at: 0x8010n, width: 4, bar: [2, BAR_2], parts: [register], ...two })).toEqual(['refused']);
  });

  it('and the device itself may answer where the VMM does not emulate the table', () => {
    expect(foundFor(0x8010n, 4, reaches.device(0x8010n), { flatView: ALL_TRAPPED })).toEqual([]);
  });

  it('so that an emulated table may be no longer than the table', () => {
    const long = [
      flat(BAR_0, 0x8000n, MMAP),
      flat(BAR_0 + 0x8000n, 0x80n, TABLE),
      flat(BAR_0 + 0x8080n, 0x7f80n, TRAPPED, { offset: 0x8080n }),
    ];
    expect(foundFor(0x8040n, 4, table(0x40n), { flatView: long })).toEqual(['table-beyond-its-end']);
    expect(foundFor(0x8040n, 4, reaches.device(0x8040n), { flatView: long })).toEqual([]);
    expect(foundFor(0x803cn, 4, reaches.device(0x803cn), { flatView: long })).toEqual(['device-reached']);
  });

  it('also if the VMM says where it emulates the table', () => {
    const bars = [bar(0, 0x1_0000n, { address: BAR_0 })];
    const emulatedAt = (at: bigint | undefined) => ({
      devices: [
        device(bars, layout(4, 0x8000n, 0x9000n), {
          emulatedAt: at === undefined ? undefined : { bar: 0, offset: at },
        }),
      ],
    });
    expect(foundFor(0x8010n, 4, table(0x10n), emulatedAt(undefined))).toEqual([]);
    expect(foundFor(0x8010n, 4, table(0x10n), emulatedAt(0x8000n))).toEqual([]);
    expect(foundFor(0x8010n, 4, table(0x10n), emulatedAt(0xa000n))).toEqual(['table-beyond-its-end']);
  });

  it('and nowhere without MSI-X', () => {
    const flatView = [flat(BAR_0, 0x100n, TABLE), flat(BAR_0 + 0x100n, 0xff00n, TRAPPED, { offset: 0x100n })];
    expect(foundFor(0x10n, 4, reaches.device(0x10n), { flatView, devices: NO_MSIX })).toEqual([]);
    expect(foundFor(0x10n, 4, table(0x10n), { flatView, devices: NO_MSIX })).toEqual([
      'table-beyond-its-end',
    ]);
    expect(foundFor(0x110n, 4, nothing, { flatView, devices: NO_MSIX })).toEqual(['refused']);
  });
});

describe('a region of a device that is no BAR', () => {
  const quirk = (start: bigint, size: bigint) => flat(BAR_0 + start, size, region('quirk', 'io', 'dev0'));
  const rest = (start: bigint) => flat(BAR_0 + start, 0x1_0000n - start, TRAPPED, { offset: start });

  it('passes accesses on to the bytes of the BAR below, from the first to the last', () => {
    const more: Partial<Access> = {
      flatView: [quirk(0n, 0x100n), rest(0x100n)],
      devices: [
        device(
          [
            bar(4, 0x1000n),
            bar(2, 0x1000n, { address: BAR_0 + 0x2_0000n }),
            bar(3, 0x1000n, { address: BAR_0 - 0x1000n }),
            bar(0, 0x1_0000n, { address: BAR_0 }),
          ],
          layout(4, 0x8000n, 0x9000n),
        ),
      ],
    };
    for (const at of [0n, 0x10n, 0xfcn]) {
      expect(foundFor(at, 4, reaches.device(at), more)).toEqual([]);
      expect(foundFor(at, 4, nothing, more)).toEqual(['refused']);
      expect(foundFor(at, 4, reaches.device(at, 2), more)).toEqual(['device-wrong-place']);
    }
    expect(
      foundFor(0x10n, 4, reaches.device(0x10n), { ...more, specs: [{ id: 'other', bars: [] }] }),
    ).toEqual([]);
    expect(foundFor(0x110n, 4, nothing, { ...more, specs: [{ id: 'other', bars: [] }] })).toEqual([]);
  });

  it('is registers of the VMM behind the end of the BAR', () => {
    const more: Partial<Access> = { flatView: [rest(0n), quirk(0x1_0000n, 0x100n)], devices: NO_MSIX };
    const ends = (second: Reached) =>
      found({
        at: 0xfffcn,
        width: 8,
        parts: [part(0xfffcn, 4, reaches.device(0xfffcn)), part(0x1_0000n, 4, second)],
        ...more,
      });
    expect(ends(registers(0n, 'quirk'))).toEqual([]);
    expect(ends(registers(4n, 'quirk'))).toEqual(['wrong-registers']);
    expect(ends(reaches.device(0x1_0000n))).toEqual(['device-wrong-place']);
  });

  it('is the mirror of configuration space only in the bytes of the mirror', () => {
    const BAR_2 = BAR_0;
    const card = {
      id: 'dev0',
      vendor: '0x1002',
      vga: true,
      bars: [{ index: 2, size: '0x8000', type: 'mem64' }],
    };
    const more: Partial<Access> = {
      flatView: [flat(BAR_2, 0x8000n, region('quirk', 'io', 'dev0'))],
      devices: [device([bar(2, 0x8000n, { address: BAR_2 })])],
      specs: [{ ...card, id: 'dev1' }, card],
      bar: [2, BAR_2],
    };
    const shown = {
      ...more,
      flatView: [
        flat(BAR_2, 0x3f00n, region('dev0 BAR 2', 'io', 'dev0')),
        flat(BAR_2 + 0x3f00n, 0x300n, region('quirk', 'io', 'dev0')),
      ],
    };
    expect(foundFor(0x3ffcn, 4, reaches.device(0x3ffcn, 2), shown)).toEqual([]);
    expect(foundFor(0x4000n, 4, config(0n), shown)).toEqual([]);
    expect(foundFor(0x40fcn, 4, config(0xfcn), shown)).toEqual([]);
    expect(foundFor(0x4100n, 4, reaches.device(0x4100n, 2), shown)).toEqual([]);
    expect(foundFor(0x4000n, 4, config(0n, 'dev1'), shown)).toEqual(['mirror-over-registers']);
    const plain = { ...card, vga: false };
    const onlyOther = { ...shown, specs: [{ ...card, id: 'dev1' }, plain] };
    expect(foundFor(0x4000n, 4, reaches.device(0x4000n, 2), onlyOther)).toEqual([]);
  });
});

describe('access-dispatched for a BAR that only relocation adds', () => {
  it('lets the bytes beside table and PBA reach nothing, as the device has none there', () => {
    const [start, size] = [0x8000_0000n, 0x1000n];
    const moved = device([bar(2, size, { address: start })], layout(4, 0n, 0x800n, [2, 2]));
    const access = {
      at: 0x900n,
      width: 4,
      bar: [2, start],
      parts: [{ address: start + 0x900n, size: 4, reached: nothing }],
      flatView: [flat(start, size, region('dev0 base BAR 2', 'io', 'dev0'))],
      devices: [moved],
    } as const;
    expect(found(access)).toEqual([]);
    const own = [{ id: 'dev0', bars: [{ index: 2, size: '0x1000', type: 'mem32' }] }];
    expect(found({ ...access, specs: own })).toEqual(['refused']);
  });
});
