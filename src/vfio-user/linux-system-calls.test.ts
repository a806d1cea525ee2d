import fc from 'fast-check';
import {
  closeSync,
  existsSync,
  fstatSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import koffi from 'koffi';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { linuxSystemCalls } from './linux-system-calls.ts';
import { DescriptorsLost, GONE, SystemCallError } from './system-calls.ts';
import { bytes, text } from './testing/bytes.ts';
import { container, device } from './testing/device.ts';
import { message, payloads, replies } from './testing/messages.ts';
import { SocketClient } from './testing/socket-client.ts';
import { VfioUserServer } from './vfio-user-server.ts';

const openDescriptors = (): number => readdirSync('/proc/self/fd').length;
const threads = (): number =>
  Number(/^Threads:\s*(\d+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))![1]);
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Opens files until the limit of this process, which is lowered for that. @returns a function that undoes it. */
function useUpDescriptors(): () => void {
  const RLIMIT_NOFILE = 7;
  const libc = koffi.load(null);
  const get = libc.func('int getrlimit(int, uint8_t *)');
  const set = libc.func('int setrlimit(int, const uint8_t *)');
  const limits = Buffer.alloc(16);
  get(RLIMIT_NOFILE, limits);
  const lowered = Buffer.from(limits);
  lowered.writeBigUInt64LE(BigInt(Math.max(...readdirSync('/proc/self/fd').map(Number)) + 1));
  set(RLIMIT_NOFILE, lowered);
  const files: number[] = [];
  try {
    for (;;) files.push(openSync('/dev/null', 'r'));
  } catch {
    // No descriptor is left.
  }
  return () => {
    set(RLIMIT_NOFILE, limits);
    for (const file of files) closeSync(file);
  };
}

