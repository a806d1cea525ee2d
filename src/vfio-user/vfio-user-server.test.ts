import { constants } from 'node:os';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DOOR_TIMEOUT, INPUTS, putThroughDoor } from '../../properties/testing/put-through-door.ts';
import { SystemCallError } from './system-calls.ts';
import { bytes, text } from './testing/bytes.ts';
import { container, device } from './testing/device.ts';
import { FakeSystemCalls, type FakeClient } from './testing/fake-system-calls.ts';
import { message, payloads, replies, type ReceivedReply } from './testing/messages.ts';
import { VfioUserServer, type VfioUserServerOptions } from './vfio-user-server.ts';

const { EINVAL, EMSGSIZE, ENOENT, EOPNOTSUPP } = constants.errno;

let calls: FakeSystemCalls;
let server: VfioUserServer;

async function serve(options: Partial<VfioUserServerOptions> = {}): Promise<void> {
  calls = new FakeSystemCalls();
  server = new VfioUserServer({
    socketPath: '/fake',
    device,
    container: container(),
    systemCalls: calls,
    ...options,
  });
  await server.listen();
}

beforeEach(() => serve());
afterEach(async () => {
  await server.close();
  expect(calls.open).toEqual(new Set());
});

/** A client that has sent VERSION. */
function connect(data?: string): FakeClient {
  const client = calls.connect();
  client.send(message(0, 1, payloads.version(data)));
  calls.turn();
  expect(replies(client.received())).toMatchObject([{ id: 0, command: 1, flags: 1 }]);
  return client;
}

let id = 1;
function ask(client: FakeClient, command: number, payload?: Uint8Array, descriptors = 0): ReceivedReply {
  client.send(message(++id & 0xffff, command, payload), descriptors);
  calls.turn();
  const all = replies(client.received());
  expect(all).toHaveLength(1);
  expect(all[0]).toMatchObject({ id: id & 0xffff, command });
  return all[0]!;
}

const OK = { flags: 1, errno: 0 };
const failed = (errno: number) => ({ flags: 0x21, errno, payload: bytes('') });

