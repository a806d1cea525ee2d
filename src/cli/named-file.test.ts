import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NIC } from '../explain/testing/texts.ts';
import { openNamedFile, writeNamedFile } from './named-file.ts';
import { runInProcess } from './testing/run-in-process.ts';

const CASE = fileURLToPath(
  new URL('../../regressions/known/no-abort--bar-size-assertion.json', import.meta.url),
);
const LARGER_THAN_A_PIPE = 'x'.repeat(300_000);

let here: string;
let nic: string;
const readers: ChildProcess[] = [];
beforeEach(() => {
  here = mkdtempSync(join(tmpdir(), 'barproof-named-'));
  nic = join(here, 'nic.txt');
  writeFileSync(nic, NIC);
});
afterEach(() => {
  for (const reader of readers.splice(0)) reader.kill();
  rmSync(here, { recursive: true, force: true });
});

const at = (name: string): string => join(here, name);

/** Starts a program that reads a pipe. @returns what the program has printed when it ends. */
function readBy(program: string, words: readonly string[]): Promise<string> {
  const reader = spawn(program, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  readers.push(reader);
  return text(reader.stdout);
}

/** Each option by which a user names a file for output, and a word that the file then has. */
const OPTIONS: readonly (readonly [string, (file: string) => readonly string[], string])[] = [
  ['explain --svg', (file) => ['explain', nic, '--svg', file], '<svg'],
  ['explain --scenario', (file) => ['explain', nic, '--scenario', file], '"operations"'],
  ['reproduce -o', (file) => ['reproduce', CASE, '-o', file], 'if __name__ == "__main__":'],
  ...['html', 'json', 'ndjson', 'junit', 'sarif', 'gitlab', 'mail'].map(
    (format) =>
      [
        `replay --report ${format}`,
        (file: string) => ['replay', CASE, '--report', `${format}=${file}`],
        format === 'gitlab' ? '[' : 'no-abort',
      ] as const,
  ),
];

describe.each(OPTIONS)('%s', (_, words, contents) => {
  it('writes into a pipe that a program reads', async () => {
    execFileSync('mkfifo', [at('pipe')]);
    const read = readBy('cat', [at('pipe')]);
    await runInProcess(words(at('pipe')));
    await expect(read).resolves.toContain(contents);
    expect(lstatSync(at('pipe')).isFIFO()).toBe(true);
  });

  it('writes to /dev/null, which stays a device', async () => {
    const { err } = await runInProcess(words('/dev/null'));
    expect(err).toBe('');
    expect(statSync('/dev/null').isCharacterDevice()).toBe(true);
  });

  it('writes to /dev/stdout', async () => {
    const { out } = await runInProcess(words('/dev/stdout'));
    expect(out).toContain(contents);
  });

  it('follows a link to its target, with and without a file there', async () => {
    mkdirSync(at('elsewhere'));
    symlinkSync('elsewhere/target', at('link'));
    symlinkSync('link', at('link-to-link'));
    for (const name of ['link', 'link-to-link']) {
      await runInProcess(words(at(name)));
      expect(readFileSync(at('elsewhere/target'), 'utf8')).toContain(contents);
      expect(lstatSync(at(name)).isSymbolicLink()).toBe(true);
    }
    expect(readdirSync(at('elsewhere'))).toEqual(['target']);
  });

  it('refuses a folder, and a file in a folder that does not exist', async () => {
    for (const [file, reason] of [
      [here, 'this is a folder; expected a file'],
      [at('missing/deeper/file'), `there is no folder ${at('missing/deeper')}; make it first`],
      [join(nic, 'file'), 'a part of the path is a file, not a folder'],
    ] as const) {
      const { code, err } = await runInProcess(words(file));
      expect(code).toBe(2);
      expect(err).toContain(`${file}: ${reason}`);
      expect(err.trimEnd().split('\n')).toHaveLength(1);
    }
    expect(existsSync(at('missing'))).toBe(false);
  });
});

describe('writeNamedFile', () => {
  it('replaces a file atomically, and keeps its permissions', async () => {
    writeFileSync(at('file'), 'old');
    chmodSync(at('file'), 0o640);
    linkSync(at('file'), at('old'));
    await expect(writeNamedFile(at('file'), 'new')).resolves.toBe('file');
    expect(readFileSync(at('file'), 'utf8')).toBe('new');
    expect(statSync(at('file')).mode & 0o777).toBe(0o640);
    // The old file is not the one that was written.
    expect(readFileSync(at('old'), 'utf8')).toBe('old');
  });

  it('waits for the reader of a pipe that starts later, and for one that is slow', async () => {
    execFileSync('mkfifo', [at('pipe')]);
    const size = readBy('sh', ['-c', `sleep 0.3; { sleep 0.2; cat; } < ${at('pipe')} | wc -c`]);
    await expect(writeNamedFile(at('pipe'), LARGER_THAN_A_PIPE)).resolves.toBe('stream');
    expect(Number(await size)).toBe(LARGER_THAN_A_PIPE.length);
  });

  it('takes a reader that has read enough for no error', async () => {
    execFileSync('mkfifo', [at('pipe')]);
    const first = readBy('head', ['-c', '1', at('pipe')]);
    await writeNamedFile(at('pipe'), LARGER_THAN_A_PIPE);
    await expect(first).resolves.toBe('x');
  });

  it('says that a device is full', async () => {
    const full = { problems: [{ path: '/dev/full', message: 'the file cannot be written (ENOSPC)' }] };
    await expect(writeNamedFile('/dev/full', 'text')).rejects.toMatchObject(full);
    const file = await openNamedFile('/dev/full');
    file.write('text');
    file.write('more');
    expect(() => file.close()).toThrow(expect.objectContaining(full));
  });

  it('refuses a socket, a loop of links, and a link into a folder that is missing', async () => {
    const server = createServer().listen(at('socket'));
    await new Promise((resolve) => server.once('listening', resolve));
    symlinkSync('loop', at('loop'));
    symlinkSync('missing/file', at('link'));
    await expect(writeNamedFile(at('socket'), '')).rejects.toThrow(/this is a socket/);
    await expect(writeNamedFile(at('loop'), '')).rejects.toThrow(/cannot be written \(ELOOP\)/);
    await expect(writeNamedFile(at('link'), '')).rejects.toThrow(`there is no folder ${at('missing')}`);
    expect(readlinkSync(at('link'))).toBe('missing/file');
    server.close();
  });

  it('leaves a pipe that no program reads to other signals: it waits without blocking', async () => {
    execFileSync('mkfifo', [at('pipe')]);
    const writing = writeNamedFile(at('pipe'), 'text');
    let turns = 0;
    const timer = setInterval(() => turns++, 10);
    await new Promise((resolve) => setTimeout(resolve, 100));
    clearInterval(timer);
    expect(turns).toBeGreaterThan(2);
    const reader = openSync(at('pipe'), constants.O_RDONLY | constants.O_NONBLOCK);
    await writing;
    closeSync(reader);
  });
});
