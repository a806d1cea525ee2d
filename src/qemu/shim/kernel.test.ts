import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KernelConnection } from './kernel-connection.ts';
import { answered, done, type KernelAnswer, type SystemCall } from '../../kernel/index.ts';
import { findShim } from './shim.ts';

const folder = mkdtempSync(join(tmpdir(), 'kernel-shim-'));
afterAll(() => rmSync(folder, { recursive: true }));

const hasCompiler = spawnSync('cc', ['--version']).status === 0;

/** The status of a process whose barproof is gone (kernel-socket.c). */
const LOST = 97;
const ENOENT = 2;
const ENOTTY = 25;

const SOURCE = `#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
static void show(const char *what, long result) { printf("%s %ld %d\\n", what, result, result < 0 ? errno : 0); }
int main(int count, char **words)
{
    uint32_t argument[2] = { 8, 7 };
    char text[8] = "";
    int file = open("/dev/vfio/vfio", O_RDWR), other;
    char *bar;
    (void)words;
    printf("opened %d\\n", file >= 0);
    if (file < 0) return errno;
    if (count > 1) { pause(); return 0; }
    show("ioctl", ioctl(file, 0x3b65, argument));
    printf("written %u\\n", argument[1]);
    show("refused", ioctl(file, 0x3bff, 5));
    show("wild", ioctl(file, 0x3b66, (void *)16));
    show("pread", pread(file, text, 4, 256));
    printf("read %s\\n", text);
    show("pwrite", pwrite(file, "abc", 3, 512));
    bar = mmap(0, 0x2000, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0x1000);
    printf("mmap %s\\n", bar == MAP_FAILED ? "failed" : bar);
    show("munmap", munmap(bar, 0x2000));
    show("close", close(file));
    show("closed", ioctl(file, 0x3b65, argument));
    other = open("/dev/null", O_RDONLY);
    show("access", access("/dev/iommu", F_OK));
    show("absent", open("//dev/kvm", O_RDWR));
    return other < 0;
}
`;

let program: string;
let shim: string;

beforeAll(() => {
  if (!hasCompiler) return;
  program = join(folder, 'program');
  writeFileSync(`${program}.c`, SOURCE);
  execFileSync('cc', ['-Wall', '-Wextra', '-Werror', '-o', program, `${program}.c`]);
  shim = findShim({ ...process.env, XDG_CACHE_HOME: folder })!;
});

