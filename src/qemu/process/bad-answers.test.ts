import { afterEach, describe, expect, it } from 'vitest';
import { inspectQemu } from './inspect-qemu.ts';
import { QemuError } from './qemu-error.ts';
import { QemuProcess } from './qemu-process.ts';
import { makeFakeQemu, type FakeMonitor } from './testing/fake-monitor.ts';

const fakes: FakeMonitor[] = [];
const started: QemuProcess[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((qemu) => qemu.end()));
  for (const fake of fakes.splice(0)) fake.remove();
});

function makeBinary(behaviour: string): string {
  const fake = makeFakeQemu(behaviour);
  fakes.push(fake);
  return fake.binary;
}

async function start(behaviour: string): Promise<QemuProcess> {
  const options = { binary: makeBinary(behaviour), arguments: [], endsWithParent: false };
  const qemu = await QemuProcess.start(options);
  started.push(qemu);
  return qemu;
}

/** A fake QEMU that sends `line` in place of every answer over QMP. */
const overQmp = (line: string) => start(`onCommand = () => qmp.write(${JSON.stringify(`${line}\n`)});`);
/** A fake QEMU that sends `line` in place of every answer of qtest. */
const overQtest = (line: string) => start(`onLine = (_, reply) => reply(${JSON.stringify(line)});`);

const NO_QMP_MESSAGES = [
  'garbage',
  'null',
  '42',
  '',
  '"text"',
  '[]',
  '{}',
  '{"error":null}',
  '{"error":"no"}',
  '{"error":{"class":"GenericError"}}',
  '{"event":null}',
  '{"return":',
];

describe('QmpClient', () => {
  it.each(NO_QMP_MESSAGES)('throws QemuError for the line %j, now and for later commands', async (line) => {
    const qemu = await overQmp(line);
    const first = qemu.qmp.execute('query-status');
    const event = qemu.qmp.event(() => false, 'an event');
    await expect(first).rejects.toThrow(QemuError);
    await expect(first).rejects.toThrow(/^QEMU sent a line that is no QMP message: .*QMP query-status$/);
    await expect(event).rejects.toThrow(QemuError);
    await expect(qemu.qmp.execute('query-status')).rejects.toThrow(QemuError);
  });

  it('quotes at most 100 characters of a line that is no message', async () => {
    const qemu = await overQmp('x'.repeat(100_000));
    const error = await qemu.qmp.execute('query-status').catch((reason: unknown) => reason);
    expect((error as Error).message.length).toBeLessThan(200);
  });

  it('throws QemuError for an answer to no command', async () => {
    const qemu = await start('onCommand = (_, reply) => { reply({ return: 1 }); reply({ return: 2 }); };');
    await expect(qemu.qmp.execute('query-status')).resolves.toBe(1);
    await expect
      .poll(() => qemu.qmp.execute('query-status').catch((error: unknown) => error))
      .toBeInstanceOf(QemuError);
  });

  it('throws QemuError for a first line that is no greeting', async () => {
    const greeting = `const write = net.Socket.prototype.write;
      net.Socket.prototype.write = function (text) { return write.call(this, text.replace('{"QMP": {}}', 'hello')); };`;
    await expect(start(greeting)).rejects.toThrow(QemuError);
  });

  it('throws QemuError for a line of more than 64 Mi characters, and holds no more of the line', async () => {
    const qemu = await start(`onCommand = () => {
      const piece = Buffer.alloc(1 << 20, 'x');
      const pump = () => { while (qmp.write(piece)); qmp.once('drain', pump); };
      pump();
    };`);
    await expect(qemu.qmp.execute('query-status')).rejects.toThrow(/a line of more than 67108864 characters/);
  });

  it('spells out characters of a refusal that would command a terminal', async () => {
    const qemu = await start(
      `onCommand = (_, reply) => reply({ error: { class: 'GenericError', desc: '\\u001b[2J\\u202e' } });`,
    );
    await expect(qemu.qmp.execute('device_add')).rejects.toThrow('\\u001b[2J\\u202e');
  });

  it('throws QemuError where the monitor answers with no text', async () => {
    const qemu = await start('onCommand = (_, reply) => reply({ return: { text: 1 } });');
    await expect(qemu.qmp.monitor('info mtree')).rejects.toThrow(QemuError);
  });

  it('throws QemuError for an answer that lacks the fields of its command', async () => {
    const qemu = await start('onCommand = (_, reply) => reply({ return: null });');
    const version = qemu.qmp.query('query-version', undefined, ({ qemu: { major } }: never) => major);
    await expect(version).rejects.toThrow(
      'QEMU sent an answer without the fields that it should have: "null", in answer to QMP query-version',
    );
  });
});

describe('QtestClient', () => {
  it.each(['garbage', '', 'OK', 'OK zzz', 'OK 0x', 'OK 0x1 0x2', 'null'])(
    'throws QemuError for the answer %j to a read, now and for later lines',
    async (answer) => {
      const qemu = await overQtest(answer);
      await expect(qemu.qtest.send(['inl 0xcfc'])).rejects.toThrow(QemuError);
      await expect(qemu.qtest.send(['inl 0xcfc'])).rejects.toThrow(QemuError);
    },
  );

  it.each(['OK zzz', 'OK 0x1', 'YES'])('throws QemuError for the answer %j to a write', async (answer) => {
    const qemu = await overQtest(answer);
    await expect(qemu.qtest.send(['outl 0xcfc 0x0'])).rejects.toThrow(QemuError);
  });
});

describe('inspectQemu', () => {
  it.each(['null', '{}', '{"qemu":{}}', '{"qemu":{"major":"1"},"package":""}', '7'])(
    'throws QemuError where query-version gives %s',
    async (answer) => {
      const binary = makeBinary(`onCommand = (_, reply) => reply({ return: ${answer} });`);
      await expect(inspectQemu(binary)).rejects.toThrow(QemuError);
    },
  );
});