describe('a vfio-user server', () => {
  it('announces the page sizes of the container and answers the minor version of the client', () => {
    const client = calls.connect();
    client.send(message(7, 1, bytes('0000 0000')));
    calls.turn();
    const [reply] = replies(client.received());
    expect(text(reply!.payload.subarray(0, 4))).toBe('00000000');
    expect(JSON.parse(new TextDecoder().decode(reply!.payload.subarray(4, -1)))).toEqual({
      capabilities: { max_msg_fds: 8, max_data_xfer_size: 0x100000, pgsizes: 0x20_1000, max_dma_maps: 65535 },
    });
  });

  it('answers minor version 1 to a client that supports a newer one', () => {
    const client = calls.connect();
    client.send(message(7, 1, bytes('0000 0900')));
    calls.turn();
    expect(text(replies(client.received())[0]!.payload.subarray(0, 4))).toBe('00000100');
  });

  it('reports the number of regions and interrupts of the device', () => {
    const client = connect();
    expect(text(ask(client, 4, payloads.deviceInfo()).payload)).toBe('10000000 03000000 09000000 05000000');
    const counts = [0, 1, 2, 3, 4].map((index) => ask(client, 7, payloads.irqInfo(index)).payload[12]);
    expect(counts).toEqual([0, 0, 16, 1, 1]);
    expect(ask(client, 7, payloads.irqInfo(5))).toMatchObject(failed(EINVAL));
  });

  it('sends the memory file of a BAR with the region information', () => {
    const client = connect();
    const { payload } = ask(client, 5, payloads.regionInfo(0));
    expect(text(payload.subarray(0, 24))).toBe('20000000 07000000 00000000 00000000 00400000 00000000');
    expect(client.files.map((file) => calls.file(file))).toEqual([{ name: 'dev0-bar0', size: 0x10000n }]);
  });

  it('sends the memory file of a BAR only when the client has room for the capabilities', () => {
    const client = connect();
    expect(ask(client, 5, payloads.regionInfo(2, 32)).payload[0]).toBe(88);
    expect(client.files).toEqual([]);
    expect(ask(client, 5, payloads.regionInfo(2, 88)).payload).toHaveLength(88);
    expect(client.files.map((file) => calls.file(file).size)).toEqual([0x10_0000n]);
  });

  it('offers no mmap to a client that takes no descriptors', () => {
    const client = connect('{"capabilities":{"max_msg_fds":0}}\0');
    expect(ask(client, 5, payloads.regionInfo(0)).payload[4]).toBe(3);
    expect(client.files).toEqual([]);
  });

  it.each([
    [1, '20000000 00000000 01000000 00000000 00000000'],
    [4, '20000000 03000000 04000000 00000000 20000000'],
    [6, '20000000 00000000 06000000 00000000 00000000'],
    [7, '20000000 03000000 07000000 00000000 00010000'],
    [8, '20000000 00000000 08000000 00000000 00000000'],
  ])('reports the size and flags of region %d', (index, start) => {
    const client = connect();
    expect(text(ask(client, 5, payloads.regionInfo(index)).payload.subarray(0, 20))).toBe(start);
    expect(client.files).toEqual([]);
  });

  it('refuses region 9', () => {
    expect(ask(connect(), 5, payloads.regionInfo(9))).toMatchObject(failed(EINVAL));
  });

  it('keeps the bits written to COMMAND until the device is reset', () => {
    const resets = vi.fn<() => void>();
    server.on('reset', resets);
    const client = connect();
    const command = () => text(ask(client, 9, payloads.read(7, 4n, 2)).payload.subarray(16));
    ask(client, 10, payloads.write(7, 4n, bytes('ffff')));
    expect(command()).toBe('4705');
    expect(resets).not.toHaveBeenCalled();
    expect(ask(client, 13)).toMatchObject({ ...OK, payload: bytes('') });
    expect(command()).toBe('0000');
    expect(resets).toHaveBeenCalledTimes(1);
  });

  it('gives trapped accesses and mmaps the same memory', () => {
    const writes: unknown[] = [];
    server.on('write', ({ region, offset }, data) => writes.push([region, offset, text(data)]));
    const client = connect();
    ask(client, 5, payloads.regionInfo(0));
    const reply = ask(client, 10, payloads.write(0, 0x3ffen, bytes('abcd')));
    expect(text(reply.payload)).toBe('fe3f0000 00000000 00000000 02000000');
    expect(text(calls.readFile(client.files[0]!, 0x3ffen, 2))).toBe('abcd');
    expect(text(ask(client, 9, payloads.read(0, 0x3ffdn, 3)).payload.subarray(16))).toBe('00abcd');
    expect(writes).toEqual([[0, 0x3ffen, 'abcd']]);
  });

  it('reads zeros from a BAR without mmap', () => {
    const client = connect();
    ask(client, 10, payloads.write(4, 0n, bytes('ff')));
    expect(text(ask(client, 9, payloads.read(4, 0n, 4)).payload.subarray(16))).toBe('00000000');
  });

  it.each([
    [0, 0x3fffn, 2],
    [0, 0xffff_ffff_ffff_ffffn, 1],
    [1, 0n, 1],
    [7, 256n, 1],
    [9, 0n, 0],
    [0xffff_ffff, 0n, 4],
  ])('refuses an access to region %d, offset %d, of %d bytes', (region, at, count) => {
    const client = connect();
    expect(ask(client, 9, payloads.read(region, at, count))).toMatchObject(failed(EINVAL));
    expect(ask(client, 10, payloads.write(region, at, new Uint8Array(count)))).toMatchObject(failed(EINVAL));
  });

  it('emits an event for interrupts that the client sets up, and closes their descriptors', () => {
    const seen: unknown[] = [];
    server.on('irqs', (irqs) => seen.push(irqs));
    const client = connect();
    const before = calls.open.size;
    expect(ask(client, 8, payloads.setIrqs(0x24, 2, 0, 3), 3)).toMatchObject({ ...OK, payload: bytes('') });
    expect(calls.open.size).toBe(before);
    expect(seen).toEqual([{ data: 'eventfd', action: 'trigger', flags: 0x24, index: 2, start: 0, count: 3 }]);
    expect(ask(client, 8, payloads.setIrqs(0x24, 2, 0, 3), 2)).toMatchObject(failed(EINVAL));
    expect(calls.open.size).toBe(before);
  });

  it.each([6, 11, 12, 14, 15, 16, 17, 18])('answers EOPNOTSUPP to command %d', (command) => {
    expect(ask(connect(), command, bytes('00'))).toMatchObject(failed(EOPNOTSUPP));
  });

  it.each([0, 19, 0xffff])('answers EINVAL to command %d, which the protocol does not have', (command) => {
    expect(ask(connect(), command)).toMatchObject(failed(EINVAL));
  });
});

