import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { IrqSet } from './irq-set.ts';
import type { ServedDevice } from './served-device.ts';
import { container, device } from './testing/device.ts';
import { VfioUserServer } from './vfio-user-server.ts';

const PROGRAM = 'qemu-system-x86_64';

/** The program that BARPROOF_QEMU names, itself or by its folder; without BARPROOF_QEMU, the first in PATH. */
function findQemu(): string | undefined {
  const named = process.env['BARPROOF_QEMU'];
  const folders = named === undefined ? (process.env['PATH'] ?? '').split(delimiter) : [named];
  return folders
    .map((path) => (existsSync(path) && statSync(path).isDirectory() ? join(path, PROGRAM) : path))
    .filter((path) => existsSync(path) && statSync(path).isFile())
    .find((path) =>
      execFileSync(path, ['-device', 'help'], { encoding: 'utf8' }).includes('"vfio-user-pci"'),
    );
}

const qemu = findQemu();
const title = qemu
  ? 'the vfio-user server with a real QEMU'
  : `the vfio-user server with a real QEMU: skipped, BARPROOF_QEMU names no ${PROGRAM} with vfio-user-pci (10.1)`;

/** A client of QEMU's qtest socket. It sends one request after the other. */
class Qtest {
  readonly #socket: Socket;
  readonly #waiting: ((line: string) => void)[] = [];
  #buffer = '';

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('error', () => undefined);
    socket.on('data', (data) => {
      this.#buffer += data.toString();
      const lines = this.#buffer.split('\n');
      this.#buffer = lines.pop()!;
      for (const line of lines) if (!line.startsWith('IRQ')) this.#waiting.shift()?.(line);
    });
  }

  ask(line: string): Promise<string> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#socket.write(`${line}\n`);
    });
  }

  /** Reads or writes a dword of the configuration space of the device in slot 2. */
  async config(register: number, value?: number): Promise<number> {
    await this.ask(`outl 0xcf8 ${0x8000_1000 + register}`);
    if (value === undefined) return Number((await this.ask('inl 0xcfc')).split(' ')[1]);
    await this.ask(`outl 0xcfc ${value}`);
    return value;
  }

  close(): void {
    this.#socket.destroy();
  }
}

describe.skipIf(qemu === undefined)(title, () => {
  let folder: string;
  let server: VfioUserServer;
  let child: ChildProcess;
  let qtest: Qtest;
  let messages: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'barproof-qemu-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  beforeEach(() => {
    messages = '';
  });

  async function start(served: ServedDevice): Promise<void> {
    const socket = join(folder, 'device');
    server = new VfioUserServer({ socketPath: socket, device: served, container: container() });
    await server.listen();
    const ready = new Promise<void>((resolve) => server.once('reset', resolve));
    child = spawn(
      qemu!,
      [
        ...['-machine', 'q35,memory-backend=ram', '-accel', 'qtest', '-nodefaults', '-display', 'none'],
        ...['-object', 'memory-backend-memfd,id=ram,size=512M,share=on', '-m', '512M', '-monitor', 'none'],
        ...['-qtest', `unix:${join(folder, 'qtest')},server=on,wait=off`, '-qtest-log', '/dev/null'],
        '-device',
        JSON.stringify({ driver: 'vfio-user-pci', addr: '0x2', socket: { type: 'unix', path: socket } }),
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    child.stderr!.on('data', (data) => (messages += data));
    await ready;
    qtest = new Qtest(connect(join(folder, 'qtest')));
  }

  afterEach(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
    }
    qtest.close();
    await server.close();
    rmSync(join(folder, 'qtest'), { force: true });
  });

  const requests = (): string[] =>
    server
      .takeRequests()
      .map(
        ({ kind, iova, size, flags, answer }) =>
          `${kind} ${iova.toString(16)}+${size.toString(16)} ${flags} ${answer}`,
      );

  it('sees QEMU map RAM and the mmap areas of BARs, and remap a BAR that moves', async () => {
    await start(device);
    await qtest.config(0);
    server.drain();
    // Observed (vfio fact 10.5, machine fact 11.1): RAM and firmware at realize, the legacy area in pieces
    // after the first reset.
    expect(requests()).toEqual([
      'map 0+20000000 3 ok',
      'map fffc0000+40000 1 ok',
      'unmap 0+20000000 0 ok',
      'map 0+c0000 3 ok',
      'map c0000+20000 1 ok',
      'map e0000+20000 1 ok',
      'map 100000+1ff00000 3 ok',
    ]);
    expect(server.live.map(({ fileOffset }) => fileOffset)).toEqual([
      0n,
      undefined,
      undefined,
      0x10_0000n,
      undefined,
    ]);

    expect(await qtest.config(0)).toBe(0x1572_8086);
    await qtest.config(0x10, 0xe000_0000);
    await qtest.config(0x18, 0xf000_0000);
    await qtest.config(0x1c, 1);
    await qtest.config(4, 2);
    expect(requests()).toEqual([
      'map e0000000+4000 3 ok',
      'map 1f0000000+2000 3 ok',
      'map 1f0004000+fc000 3 ok',
    ]);
    await qtest.config(0x10, 0xe001_0000);
    expect(requests()).toEqual(['unmap e0000000+4000 0 ok', 'map e0010000+4000 3 ok']);
    await qtest.config(4, 0);
    expect(requests().toSorted()).toEqual([
      'unmap 1f0000000+2000 0 ok',
      'unmap 1f0004000+fc000 0 ok',
      'unmap e0010000+4000 0 ok',
    ]);
    expect(messages).toBe('');
  });

  it('lets QEMU size BARs and set up MSI-X', async () => {
    await start(device);
    const irqs: Partial<IrqSet>[] = [];
    server.on('irqs', ({ index, data, start, count }) => irqs.push({ index, data, start, count }));
    await qtest.config(0x10, 0xffff_ffff);
    await qtest.config(0x20, 0xffff_ffff);
    expect(await qtest.config(0x10)).toBe(0xffff_c000);
    expect(await qtest.config(0x18)).toBe(0xc);
    expect(await qtest.config(0x20)).toBe(0xffff_ffe1);
    expect(await qtest.config(0x40)).toBe(0x000f_0011);
    await qtest.config(0x40, 0x8000_0000);
    await qtest.config(0x40, 0);
    server.drain();
    expect(irqs).toEqual([
      { index: 2, data: 'eventfd', start: 0, count: 1 },
      { index: 2, data: 'none', start: 0, count: 0 },
    ]);
  });

  it('serves a PCI Express device', async () => {
    await start({ ...device, pciExpress: true });
    expect(await qtest.config(0x40)).toBe(0x000f_5011);
    expect((await qtest.config(0x50)) & 0xff).toBe(0x10);
    await qtest.config(0x10, 0xe000_0000);
    await qtest.config(4, 2);
    server.drain();
    expect(requests().at(-1)).toBe('map e0000000+4000 3 ok');
  });

  it('keeps the mappings of a QEMU that was killed', async () => {
    await start(device);
    await qtest.config(0x10, 0xe000_0000);
    await qtest.config(4, 2);
    const { live } = server;
    const gone = new Promise((resolve) => server.once('disconnect', resolve));
    child.kill('SIGKILL');
    await gone;
    expect(server.leftBehind).toEqual(live);
    expect(server.live).toEqual([]);
  });
});