/** Starts the program with the shim. */
const start = (socket: string | undefined, ...words: readonly string[]) =>
  spawn(program, words, {
    env: { ...process.env, LD_PRELOAD: shim, ...(socket && { BARPROOF_KERNEL: socket }) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });

/** Runs the program to its end. */
async function run(socket: string | undefined) {
  const child = start(socket);
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  const status = await new Promise((resolve) => child.once('close', resolve));
  return { status, out: out.trimEnd().split('\n'), err };
}

/** A kernel that answers the program, and the calls that it got. */
function answering(calls: SystemCall[]) {
  const backing = join(folder, 'bar');
  writeFileSync(backing, `${'-'.repeat(0x1000)}device memory${'\0'.repeat(0x1ff3)}`);
  return (call: SystemCall): KernelAnswer => {
    calls.push({ ...call, data: Uint8Array.from(call.data) });
    switch (call.operation) {
      case 'open':
        return Buffer.from(call.data).toString() === '/dev/vfio/vfio'
          ? done(call.spare, { opens: { kind: 'test' } })
          : answered(ENOENT);
      case 'ioctl':
        return call.first === 0x3b65n
          ? done(1, { writes: [{ address: call.second + 4n, bytes: Uint8Array.of(42, 0, 0, 0) }] })
          : call.first === 0x3b66n
            ? done(0, { writes: [{ address: call.second, bytes: Uint8Array.of(1) }] })
            : answered(ENOTTY);
      case 'pread':
        return done(4, { data: Buffer.from('okay') });
      case 'pwrite':
        return done(call.data.length);
      case 'mmap':
        return done(call.first, { data: Buffer.from(backing) });
      default:
        return done();
    }
  };
}

describe.skipIf(!hasCompiler)('a program whose kernel barproof answers', () => {
  it('gets errno, result, bytes and descriptors, and asks for nothing that it does not do', async () => {
    const calls: SystemCall[] = [];
    const socket = join(folder, 'answered');
    const connection = await KernelConnection.listen(socket, answering(calls));
    const { status, out, err } = await run(socket);
    connection.close();
    expect({ status, err }).toEqual({ status: 0, err: '' });
    expect(out).toEqual([
      'opened 1',
      'ioctl 1 0',
      'written 42',
      `refused -1 ${ENOTTY}`,
      // EFAULT: the answer writes where no memory is.
      'wild -1 14',
      'pread 4 0',
      'read okay',
      'pwrite 3 0',
      'mmap device memory',
      'munmap 0 0',
      'close 0 0',
      // ENOTTY of the real /dev/null's successor, EBADF: the descriptor is closed.
      'closed -1 9',
      `access -1 ${ENOENT}`,
      `absent -1 ${ENOENT}`,
    ]);
    const [opened, ioctl, , wild, pread, pwrite, mmap, mapped, unmapped, closed, ...others] = calls;
    expect(Number(opened!.second)).toBeGreaterThan(1);
    expect(ioctl!.file).toBe(opened!.spare);
    expect(new Uint32Array(ioctl!.data.buffer, 0, 2)).toEqual(Uint32Array.of(8, 7));
    expect(wild!.data).toHaveLength(0);
    expect([pread!.first, pread!.second]).toEqual([256n, 4n]);
    expect([pwrite!.first, Buffer.from(pwrite!.data).toString()]).toEqual([512n, 'abc']);
    expect([mmap!.first, mmap!.second, mmap!.third]).toEqual([0x1000n, 0x2000n, 3n]);
    expect([mapped!.operation, mapped!.first, mapped!.second]).toEqual(['mapped', 0x1000n, 0x2000n]);
    expect([unmapped!.operation, unmapped!.first]).toEqual(['unmapped', mapped!.third]);
    expect([closed!.operation, closed!.file]).toEqual(['close', opened!.spare]);
    expect(others.map(({ operation, data }) => [operation, Buffer.from(data).toString()])).toEqual([
      ['open', '/dev/iommu'],
      ['open', '//dev/kvm'],
    ]);
  });

  it('ends with a message where barproof does not answer, and never asks the machine', async () => {
    const { status, err } = await run(join(folder, 'nowhere'));
    expect({ status, err }).toEqual({
      status: LOST,
      err: 'barproof: no answer for the kernel: connect\n',
    });
  });

  it('ends when barproof is gone in the middle of a call', async () => {
    const socket = join(folder, 'silent');
    const connection = await KernelConnection.listen(socket, () => {
      setTimeout(() => connection.close(), 10);
      return undefined;
    });
    expect(await run(socket)).toMatchObject({ status: LOST, err: /receive/ });
  });

  it('hears of a fault of barproof as the end of the connection, and barproof keeps the fault', async () => {
    const socket = join(folder, 'faulty');
    const connection = await KernelConnection.listen(socket, () => {
      throw new Error('a fault of barproof');
    });
    expect((await run(socket)).status).toBe(LOST);
    expect(() => connection.throwFailure()).toThrow('a fault of barproof');
    connection.close();
  });
});

describe.skipIf(!hasCompiler)('a program with the shim alone', () => {
  it('asks the kernel of this machine', async () => {
    const { status, out } = await run(undefined);
    // There may be a /dev/vfio/vfio here; without VFIO its requests are not those of barproof.
    expect(out[0]).toMatch(/^opened [01]$/);
    if (out[0] === 'opened 0') expect([1, 2, 13, 19]).toContain(status);
  });
});