describe('DMA requests of a vfio-user server', () => {
  it('are granted by the container, recorded, and answered with the error number of the container', () => {
    const seen: unknown[] = [];
    server.on('dma', (request) => seen.push(request));
    const client = connect();
    const before = calls.open.size;
    expect(ask(client, 2, payloads.map(0x1000n, 0x2000n, 3, 0x5000n), 1)).toMatchObject({
      ...OK,
      payload: bytes(''),
    });
    expect(ask(client, 2, payloads.map(0x10_0000n, 0x1000n, 1))).toMatchObject(OK);
    expect(ask(client, 2, payloads.map(0x2000n, 0x1000n))).toMatchObject(failed(EINVAL));
    expect(ask(client, 3, payloads.unmap(0x1000n, 0x1000n))).toMatchObject(failed(ENOENT));
    const unmap = payloads.unmap(0x1000n, 0x2000n);
    expect(server.live).toEqual([
      { iova: 0x1000n, size: 0x2000n, readonly: false, fileOffset: 0x5000n },
      { iova: 0x10_0000n, size: 0x1000n, readonly: true, fileOffset: undefined },
    ]);
    expect(ask(client, 3, unmap)).toMatchObject({ ...OK, payload: unmap });
    expect(server.live).toHaveLength(1);
    expect(calls.open.size).toBe(before);

    const map = { kind: 'map', readonly: false, fileOffset: undefined, flags: 3, answer: 'ok' };
    const gone = { kind: 'unmap', readonly: false, fileOffset: undefined, flags: 0, answer: 'ok' };
    expect(server.requests).toEqual([
      { ...map, iova: 0x1000n, size: 0x2000n, fileOffset: 0x5000n },
      { ...map, iova: 0x10_0000n, size: 0x1000n, flags: 1, readonly: true },
      { ...map, iova: 0x2000n, size: 0x1000n, answer: EINVAL },
      { ...gone, iova: 0x1000n, size: 0x1000n, answer: ENOENT },
      { ...gone, iova: 0x1000n, size: 0x2000n },
    ]);
    expect(seen).toEqual(server.requests);
    expect(server.takeRequests()).toHaveLength(5);
    expect(server.requests).toEqual([]);
  });

  it('remove all mappings with the flag ALL', () => {
    const client = connect();
    for (const page of [1n, 3n, 5n]) ask(client, 2, payloads.map(page << 12n, 0x1000n));
    expect(ask(client, 3, payloads.unmap(0n, 0n, 2))).toMatchObject(OK);
    expect(server.live).toEqual([]);
    expect(server.requests.at(-1)).toMatchObject({ kind: 'unmap', flags: 2, answer: 'ok' });
  });

  it('for the same memory at the same IOVA change nothing, and are refused for another file', () => {
    const client = connect();
    const map = payloads.map(0x1000n, 0x1000n);
    expect(ask(client, 2, map)).toMatchObject(OK);
    expect(ask(client, 2, map)).toMatchObject(OK);
    expect(ask(client, 2, map, 1)).toMatchObject(failed(EINVAL));
    expect(server.live).toHaveLength(1);
  });

  it('are refused above the number of mappings that the container allows', async () => {
    await server.close();
    await serve({ container: container(1), maxDmaMaps: 1 });
    const client = connect();
    expect(ask(client, 2, payloads.map(0n, 0x1000n))).toMatchObject(OK);
    expect(ask(client, 2, payloads.map(0x1000n, 0x1000n))).toMatchObject(failed(EINVAL));
  });

  it('are refused with two files', () => {
    const client = connect();
    expect(ask(client, 2, payloads.map(0n, 0x1000n), 2)).toMatchObject(failed(EINVAL));
    expect(server.requests).toEqual([]);
  });

  it('stay in leftBehind after the client disconnects, and the next client begins without mappings', () => {
    const left = vi.fn<(left: readonly unknown[], failure: unknown) => void>();
    server.on('disconnect', left);
    const first = connect();
    ask(first, 2, payloads.map(0n, 0x1000n));
    first.close();
    calls.turn();
    expect(server.connected).toBe(false);
    expect(server.live).toEqual([]);
    expect(server.leftBehind).toEqual([{ iova: 0n, size: 0x1000n, readonly: false, fileOffset: undefined }]);
    expect(left.mock.calls).toEqual([[server.leftBehind, undefined]]);
    const second = connect();
    expect(server.live).toEqual([]);
    expect(ask(second, 2, payloads.map(0n, 0x1000n))).toMatchObject(OK);
  });

  it('close the connection when maxRequests is reached', async () => {
    await server.close();
    await serve({ maxRequests: 3 });
    const ends = vi.fn<(left: readonly unknown[], failure: unknown) => void>();
    server.on('disconnect', ends);
    const client = connect();
    for (let count = 0; count < 5; count++) client.send(message(count, 2, payloads.map(0n, 0x1000n)));
    calls.turn();
    expect(replies(client.received())).toHaveLength(3);
    expect(client.closed).toBe(true);
    expect(server.requests).toHaveLength(3);
    expect(String(ends.mock.calls[0]![1])).toContain('sent 3 DMA requests, and takeRequests was not called');
  });
});

