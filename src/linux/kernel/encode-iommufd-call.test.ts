import { describe, expect, it } from 'vitest';
import {
  concatenate,
  GENERIC_IOCTLS,
  IOAS_IOVA_RANGES,
  IOAS_MAP,
  IOAS_UNMAP,
  RANGE,
} from '../../host/abi/index.ts';
import type { HostCall } from '../session/host-call.ts';
import { DEFAULT_AREAS, SessionMemory } from '../session/memory-areas.ts';
import { carryOutTogether } from './carry-out.ts';
import { encodeCall } from './encode-call.ts';
import type { EncodedCall } from './encoded-call.ts';
import { RANGES_AREA } from './iova-ranges-area.ts';

const spaceWith = (dmaBufs: readonly (readonly [string, number])[] = []) => ({
  ...{ container: 5, device: 6, machine: -1, ioctls: GENERIC_IOCTLS },
  addressSpace: { id: 9, dmaBufs: new Map(dmaBufs) },
  memory: new SessionMemory(DEFAULT_AREAS),
});
const context = spaceWith([['a', 12]]);
const encode = (call: HostCall): EncodedCall => encodeCall(call, context) as EncodedCall;
const returned = (result: number, errno = 0, data: Uint8Array = new Uint8Array()) =>
  ({ kind: 'returned', result, errno, data }) as const;

const MAP: HostCall = {
  ...{ call: 'ioas-map', iova: 0x1000n, size: 0x2000n, flags: 7 },
  vaddr: { area: 'ram', offset: 0x10n },
};
const MAP_BYTES = [
  '28000000',
  '07000000',
  '09000000',
  '00000000',
  '1000000000100000',
  '0020000000000000',
].join('');

describe('encodeCall of a session on iommufd', () => {
  it('encodes ioas-map with the id of the address space, and returns the IOVA only after success', () => {
    expect(encode(MAP).commands).toEqual([`ioctl 5 15237 ${MAP_BYTES}0010000000000000`]);
    const data = IOAS_MAP.encode({ iova: 0x7000n });
    expect(encode(MAP).decode(returned(0, 0, data)).returned).toEqual({ mapped: 0x7000n });
    expect(encode(MAP).decode(returned(-1, 17, data))).toEqual({ ret: -1, errno: 17, returned: {} });
  });

  it('fills a larger size with zeros, and does not send one beyond a page', () => {
    const [text] = encode({ ...MAP, argsz: 48 }).commands;
    expect(text).toBe(`ioctl 5 15237 30${MAP_BYTES.slice(2)}0010000000000000${'00'.repeat(8)}`);
    expect(encodeCall({ ...MAP, argsz: 4097 }, context)).toBe('not sent: argsz is above 4096');
    expect(encode({ ...MAP, argsz: 0 }).commands[0]).toMatch(/ 00000000070000000900/);
  });

  it('encodes ioas-unmap, and returns the length field', () => {
    const { commands, decode } = encode({ call: 'ioas-unmap', iova: 0x1000n, size: 0x2000n });
    expect(commands).toEqual(['ioctl 5 15238 180000000900000000100000000000000020000000000000']);
    const data = IOAS_UNMAP.encode({ length: 0x6000n });
    expect(decode(returned(0, 0, data)).returned).toEqual({ unmapped: 0x6000n });
  });

  it('reads the ranges from the memory that it names, as many as the kernel wrote', () => {
    const { commands, decode } = encode({ call: 'ioas-iova-ranges', count: 2 });
    expect(commands[1]).toBe(`peek ${RANGES_AREA} 1024`);
    const answer = IOAS_IOVA_RANGES.encode({ num_iovas: 3, out_iova_alignment: 0x1000n });
    const memory = concatenate(
      ...[1n, 5n, 7n].map((first) => RANGE.encode({ first, second: first + 1n })),
      new Uint8Array(1024),
    );
    expect(decode(returned(-1, 90, answer), [returned(1024, 0, memory)])).toEqual({
      ...{ ret: -1, errno: 90 },
      returned: {
        needed: 3,
        alignment: 0x1000n,
        ranges: [
          [1n, 2n],
          [5n, 6n],
        ],
      },
    });
    const refused = IOAS_IOVA_RANGES.encode({ num_iovas: 2 });
    expect(decode(returned(-1, 22, refused), [returned(1024, 0, memory)]).returned).toEqual({});
  });

  it('encodes attach, detach and export-dma-buf for the file of the device', () => {
    expect(encode({ call: 'attach' }).commands).toEqual(['ioctl 6 15223 0c0000000000000009000000']);
    expect(encode({ call: 'detach' }).commands).toEqual(['ioctl 6 15224 0800000000000000']);
    const ranges = [[0x1000n, 0x2000n]] as const;
    const call: HostCall = { call: 'export-dma-buf', name: 'b', bar: 2, ranges, flags: 1 };
    expect(encode(call).commands).toEqual([
      [
        ...['ioctl 6 15221 280000000b000100', '02000000', '02000800', '01000000', '01000000'],
        ...['0010000000000000', '0020000000000000'],
      ].join(''),
    ]);
  });

  it('refuses the calls in a session that is not on iommufd', () => {
    const other = { ...context, addressSpace: undefined };
    expect(encodeCall({ call: 'attach' }, other)).toBe('attach needs a session on iommufd');
  });

  it('gives ioas-map-file the descriptor of an export that the round trip before answered', async () => {
    const own = spaceWith();
    const calls: HostCall[] = [
      { call: 'export-dma-buf', name: 'b', bar: 0, ranges: [], flags: 0 },
      { call: 'ioas-map-file', name: 'b', start: 0n, size: 0x1000n, iova: 0n, flags: 7 },
      { call: 'ioas-map-file', name: 'never', start: 0n, size: 0x1000n, iova: 0n, flags: 7 },
    ];
    const sent: (readonly string[])[] = [];
    const machine = {
      call: (commands: readonly string[]) => {
        sent.push(commands);
        return Promise.resolve(
          commands.map(() => returned(sent.length === 1 ? 77 : 0, 0, new Uint8Array(40))),
        );
      },
    };
    const answers = await carryOutTogether(
      machine as never,
      calls.map((call) => ({ opens: call.call === 'export-dma-buf', prepare: () => encodeCall(call, own) })),
    );
    expect(answers[0]).toEqual({ ret: 0, errno: 0, returned: {} });
    expect(sent.map(({ length }) => length)).toEqual([1, 2]);
    const descriptors = sent[1]!.map((text) => text.split(' ')[3]!.slice(24, 32));
    expect(descriptors).toEqual(['4d000000', 'ffffffff']);
  });
});
