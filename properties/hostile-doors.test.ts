import * as fc from 'fast-check';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runInProcess as barproof } from '../src/cli/testing/run-in-process.ts';
import { explain, explanationText } from '../src/explain/index.ts';
import * as pasted from '../src/explain/testing/texts.ts';
import { InvalidInput } from '../src/input/index.ts';
import { findInvariant, type InvariantId } from '../src/invariants/index.ts';
import { MtreeSyntaxError, parseFlatViews, parseTree, rebuildTree } from '../src/memory/mtree/index.ts';
import { BadFrame, readRequest } from '../src/qemu/shim/frame.ts';
import { LineConnection, PrivateDirectory, QemuDied, QmpRefusal } from '../src/qemu/process/index.ts';
import { QemuError } from '../src/qemu/process/qemu-error.ts';
import { QmpClient } from '../src/qemu/process/qmp-client.ts';
import { QtestClient, QtestError } from '../src/qemu/process/qtest-client.ts';
import { damaged } from './testing/damaged-text.ts';
import { DOOR_TIMEOUT, INPUTS, putThroughDoor } from './testing/put-through-door.ts';

/** How many lines `run` gets at a time. */
const LINES = 50;
const textsIn = (folder: string, extension: string): readonly string[] =>
  readdirSync(new URL(`../${folder}/`, import.meta.url))
    .filter((file) => file.endsWith(extension))
    .map((file) => readFileSync(new URL(`../${folder}/${file}`, import.meta.url), 'utf8'));

/** A line of `run --json`. */
interface Answer {
  readonly problems?: readonly object[];
  readonly violations?: readonly { readonly invariant: InvariantId }[];
}

/** Does something that may end only in one of these errors. @returns the error, where there is one. */
async function mayEndIn(
  errors: readonly (abstract new (...all: never[]) => Error)[],
  act: () => unknown,
): Promise<Error | undefined> {
  try {
    await act();
    return undefined;
  } catch (error) {
    if (errors.some((kind) => error instanceof kind)) return error as Error;
    throw error;
  }
}

describe('a door that gets damaged texts', { timeout: DOOR_TIMEOUT }, () => {
  const stored = ['seed', 'known'].flatMap((folder) => textsIn(`regressions/${folder}`, '.json'));
  const cases = stored.map((text) => JSON.parse(text) as { readonly scenario: object });

  it.each([
    ['scenarios', cases.map(({ scenario }) => scenario)],
    ['stored cases', cases],
  ])('run: lines of standard input with %s', async (_, values) => {
    const whole = fc.constantFrom(...values.map((value) => JSON.stringify(value)));
    const line = damaged(whole).map((text) => text.replaceAll(/[\r\n\u2028\u2029]/g, ' '));
    // Reading the command line takes as long as a case: each call gets many.
    const lines = fc.array(line, { minLength: LINES, maxLength: LINES });
    await putThroughDoor(
      lines,
      async (all) => {
        const { code, out, err } = await barproof(['run', '--json', '-'], all.join('\n'));
        const answers = out.split('\n').slice(0, -1);
        expect(answers).toHaveLength(all.filter((text) => text.trim() !== '').length);
        const codes = answers.map((answer) => {
          const { problems, violations = [] } = JSON.parse(answer) as Answer;
          const broken = violations.some(({ invariant }) => findInvariant(invariant).severity === 'error');
          return problems !== undefined ? 2 : broken ? 1 : 0;
        });
        expect(code).toBe(Math.max(0, ...codes));
        expect(err).not.toMatch(/^\s+at .+:\d+/m);
      },
      Math.ceil(INPUTS / LINES),
    );
  });

  it('explain: dumps of the memory map, logs and cases', async () => {
    const texts = [
      ...textsIn('src/memory/mtree/fixtures', '.txt').map((text) => text.slice(0, 3_000)),
      ...textsIn('regressions/seed', '.json'),
      ...Object.values(pasted).filter((text) => typeof text === 'string'),
    ];
    await putThroughDoor(damaged(fc.constantFrom(...texts)), async (text) => {
      await mayEndIn([InvalidInput], () => explanationText(explain([{ name: 'text', text }]), 'barproof'));
    });
  });

  it.each([
    ['tree', parseTree],
    ['flat', parseFlatViews],
  ] as const)('info mtree: %s', async (kind, parse) => {
    const texts = textsIn('src/memory/mtree/fixtures', '.txt').map((text) => text.slice(0, 4_000));
    await putThroughDoor(damaged(fc.constantFrom(...texts)), async (text) => {
      await mayEndIn([MtreeSyntaxError], () => {
        const read = parse(text);
        if (kind === 'tree') rebuildTree(read as ReturnType<typeof parseTree>);
      });
    });
  });
});

