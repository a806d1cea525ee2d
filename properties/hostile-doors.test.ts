import * as fc from 'fast-check';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
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

/** `BARPROOF_INPUTS=1000000` gives each door a million inputs, which takes an hour. */
const INPUTS = Number(process.env['BARPROOF_INPUTS'] ?? 300);
const TIMEOUT = 120_000 + INPUTS * 10;
/** No input may take longer, in milliseconds. */
const DEADLINE = 10_000;
/** So many bytes may stay behind from the second half of the inputs. */
const MOST_GROWTH = 20 << 20;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
function usedMemory(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

const textsIn = (folder: string, extension: string): readonly string[] =>
  readdirSync(new URL(`../${folder}/`, import.meta.url))
    .filter((file) => file.endsWith(extension))
    .map((file) => readFileSync(new URL(`../${folder}/${file}`, import.meta.url), 'utf8'));

/** Puts inputs through a door. Each must end in time, and all together leave no memory behind. */
async function put<T>(inputs: fc.Arbitrary<T>, enter: (input: T) => Promise<void> | void): Promise<void> {
  let count = 0;
  let half = Infinity;
  const timed = async (input: T): Promise<void> => {
    const start = performance.now();
    await enter(input);
    expect(performance.now() - start).toBeLessThan(DEADLINE);
    if (++count === Math.ceil(INPUTS / 2)) half = usedMemory();
  };
  await fc.assert(fc.asyncProperty(inputs, timed), { numRuns: INPUTS, endOnFailure: true });
  expect(usedMemory() - half).toBeLessThan(MOST_GROWTH);
}

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

describe('a door that gets damaged texts', { timeout: TIMEOUT }, () => {
  it.each(['seed', 'known'])('run: lines of cases in regressions/%s', async (folder) => {
    const lines = textsIn(`regressions/${folder}`, '.json').map((text) => JSON.stringify(JSON.parse(text)));
    const inputs = damaged(fc.constantFrom(...lines)).map((text) => text.replaceAll(/[\r\n]/g, ' '));
    await put(inputs, async (line) => {
      const { code, out, err } = await barproof(['run', '--json', '-'], line);
      const answers = out.split('\n').slice(0, -1);
      expect(answers).toHaveLength(line.trim() === '' ? 0 : 1);
      const { problems, violations = [] } = JSON.parse(answers[0] ?? '{}') as Answer;
      const broken = violations.some(({ invariant }) => findInvariant(invariant).severity === 'error');
      expect(code).toBe(problems !== undefined ? 2 : broken ? 1 : 0);
      expect(err).not.toMatch(/^\s+at .+:\d+/m);
    });
  });

  it('explain: dumps of the memory map, logs and cases', async () => {
    const texts = [
      ...textsIn('src/memory/mtree/fixtures', '.txt').map((text) => text.slice(0, 3_000)),
      ...textsIn('regressions/seed', '.json'),
      ...Object.values(pasted).filter((text) => typeof text === 'string'),
    ];
    await put(damaged(fc.constantFrom(...texts)), async (text) => {
      await mayEndIn([InvalidInput], () => explanationText(explain([{ name: 'text', text }])));
    });
  });

  it.each([
    ['tree', parseTree],
    ['flat', parseFlatViews],
  ] as const)('info mtree: %s', async (kind, parse) => {
    const texts = textsIn('src/memory/mtree/fixtures', '.txt').map((text) => text.slice(0, 4_000));
    await put(damaged(fc.constantFrom(...texts)), async (text) => {
      await mayEndIn([MtreeSyntaxError], () => {
        const read = parse(text);
        if (kind === 'tree') rebuildTree(read as ReturnType<typeof parseTree>);
      });
    });
  });
});

describe('a door that gets damaged answers of QEMU', { timeout: TIMEOUT }, () => {
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
    await put(damaged(texts), (sent) =>
      answer(
        (connection) => new QmpClient(connection),
        (client) => [client.negotiate(), client.monitor('info mtree'), client.event(() => true, 'an event')],
        sent,
      ),
    );
  });

  it('qtest', async () => {
    const answers = ['OK\n', 'OK 0x1f\n', 'OK 12\n', 'IRQ raise 3\n', 'FAIL Unknown command\n', 'ERR no\n'];
    const texts = fc.array(fc.constantFrom(...answers), { maxLength: 6 }).map((lines) => lines.join(''));
    await put(damaged(texts), (sent) =>
      answer(
        (connection) => new QtestClient(connection),
        (client) => [client.send(['outl 0xcf8 0x0', 'inl 0xcfc']), client.send(['readq 0x0'])],
        sent,
      ),
    );
  });
});

describe('a door that gets damaged frames', { timeout: TIMEOUT }, () => {
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
    await put(frames, async (bytes) => {
      await mayEndIn([BadFrame], () => {
        const request = readRequest(bytes);
        if (request !== undefined) expect(request.rest.length).toBeLessThan(bytes.length);
      });
    });
  });
});
