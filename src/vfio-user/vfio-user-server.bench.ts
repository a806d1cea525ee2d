import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, bench, describe } from 'vitest';
import { linuxSystemCalls } from './linux-system-calls.ts';
import { container, device } from './testing/device.ts';
import { message, payloads } from './testing/messages.ts';
import { SocketClient } from './testing/socket-client.ts';
import { VfioUserServer } from './vfio-user-server.ts';

const MANY = 64;
const PAGE = 0x1000n;

describe.skipIf(process.platform !== 'linux')('a message to the server', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'barproof-vfio-user-'));
  const calls = linuxSystemCalls();

  // Measures the client and the kernel alone.
  const listener = calls.listen(join(folder, 'bare'));
  const bare = new SocketClient(join(folder, 'bare'));
  const accepted = calls.accept(listener)!;

  const server = new VfioUserServer({ socketPath: join(folder, 'socket'), device, container: container() });
  await server.listen();
  const client = new SocketClient(join(folder, 'socket'));
  await client.ask(message(0, 1, payloads.version()));

  afterAll(async () => {
    for (const one of [bare, client]) one.close();
    for (const one of [accepted, listener]) calls.close(one);
    await server.close();
    rmSync(folder, { recursive: true });
  });

  /** Sends messages all at once, and takes the replies. */
  const exchange = (...messages: readonly Uint8Array[]): void => {
    for (const each of messages) client.send(each);
    server.drain();
    if (client.receive()?.length === 0) throw new Error('the server sent no reply');
    server.takeRequests();
  };

  const read = message(1, 9, payloads.read(7, 0n, 4));
  const map = message(1, 2, payloads.map(0n, PAGE));
  const unmap = message(1, 3, payloads.unmap(0n, PAGE));
  const maps = Array.from({ length: MANY }, (_, index) =>
    message(1, 2, payloads.map(BigInt(index) * PAGE, PAGE)),
  );
  const unmapAll = message(1, 3, payloads.unmap(0n, BigInt(MANY) * PAGE));

  const received = new Uint8Array(64);
  bench('and its way back, without a server', () => {
    bare.send(read);
    calls.receive(accepted, received, [], 0);
    calls.send(accepted, read, undefined);
    bare.receive();
  });
  bench('that reads a register', () => exchange(read));
  bench('that maps, and one that unmaps', () => exchange(map, unmap));
  bench(`that maps, ${MANY} times at once, and one that unmaps all`, () => exchange(...maps, unmapAll));
});
