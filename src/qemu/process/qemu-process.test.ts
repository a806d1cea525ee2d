import { existsSync, statSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { QemuDied, QemuHangs, QmpRefusal } from './qemu-error.ts';
import { QemuProcess } from './qemu-process.ts';
import { QtestError } from './qtest-client.ts';
import { makeFakeQemu, type FakeMonitor } from './testing/fake-monitor.ts';

const fakes: FakeMonitor[] = [];
const started: QemuProcess[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((qemu) => qemu.end()));
  for (const fake of fakes.splice(0)) fake.remove();
});

async function start(behaviour = '', deadlineMs?: number): Promise<QemuProcess> {
  const { binary, ...fake } = makeFakeQemu(behaviour);
  fakes.push({ binary, ...fake });
  const qemu = await QemuProcess.start({ binary, arguments: [], endsWithParent: false, deadlineMs });
  started.push(qemu);
  return qemu;
}

const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

describe('QemuProcess', () => {
  it('has a directory with mode 0700, and end() leaves no process and no directory', async () => {
    const qemu = await start();
    const { path } = qemu.directory;
    expect(statSync(path).mode & 0o777).toBe(0o700);
    expect(isRunning(qemu.pid)).toBe(true);
    await qemu.end();
    expect(isRunning(qemu.pid)).toBe(false);
    expect(existsSync(path)).toBe(false);
    await qemu.end();
  });

  it('throws QemuDied with the last lines of a program that ends at once', async () => {
    const dying = start('process.stderr.write("no such machine\\n"); process.exit(3);');
    await expect(dying).rejects.toThrow(QemuDied);
    await expect(dying).rejects.toMatchObject({ ending: { code: 3 }, lastLines: ['no such machine'] });
  });

  it('throws QemuDied for a program that does not exist', async () => {
    const options = { binary: '/nowhere/qemu', arguments: [], endsWithParent: false };
    await expect(QemuProcess.start(options)).rejects.toThrow(QemuDied);
  });

  it('reads all output, so that a program that prints 2 MB does not stop', async () => {
    const flood = 'for (let n = 0; n < 20000; n++) process.stderr.write("x".repeat(100) + "\\n");';
    const qemu = await start(`onCommand = (name, reply) => { ${flood} reply({ return: 1 }); };`);
    await expect(qemu.qmp.execute('query-status')).resolves.toBe(1);
  });

  it('rejects all pending commands, lines and events when the program dies', async () => {
    const qemu = await start('onCommand = () => process.kill(process.pid, "SIGSEGV"); onLine = () => {};');
    const line = qemu.qtest.send(['inb 0x10']);
    const event = qemu.qmp.event(({ event: name }) => name === 'RESET', 'RESET');
    const command = qemu.qmp.execute('query-status');
    for (const waiting of [line, event, command]) {
      await expect(waiting).rejects.toMatchObject({ ending: { signal: 'SIGSEGV' } });
    }
    await expect(qemu.qmp.execute('query-status')).rejects.toThrow(QemuDied);
    await expect(qemu.qtest.send(['inb 0x10'])).rejects.toThrow(QemuDied);
    expect((await qemu.death(0)).ending).toEqual({ code: undefined, signal: 'SIGSEGV' });
  });

  it('waits for the start, an answer and an event as long as its answer deadline says', async () => {
    const sleeping = start('Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);', 30);
    await expect(sleeping).rejects.toThrow('QEMU did not answer for 0.03 s at the start of QEMU');
    const qemu = await start('', 3_000);
    process.kill(qemu.pid, 'SIGSTOP');
    const late = [
      [qemu.qmp.execute('query-status'), 'QMP query-status'],
      [qemu.qtest.send(['inb 0x10']), 'qtest inb 0x10'],
      [qemu.qmp.event(() => true, 'RESET'), 'RESET'],
      [qemu.whileAlive(new Promise(() => {}), 'a copy'), 'a copy'],
    ] as const;
    await Promise.all(
      late.map(([answer, what]) => expect(answer).rejects.toThrow(`QEMU did not answer for 3 s at ${what}`)),
    );
  });

  it('notices that the program was killed', async () => {
    const qemu = await start();
    process.kill(qemu.pid, 'SIGKILL');
    expect((await qemu.death(10_000)).ending).toEqual({ code: undefined, signal: 'SIGKILL' });
  });
});

describe('QmpClient', () => {
  it('gives answers and refusals to their commands', async () => {
    const qemu = await start(`onCommand = (name, reply) => reply(name === 'bad'
      ? { error: { class: 'GenericError', desc: 'no' } } : { return: name });`);
    const [good, bad, other] = [
      qemu.qmp.execute('good'),
      qemu.qmp.execute('bad'),
      qemu.qmp.execute('other', { x: 1 }),
    ];
    await expect(good).resolves.toBe('good');
    await expect(bad).rejects.toThrow(QmpRefusal);
    await expect(other).resolves.toBe('other');
  });

  it('waits for an event until the deadline', async () => {
    const qemu = await start(
      `onCommand = (name, reply) => { reply({ event: 'OTHER' }); reply({ event: 'RESET' }); reply({ return: {} }); };`,
    );
    const reset = qemu.qmp.event(({ event }) => event === 'RESET', 'RESET');
    await qemu.qmp.execute('system_reset');
    await expect(reset).resolves.toEqual({ event: 'RESET' });
    const never = qemu.qmp.event(({ event }) => event === 'STOP', 'STOP', 30);
    await expect(never).rejects.toThrow(QemuHangs);
    await expect(never).rejects.toThrow('QEMU did not answer for 0.03 s at STOP');
  });

  it('throws QemuHangs for a command without an answer', async () => {
    const qemu = await start('onCommand = () => {};');
    await expect(qemu.qmp.execute('query-status', undefined, 30)).rejects.toThrow(QemuHangs);
  });

  it('keeps 64-bit addresses in the answer to query-pci as text', async () => {
    const qemu = await start(
      `onCommand = (name) => qmp.write('{"return": [{"address": 18446744073709490176, "size": 4096, "bar": -1}]}\\n');`,
    );
    await expect(qemu.qmp.execute('query-pci')).resolves.toEqual([
      { address: '18446744073709490176', size: 4096, bar: -1 },
    ]);
  });
});

describe('QtestClient', () => {
  it('sends lines at once and gives their answers in order', async () => {
    const qemu = await start(
      `onLine = (line, reply) => { reply('IRQ raise 3'); reply('OK 0x' + line.slice(-1)); };`,
    );
    await expect(qemu.qtest.send(['inb 0x1', 'inb 0x2'])).resolves.toEqual([['0x1'], ['0x2']]);
  });

  it('throws QtestError for a line that QEMU does not understand', async () => {
    const qemu = await start(`onLine = (line, reply) => reply('FAIL Unknown command');`);
    await expect(qemu.qtest.send(['nonsense'])).rejects.toThrow(QtestError);
  });
});