describe('a stream of vfio-user messages', () => {
  it('gives the same replies however it is cut into pieces', () => {
    const whole = [
      message(1, 1, payloads.version()),
      message(2, 2, payloads.map(0n, 0x1000n)),
      message(3, 9, payloads.read(7, 0n, 256)),
      message(4, 10, payloads.write(7, 4n, bytes('0700')), 0x10),
      message(5, 13),
      message(6, 3, payloads.unmap(0n, 0x1000n)),
    ];
    const stream = Uint8Array.from(whole.flatMap((one) => [...one]));
    const run = (cuts: number[], chunk: number, window: number): ReceivedReply[] => {
      calls.chunk = chunk;
      const client = calls.connect();
      let at = 0;
      for (const cut of [...cuts, stream.length].toSorted((a, b) => a - b)) {
        client.send(stream.subarray(at, cut));
        at = cut;
        calls.turn();
      }
      let all = client.received();
      client.window = window;
      for (let next = 1; next > 0;) {
        calls.turn();
        const more = client.received();
        next = more.length;
        all = new Uint8Array([...all, ...more]);
        client.window = window;
      }
      client.close();
      calls.turn();
      calls.chunk = Infinity;
      return replies(all);
    };
    const expected = run([], Infinity, Infinity);
    expect(expected.map(({ id, flags }) => [id, flags])).toEqual([
      [1, 1],
      [2, 1],
      [3, 1],
      [5, 1],
      [6, 1],
    ]);
    fc.assert(
      fc.property(
        fc.array(fc.nat({ max: stream.length })),
        fc.integer({ min: 1, max: 300 }),
        fc.integer({ min: 1, max: 300 }),
        (cuts, chunk, window) => {
          expect(run(cuts, chunk, window)).toEqual(expected);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('is not read while the client does not read its replies', () => {
    const client = connect();
    client.window = 20;
    for (let count = 0; count < 100; count++)
      client.send(message(count, 2, payloads.map(BigInt(count) << 12n, 0x1000n)));
    calls.turn();
    expect(server.requests).toHaveLength(2);
    server.drain();
    expect(server.requests).toHaveLength(2);
    client.window = Infinity;
    calls.turn();
    expect(replies(client.received())).toHaveLength(100);
  });

  it('is read to its end after the client closed without reading its replies', () => {
    const client = connect();
    for (let count = 0; count < 1000; count++)
      client.send(message(count & 0xffff, 2, payloads.map(BigInt(count) << 12n, 0x1000n)));
    client.close();
    calls.turn();
    expect(server.requests).toHaveLength(1000);
    expect(server.leftBehind).toHaveLength(1000);
  });

  it('is answered by drain without the event loop', () => {
    const client = calls.connect();
    client.send(message(0, 1, payloads.version()));
    client.send(message(1, 2, payloads.map(0n, 0x1000n)));
    server.drain();
    expect(server.requests).toHaveLength(1);
    server.on('dma', () => server.drain());
    client.send(message(2, 3, payloads.unmap(0n, 0x1000n)));
    client.send(message(3, 2, payloads.map(0n, 0x1000n)));
    server.drain();
    expect(server.requests).toHaveLength(3);
  });

  it('is answered in turns of 256 messages, so that other sockets are served', () => {
    const client = connect();
    for (let count = 0; count < 600; count++) client.send(message(count, 13));
    calls.turn(1);
    expect(replies(client.received())).toHaveLength(256);
    calls.turn();
    expect(replies(client.received())).toHaveLength(344);
  });

  it('keeps descriptors with the message that they came with', () => {
    const client = connect();
    client.send(message(1, 2, payloads.map(0n, 0x1000n)));
    client.send(message(2, 2, payloads.map(0x1000n, 0x1000n, 3, 0x1000n)), 1);
    client.send(message(3, 2, payloads.map(0x2000n, 0x1000n)));
    calls.turn();
    expect(server.requests.map(({ fileOffset }) => fileOffset)).toEqual([undefined, 0x1000n, undefined]);
  });
});

describe('a hostile vfio-user client', () => {
  it.each([
    ['a command before VERSION', message(3, 4, payloads.deviceInfo()), EINVAL],
    ['another major version', message(3, 1, bytes('0100 0000')), EINVAL],
    ['a header with a size of 4 bytes', bytes('0300 0d00 04000000 00000000 00000000'), EINVAL],
    ['a message of 4 GiB - 1', bytes('0300 0a00 ffffffff 00000000 00000000'), EMSGSIZE],
    ['a reply', bytes('0300 0d00 10000000 01000000 00000000'), EINVAL],
  ])('gets an error reply and a closed connection for %s', (_, first, errno) => {
    const refused = vi.fn<(refusal: unknown) => void>();
    server.on('refused', refused);
    const client = calls.connect();
    client.send(first);
    client.send(message(4, 13));
    calls.turn();
    expect(replies(client.received())).toMatchObject([{ id: 3, ...failed(errno) }]);
    expect(client.closed).toBe(true);
    expect(refused.mock.calls).toMatchObject([[{ errno, fatal: true }]]);
  });

  it('gets an error reply for a second VERSION', () => {
    expect(ask(connect(), 1, payloads.version())).toMatchObject(failed(EINVAL));
  });

  it('gets an error reply for descriptors that a command does not take, and the server closes them', () => {
    const client = connect();
    const before = calls.open.size;
    expect(ask(client, 13, bytes(''), 1)).toMatchObject(failed(EINVAL));
    expect(calls.open.size).toBe(before);
  });

  it('loses its connection when it sends more descriptors than announced', () => {
    const refused = vi.fn<(refusal: unknown) => void>();
    server.on('refused', refused);
    const client = connect();
    client.send(message(4, 8, payloads.setIrqs(0x24, 2, 0, 9)), 9);
    calls.turn();
    expect(client.closed).toBe(true);
    expect(refused.mock.calls).toMatchObject([
      [{ fatal: true, reason: expect.stringContaining('8 at most') }],
    ]);
  });

  it('loses its connection when it sends a descriptor with each byte of a message', () => {
    const client = connect();
    for (const byte of message(4, 8, payloads.setIrqs(0x24, 2, 0, 9))) client.send(Uint8Array.of(byte), 1);
    calls.turn();
    expect(client.closed).toBe(true);
  });

  it('loses its connection when another client is connected', () => {
    const first = connect();
    const second = calls.connect();
    calls.turn();
    expect(second.closed).toBe(true);
    expect(ask(first, 13)).toMatchObject(OK);
  });

  it('gets no error reply to a message that wants no reply', () => {
    const refused = vi.fn<(refusal: unknown) => void>();
    server.on('refused', refused);
    const client = connect();
    client.send(message(4, 99, bytes(''), 0x10));
    calls.turn();
    expect(replies(client.received())).toEqual([]);
    expect(refused.mock.calls).toMatchObject([[{ command: 99, errno: EINVAL, fatal: false }]]);
  });

  /** How many messages a client sends, before the next client connects. */
  const MESSAGES = { maxLength: 20 };
  const clients = Math.ceil(INPUTS / 10);
  const garbage = fc.uint8Array({ maxLength: 80 });
  const sane = fc
    .record({
      id: fc.nat({ max: 0xffff }),
      command: fc.oneof(fc.integer({ min: 1, max: 18 }), fc.nat({ max: 0xffff })),
      payload: fc.oneof(
        garbage,
        fc.constant(bytes('')),
        fc
          .tuple(fc.bigInt(0n, 16n), fc.bigInt(0n, 16n))
          .map(([at, size]) => payloads.map(at << 12n, size << 12n)),
        fc
          .tuple(fc.bigInt(0n, 16n), fc.bigInt(0n, 16n))
          .map(([at, size]) => payloads.unmap(at << 12n, size << 12n)),
        fc.nat({ max: 12 }).map((index) => payloads.regionInfo(index, 200)),
        fc.nat({ max: 9 }).map((index) => payloads.irqInfo(index)),
        fc
          .tuple(fc.nat({ max: 9 }), fc.bigInt(0n, 300n), fc.nat({ max: 300 }))
          .map((args) => payloads.read(...args)),
        fc.tuple(fc.nat({ max: 9 }), fc.bigInt(0n, 300n), garbage).map((args) => payloads.write(...args)),
        fc
          .tuple(fc.nat({ max: 0x40 }), fc.nat({ max: 6 }), fc.nat({ max: 20 }), fc.nat({ max: 20 }))
          .map((args) => payloads.setIrqs(...args)),
      ),
      flags: fc.constantFrom(0, 0, 0, 0x10, 0x20, 0xffff_fff0),
    })
    .map(({ id, command, payload, flags }) => message(id, command, payload, flags));

  it(
    'gets one reply for each message with a valid header, in order, for any payload',
    { timeout: DOOR_TIMEOUT },
    async () => {
      await putThroughDoor(
        fc.array(fc.tuple(sane, fc.constantFrom(0, 0, 0, 1, 2, 8)), MESSAGES),
        (stream) => {
          const client = connect();
          const before = calls.open.size;
          for (const [bytes, descriptors] of stream) client.send(bytes, descriptors);
          calls.turn();
          const view = (one: Uint8Array) => new DataView(one.buffer);
          const expected = stream
            .map(([bytes]) => bytes)
            .filter((one) => (view(one).getUint32(8, true) & 0x10) === 0)
            .map((one) => [view(one).getUint16(0, true), view(one).getUint16(2, true)]);
          const received = replies(client.received());
          expect(received.map(({ id, command }) => [id, command])).toEqual(expected);
          for (const { flags, payload } of received) if (flags === 0x21) expect(payload).toHaveLength(0);
          expect(calls.open.size).toBe(before);
          client.close();
          calls.turn();
          expect(server.connected).toBe(false);
          server.takeRequests();
        },
        clients,
      );
    },
  );

  it('gets replies or a closed connection for any bytes', { timeout: DOOR_TIMEOUT }, async () => {
    const headerless = fc.uint8Array({ maxLength: 40 });
    const broken = fc
      .tuple(sane, fc.nat({ max: 15 }), fc.integer({ min: 0, max: 255 }))
      .map(([one, at, byte]) => one.with(at, byte));
    const cut = fc.tuple(sane, fc.nat({ max: 60 })).map(([one, length]) => one.subarray(0, length));
    const chunks = fc.array(
      fc.tuple(fc.oneof(sane, headerless, broken, cut), fc.constantFrom(0, 0, 1, 9)),
      MESSAGES,
    );
    const streams = fc.tuple(chunks, fc.boolean(), fc.integer({ min: 1, max: 64 }));
    const idle = calls.open.size;
    await putThroughDoor(
      streams,
      ([stream, introduces, chunk]) => {
        calls.chunk = chunk;
        const client = introduces ? connect() : calls.connect();
        for (const [bytes, descriptors] of stream) client.send(bytes, descriptors);
        calls.turn();
        client.close();
        calls.turn();
        expect(() => replies(client.received())).not.toThrow();
        expect(server.connected).toBe(false);
        expect(calls.open.size).toBe(idle);
        server.takeRequests();
      },
      clients,
    );
    expect(calls.largestRead).toBeLessThanOrEqual(16 + (1 << 20));
  });
});

/** The next uncaught exception. vitest listens for these as well, and would fail the test. */
async function uncaught(): Promise<unknown> {
  const listeners = process.rawListeners('uncaughtException') as NodeJS.UncaughtExceptionListener[];
  process.removeAllListeners('uncaughtException');
  const error = await new Promise((resolve) => process.once('uncaughtException', resolve));
  for (const listener of listeners) process.on('uncaughtException', listener);
  return error;
}

describe('a vfio-user server after a failure', () => {
  it('still answers the client when a listener throws, and the exception is uncaught', async () => {
    const failure = new Error('from a listener');
    server.on('dma', () => {
      throw failure;
    });
    const client = connect();
    const caught = uncaught();
    expect(ask(client, 2, payloads.map(0n, 0x1000n))).toMatchObject(OK);
    expect(ask(client, 13)).toMatchObject(OK);
    expect(await caught).toBe(failure);
  });

  it.each(['receive', 'send'])('closes the connection when %s fails', (call) => {
    const ends = vi.fn<(left: readonly unknown[], failure: unknown) => void>();
    server.on('disconnect', ends);
    const client = connect();
    calls.failing.push(call);
    client.send(message(1, 13));
    calls.turn();
    expect(client.closed).toBe(true);
    expect(ends.mock.calls[0]![1]).toBeInstanceOf(SystemCallError);
    connect();
  });

  it.each(['accept', 'watch'])('leaves nothing open when %s fails for a new client', async (call) => {
    const before = calls.open.size;
    const caught = uncaught();
    calls.failing.push(call);
    const client = calls.connect();
    calls.turn(1);
    expect(await caught).toBeInstanceOf(SystemCallError);
    expect(server.connected).toBe(false);
    expect(calls.open.size).toBe(call === 'accept' ? before + 1 : before);
    expect(client.closed).toBe(call === 'watch');
    calls.turn();
  });

  it.each(['listen', 'memoryFile', 'watch'])(
    'leaves nothing open when %s fails in listen()',
    async (call) => {
      await server.close();
      calls.failing.push(call);
      await expect(server.listen()).rejects.toThrow(SystemCallError);
      expect(calls.open).toEqual(new Set());
      await server.listen();
      connect();
    },
  );
});

it('a vfio-user server can be closed by a listener and opened again', async () => {
  server.on('dma', () => void server.close());
  const client = connect();
  client.send(message(1, 2, payloads.map(0n, 0x1000n)));
  client.send(message(2, 2, payloads.map(0x1000n, 0x1000n)));
  calls.turn();
  expect(client.closed).toBe(true);
  expect(server.requests).toHaveLength(1);
  expect(server.leftBehind).toHaveLength(1);
  await Promise.all([server.close(), server.close()]);
  server.drain();
  await server.listen();
  await server.listen();
  connect();
});
