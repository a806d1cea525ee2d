import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TargetUnavailable } from '../../trace/index.ts';
import { pidNamespace } from './pid-namespace.ts';
import { PrivateDirectory } from './private-directory.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'private-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A process number that the kernel never gives: the largest is 4194304 (proc(5), pid_max). */
const NO_PROCESS = 4_200_000;

const makeFolder = (name: string): string => {
  const path = join(folder, name);
  mkdirSync(path);
  return path;
};

describe('PrivateDirectory', () => {
  it('is in the first folder, with mode 0700', () => {
    const directory = new PrivateDirectory([folder, '/tmp']);
    expect(directory.path.startsWith(`${folder}/barproof-${process.pid}-`)).toBe(true);
    expect(statSync(directory.path).mode & 0o777).toBe(0o700);
    directory.remove();
    expect(existsSync(directory.path)).toBe(false);
  });

  it.each([
    ['that is too long for the path of a socket', () => makeFolder('x'.repeat(70))],
    ['that does not exist', () => join(folder, 'missing')],
    [
      'that is a file',
      () => {
        writeFileSync(join(folder, 'file'), '');
        return join(folder, 'file');
      },
    ],
  ])('passes over a folder %s', (_, make) => {
    const directory = new PrivateDirectory([make(), folder]);
    expect(directory.path.slice(folder.length)).toMatch(/^\/barproof-/);
    directory.remove();
  });

  it('gives sockets a path of at most 107 bytes in the longest folder that it takes', () => {
    const longest = [...Array(60).keys()].map((more) => join(folder, 'x'.repeat(60 - more)));
    for (const path of longest) mkdirSync(path);
    const directory = new PrivateDirectory(longest);
    expect(Buffer.byteLength(directory.at('12345678'))).toBe(107);
    directory.remove();
  });

  it('says for each folder why it cannot be used', () => {
    const long = join(folder, 'é'.repeat(40));
    const make = () => new PrivateDirectory([join(folder, 'missing'), long]);
    expect(make).toThrow(TargetUnavailable);
    expect(make).toThrow(
      /^no folder can hold the sockets to QEMU: \S+missing does not exist; \S+ is too long: .* TMPDIR\.$/,
    );
  });

  it('removes what a killed process of this PID namespace left behind, and nothing else', () => {
    const here = pidNamespace()!;
    const gone = makeFolder(`barproof-${NO_PROCESS}-${here}-abcdef`);
    writeFileSync(join(gone, 'qmp'), '');
    const kept = [
      `barproof-${NO_PROCESS}-00000000-abcdef`,
      `barproof-${NO_PROCESS}-unknown-abcdef`,
      `barproof-${NO_PROCESS}-abcdef`,
      `barproof-${process.pid}-${here}-abcdef`,
      `barproof-1-${here}-abcdef`,
      `barproof-${NO_PROCESS}-${here}-abcdefg`,
      `other-${NO_PROCESS}-${here}-abcdef`,
    ].map(makeFolder);
    new PrivateDirectory([folder]).remove();
    expect(existsSync(gone)).toBe(false);
    expect(kept.filter((path) => !existsSync(path))).toEqual([]);
  });
});
