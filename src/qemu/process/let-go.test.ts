import { existsSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { QemuProcess } from './qemu-process.ts';
import { makeFakeQemu, type FakeMonitor } from './testing/fake-monitor.ts';

const fakes: FakeMonitor[] = [];
const strays: number[] = [];
afterEach(() => {
  for (const pid of strays.splice(0)) process.kill(pid, 'SIGKILL');
  for (const fake of fakes.splice(0)) fake.remove();
});

function makeBinary(behaviour: string): string {
  const fake = makeFakeQemu(behaviour);
  fakes.push(fake);
  return fake.binary;
}

/** A program that leaves a process in a session of its own, which holds standard output and standard error open. */
const LEAVES_A_PROCESS = `
  const stray = require('node:child_process').spawn('sleep', ['60'], { detached: true, stdio: 'inherit' });
  console.log('stray ' + stray.pid);`;

describe('QemuProcess', () => {
  it('end() does not wait for a process that left the process group and holds the output open', async () => {
    const options = { binary: makeBinary(LEAVES_A_PROCESS), arguments: [], endsWithParent: false };
    const qemu = await QemuProcess.start(options);
    await expect.poll(() => qemu.output.since(0).join('\n')).toMatch(/stray \d+/);
    strays.push(Number(/stray (\d+)/.exec(qemu.output.since(0).join('\n'))![1]));
    const { path } = qemu.directory;
    const begin = performance.now();
    await qemu.end();
    expect(performance.now() - begin).toBeLessThan(5_000);
    expect(existsSync(path)).toBe(false);
  });

  it('notices the end of QEMU although another process holds the output open', async () => {
    const options = { binary: makeBinary(LEAVES_A_PROCESS), arguments: [], endsWithParent: false };
    const qemu = await QemuProcess.start(options);
    await expect.poll(() => qemu.output.since(0).join('\n')).toMatch(/stray \d+/);
    strays.push(Number(/stray (\d+)/.exec(qemu.output.since(0).join('\n'))![1]));
    process.kill(qemu.pid, 'SIGKILL');
    expect((await qemu.death(5_000)).ending.signal).toBe('SIGKILL');
    await qemu.end();
  });
});