describe.skipIf(process.platform !== 'linux')('a vfio-user server on Linux', () => {
  const folder = mkdtempSync(join(tmpdir(), 'barproof-vfio-user-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const socketPath = join(folder, 'socket');
  const make = (): VfioUserServer => new VfioUserServer({ socketPath, device, container: container() });

  let server: VfioUserServer;
  let clients: SocketClient[];
  beforeEach(async () => {
    server = make();
    clients = [];
    await server.listen();
  });
  afterEach(async () => {
    for (const client of clients) client.close();
    await server.close();
    expect(existsSync(socketPath)).toBe(false);
  });

  async function connect(): Promise<SocketClient> {
    const client = new SocketClient(socketPath);
    clients.push(client);
    expect(replies(await client.ask(message(0, 1, payloads.version())))).toMatchObject([{ flags: 1 }]);
    return client;
  }

  it('takes the file of RAM from the client and gives it the files of BARs', async () => {
    const client = await connect();
    const before = openDescriptors();
    const ram = linuxSystemCalls().memoryFile('ram', 0x10000n);
    const [mapped] = replies(await client.ask(message(1, 2, payloads.map(0n, 0x1000n, 3, 0x2000n)), [ram]));
    expect(mapped).toMatchObject({ id: 1, flags: 1 });
    expect(server.requests).toMatchObject([{ kind: 'map', fileOffset: 0x2000n, answer: 'ok' }]);
    // Another descriptor of the same file is the same memory. Another file is not.
    const again = openSync(`/proc/self/fd/${ram}`, 'r+');
    const other = linuxSystemCalls().memoryFile('other', 0x10000n);
    for (const [file, flags] of [
      [again, 1],
      [other, 0x21],
    ] as const) {
      const reply = await client.ask(message(2, 2, payloads.map(0n, 0x1000n, 3, 0x2000n)), [file]);
      expect(replies(reply)).toMatchObject([{ flags }]);
    }
    for (const file of [ram, again, other]) closeSync(file);
    expect(openDescriptors()).toBe(before);

    await client.ask(message(3, 5, payloads.regionInfo(0)));
    expect(client.files).toHaveLength(1);
    const bar = client.files[0]!;
    expect(fstatSync(bar).size).toBe(0x10000);
    await client.ask(message(4, 10, payloads.write(0, 0x123n, bytes('c0ffee'))));
    const seen = new Uint8Array(4);
    readSync(bar, seen, 0, 4, 0x122);
    expect(text(seen)).toBe('00c0ffee');
    writeSync(bar, bytes('aa'), 0, 1, 0x124);
    const [read] = replies(await client.ask(message(5, 9, payloads.read(0, 0x123n, 3))));
    expect(text(read!.payload.subarray(16))).toBe('c0aaee');
  });

  it('keeps descriptors with their message, however the messages are cut and joined', async () => {
    const client = await connect();
    const ram = openSync('/dev/null', 'r');
    const map = (page: bigint) =>
      message(Number(page), 2, payloads.map(page << 12n, 0x1000n, 3, page << 12n));
    client.send(map(1n));
    client.send(map(2n), [ram]);
    client.send(map(3n));
    client.send(map(4n).subarray(0, 20), [ram]);
    client.send(map(4n).subarray(20));
    server.drain();
    closeSync(ram);
    expect(server.requests.map(({ fileOffset }) => fileOffset)).toEqual([
      undefined,
      0x2000n,
      undefined,
      0x4000n,
    ]);
  });

  it('sets close-on-exec on sockets, memory files and received descriptors', () => {
    const calls = linuxSystemCalls();
    const listener = calls.listen(join(folder, 'second'));
    const client = new SocketClient(join(folder, 'second'));
    const socket = calls.accept(listener)!;
    const nothing = openSync('/dev/null', 'r');
    expect(calls.receive(socket, new Uint8Array(4), [], 1)).toBe(0);
    client.send(bytes('0102030405'), [nothing, nothing]);
    const into = new Uint8Array(3);
    const descriptors: number[] = [];
    expect(calls.receive(socket, into, descriptors, 2)).toBe(3);
    expect(text(into)).toBe('010203');
    expect(descriptors).toHaveLength(2);
    const closeOnExec = 0o2000000;
    for (const descriptor of [...descriptors, socket, listener, calls.memoryFile('one', 1n)]) {
      const flags = /^flags:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8'))![1]!;
      expect(Number.parseInt(flags, 8) & closeOnExec).toBe(closeOnExec);
      if (descriptor !== socket) calls.close(descriptor);
    }
    expect(calls.receive(socket, into, descriptors, 2)).toBe(2);
    client.send(bytes('01'), [nothing, nothing]);
    const some: number[] = [];
    expect(() => calls.receive(socket, into, some, 1)).toThrow(DescriptorsLost);
    for (const descriptor of [...some, nothing]) closeSync(descriptor);
    client.close();
    expect(calls.receive(socket, into, descriptors, 2)).toBe(GONE);
    expect(calls.send(socket, bytes('01'), undefined)).toBe(GONE);
    calls.close(socket);
    calls.remove(join(folder, 'second'));
    calls.remove(join(folder, 'second'));
  });

  it('closes the connection and all descriptors when the client sends more than announced', async () => {
    const client = await connect();
    const before = openDescriptors();
    const files = Array.from({ length: 9 }, () => openSync('/dev/null', 'r'));
    client.send(message(1, 8, payloads.setIrqs(0x24, 2, 0, 9)), files);
    for (const file of files) closeSync(file);
    await client.closedByServer();
    expect(openDescriptors()).toBe(before - 1);
    await connect();
  });

  it('reads all messages of a client that closed without reading its replies', async () => {
    const client = await connect();
    const stream = Array.from({ length: 1000 }, (_, page) =>
      message(page, 2, payloads.map(BigInt(page) << 12n, 0x1000n)),
    );
    client.send(Uint8Array.from(stream.flatMap((one) => [...one])));
    // One turn of the server reads a part of the messages. The client then closes its socket with unread replies,
    // which is an error at the server's end, and libuv stops watching a socket with an error.
    await turn();
    clients.pop();
    client.close();
    const deadline = performance.now() + 5000;
    while (server.connected && performance.now() < deadline) await turn();
    expect(server.requests).toHaveLength(1000);
    expect(server.leftBehind).toHaveLength(1000);
  });

  it('reads nothing more from a client that does not read its replies', async () => {
    const client = await connect();
    const read = message(1, 9, payloads.read(0, 0n, 0x1000));
    let sent = 0;
    for (let idle = 0; idle < 20; idle++) {
      while (client.send(read) === read.length) {
        sent++;
        idle = 0;
      }
      await turn();
    }
    let received = 0;
    while (received < sent) {
      const reply = await client.reply();
      expect(reply).toHaveLength(32 + 0x1000);
      received++;
    }
    expect(sent).toBeGreaterThan(50);
  });

  it('takes messages of up to 1 MiB of data', async () => {
    const client = await connect();
    const data = Uint8Array.from({ length: 0x4000 }, (_, index) => index * 7);
    await client.ask(message(1, 10, payloads.write(0, 0n, data)));
    const [reply] = replies(await client.ask(message(2, 9, payloads.read(0, 0n, 0x4000))));
    expect(reply!.payload.subarray(16)).toEqual(data);
    const large = message(3, 10, payloads.write(2, 0n, new Uint8Array(0x10_0000).fill(0xa5)));
    for (let at = 0; at < large.length; await turn()) at += Math.max(0, client.send(large.subarray(at)));
    await client.reply();
    const [whole] = replies(await client.ask(message(4, 9, payloads.read(2, 0n, 0x10_0000))));
    expect(whole!.payload.subarray(16).every((byte) => byte === 0xa5)).toBe(true);
  });

  it('answers any bytes by replies or a closed connection, and leaves no descriptor open', async () => {
    const before = openDescriptors();
    const file = openSync('/dev/null', 'r');
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 64 }), fc.nat({ max: 3 })), {
          maxLength: 10,
        }),
        fc.boolean(),
        async (chunks, introduces) => {
          const client = introduces ? await connect() : new SocketClient(socketPath);
          if (introduces) clients.pop();
          for (const [chunk, files] of chunks) {
            client.send(
              chunk,
              Array.from({ length: files }, () => file),
            );
            if (chunk[0]! % 2 === 0) server.drain();
          }
          client.close();
          server.drain();
          await turn();
          expect(server.connected).toBe(false);
        },
      ),
      { numRuns: 150 },
    );
    closeSync(file);
    expect(openDescriptors()).toBe(before);
    await connect();
  });

  it('leaves no descriptor and no thread behind after 500 clients and 100 servers', async () => {
    const cycle = async (): Promise<void> => {
      const client = await connect();
      await client.ask(message(1, 5, payloads.regionInfo(0)));
      await client.ask(message(2, 2, payloads.map(0n, 0x1000n)), [client.descriptor]);
      clients.pop();
      client.close();
      server.drain();
    };
    for (let count = 0; count < 20; count++) await cycle();
    await turn();
    const before = { descriptors: openDescriptors(), threads: threads() };
    for (let count = 0; count < 500; count++) await cycle();
    await turn();
    expect({ descriptors: openDescriptors(), threads: threads() }).toEqual(before);

    await server.close();
    const closed = openDescriptors();
    for (let count = 0; count < 100; count++) {
      await server.listen();
      const client = await connect();
      if (count % 2 === 0) client.close();
      await server.close();
      if (count % 2 !== 0) client.close();
      clients.pop();
    }
    expect(openDescriptors()).toBe(closed);
    expect(threads()).toBe(before.threads);
  }, 60_000);

  it('refuses clients while this process may open no more files, and then serves the next client', async () => {
    const refused = new SocketClient(socketPath);
    clients.push(refused);
    const restore = useUpDescriptors();
    try {
      server.drain();
      // The event loop would wake again and again for a client that waits.
      await refused.closedByServer();
      expect(server.connected).toBe(false);
      server.drain();
    } finally {
      restore();
    }
    await connect();
    expect(server.connected).toBe(true);
  });

  it('lets code that awaits an event run before the next message', async () => {
    const reset = new Promise<void>((resolve) => server.once('reset', resolve));
    const client = await connect();
    client.send(message(1, 13));
    await reset;
    client.send(message(2, 13));
    await client.reply();
    await client.reply();
  });

  it('refuses a path that no socket can have, and a path that is taken', async () => {
    const long = join(folder, 'x'.repeat(108));
    const at = (path: string) =>
      new VfioUserServer({ socketPath: path, device, container: container() }).listen();
    await expect(at(long)).rejects.toThrow(/socket path .* allowed 1 to 107/);
    await expect(at('')).rejects.toThrow(RangeError);
    await expect(at(join(folder, 'none', 'socket'))).rejects.toThrow(
      expect.objectContaining({ name: 'SystemCallError', call: 'bind' }),
    );
    const taken = join(folder, 'taken');
    writeFileSync(taken, '');
    const before = openDescriptors();
    await expect(at(taken)).rejects.toThrow(SystemCallError);
    await expect(at(taken)).rejects.toThrow(/bind: EADDRINUSE \(.*taken\)/);
    expect(existsSync(taken)).toBe(true);
    expect(openDescriptors()).toBe(before);
  });

  it('throws SystemCallError with the name of the call that failed', () => {
    expect(() => linuxSystemCalls().memoryFile('negative', -1n)).toThrow(/ftruncate: EINVAL/);
    expect(() => linuxSystemCalls().readFile(-1, 0n, 1)).toThrow(/pread/);
    expect(() => linuxSystemCalls().receive(-1, new Uint8Array(1), [], 1)).toThrow(/recvmsg/);
    expect(() => linuxSystemCalls().accept(-1)).toThrow(/accept4/);
  });
});
