import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LineConnection } from '../../qemu/process/line-connection.ts';
import { AgentClient, AgentMisunderstands } from './agent-client.ts';
import { command, MAP, PROT } from './commands.ts';

let folder: string;
let connection: LineConnection;
let agent: Socket;
let client: AgentClient;
/** What the agent received. */
let received = '';

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'agent-client-'));
  connection = await LineConnection.listen(join(folder, 'agent'));
  client = new AgentClient(connection);
  received = '';
  agent = connect(join(folder, 'agent'));
  agent.on('data', (data) => (received += data.toString()));
  await connection.connected();
});
afterEach(() => {
  agent.destroy();
  connection.close();
  rmSync(folder, { recursive: true });
});

describe('AgentClient', () => {
  it('waits for the first line of the agent, which has the page size', async () => {
    agent.write('ready 16384\n');
    await expect(client.ready()).resolves.toBe(16384);
  });

  it('gives the answers in the order of the commands, even if they arrive in pieces', async () => {
    const answers = Promise.all(client.send(['close 3', 'pread 4 0 2', 'close 9', 'load 0 4', 'open 2 /x']));
    agent.write('ok 0\nok 2 a');
    agent.write('0ff\nerror 22 01\ntrap 7\nlate\n');
    await expect(answers).resolves.toEqual([
      { kind: 'returned', result: 0, errno: 0, data: new Uint8Array() },
      { kind: 'returned', result: 2, errno: 0, data: Uint8Array.of(0xa0, 0xff) },
      { kind: 'returned', result: -1, errno: 22, data: Uint8Array.of(1) },
      { kind: 'trap', signal: 7 },
      { kind: 'late' },
    ]);
    expect(received).toBe('close 3\npread 4 0 2\nclose 9\nload 0 4\nopen 2 /x\n');
  });

  it('rejects a command that the agent does not know', async () => {
    const [answer] = client.send(['dance']);
    agent.write('bad\n');
    await expect(answer).rejects.toThrow(AgentMisunderstands);
  });

  it('rejects pending and later commands after a failure', async () => {
    const [before] = client.send(['close 3']);
    client.fail(new Error('gone'));
    await expect(before).rejects.toThrow('gone');
    await expect(client.send(['close 3'])[0]).rejects.toThrow('gone');
  });
});

describe('the commands of the agent', () => {
  it('have their words in the order in which agent.c reads them', () => {
    const area = { address: 4096n, length: 8192n, protection: PROT.READ | PROT.WRITE };
    const flags = MAP.PRIVATE | MAP.ANONYMOUS;
    expect(command.mmap({ ...area, flags, descriptor: -1, offset: 0n })).toBe('mmap 4096 8192 3 34 -1 0');
    expect(command.ioctl(5, 0x3b71, Uint8Array.of(1, 0xff))).toBe('ioctl 5 15217 01ff');
    expect(command.ioctl(5, 0x3b71, new Uint8Array())).toBe('ioctl 5 15217 -');
    expect(command.writeFile('/sys/x', 'ab')).toBe('write-file /sys/x 6162');
    expect(command.open('/dev/vfio/vfio')).toBe('open 2 /dev/vfio/vfio');
  });
});