describe('a door that gets damaged answers of QEMU', { timeout: DOOR_TIMEOUT }, () => {
  let folder: PrivateDirectory;
  let number = 0;
  beforeAll(() => (folder = new PrivateDirectory()));
  afterAll(() => folder.remove());

  /** Sends bytes into a client, and then ends as QEMU does. What the client waited for must end in one of its errors. */
  async function answer<Client extends { fail(error: Error): void }>(
    makeClient: (connection: LineConnection) => Client,
    ask: (client: Client) => readonly Promise<unknown>[],
    sent: string,
  ): Promise<void> {
    const connection = await LineConnection.listen(folder.at(`s${number++}`));
    const client = makeClient(connection);
    const awaited = ask(client).map((promise) =>
      mayEndIn([QemuError, QemuDied, QmpRefusal, QtestError], () => promise),
    );
    const socket = connect(folder.at(`s${number - 1}`));
    await connection.connected();
    socket.end(sent);
    socket.resume();
    await once(socket, 'finish');
    await new Promise(setImmediate);
    client.fail(new QemuDied({ code: 0, signal: undefined }, []));
    await Promise.all(awaited);
    connection.close();
    socket.destroy();
  }

  it('QMP', async () => {
    const answers = [
      '{"QMP": {"version": {"qemu": {"micro": 3, "minor": 1, "major": 11}, "package": ""}, "capabilities": []}}\n',
      '{"return": {}}\n{"return": "text"}\n',
      '{"event": "DEVICE_DELETED", "data": {"device": "dev0"}, "timestamp": {"seconds": 1, "microseconds": 2}}\n',
      '{"error": {"class": "GenericError", "desc": "no"}}\n',
    ];
    const texts = fc.array(fc.constantFrom(...answers), { maxLength: 5 }).map((lines) => lines.join(''));
    await putThroughDoor(damaged(texts), (sent) =>
      answer(
        (connection) => new QmpClient(connection, 20_000),
        (client) => [client.negotiate(), client.monitor('info mtree'), client.event(() => true, 'an event')],
        sent,
      ),
    );
  });

  it('qtest', async () => {
    const answers = ['OK\n', 'OK 0x1f\n', 'OK 12\n', 'IRQ raise 3\n', 'FAIL Unknown command\n', 'ERR no\n'];
    const texts = fc.array(fc.constantFrom(...answers), { maxLength: 6 }).map((lines) => lines.join(''));
    await putThroughDoor(damaged(texts), (sent) =>
      answer(
        (connection) => new QtestClient(connection, 20_000),
        (client) => [client.send(['outl 0xcf8 0x0', 'inl 0xcfc']), client.send(['readq 0x0'])],
        sent,
      ),
    );
  });
});

describe('a door that gets damaged frames', { timeout: DOOR_TIMEOUT }, () => {
  it('the shim: requests of the kernel interface', async () => {
    const numbers = fc.oneof(fc.nat(0xffff_ffff), fc.nat(64));
    const head = fc.array(numbers, { minLength: 10, maxLength: 10 });
    const frames = fc
      .tuple(head, fc.uint8Array({ maxLength: 64 }), fc.boolean())
      .map(([words, data, whole]) => {
        const bytes = Buffer.concat([Buffer.alloc(40), data]);
        for (const [index, word] of words.entries()) bytes.writeUInt32LE(word, 4 * index);
        if (whole) bytes.writeUInt32LE(bytes.length, 0);
        return bytes;
      });
    await putThroughDoor(frames, async (bytes) => {
      await mayEndIn([BadFrame], () => {
        const request = readRequest(bytes);
        if (request !== undefined) expect(request.rest.length).toBeLessThan(bytes.length);
      });
    });
  });
});
