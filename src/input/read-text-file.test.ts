import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { InvalidInput } from './problem.ts';
import { MAX_TEXT_BYTES } from './parse-json.ts';
import { readTextFile } from './read-text-file.ts';

const fault = vi.hoisted(() => ({ step: '', code: undefined as string | undefined }));

vi.mock('node:fs', async (importOriginal) => {
  const real = await importOriginal<typeof import('node:fs')>();
  const guarded = (step: 'openSync' | 'readSync') => {
    const original = real[step] as (...args: unknown[]) => unknown;
    return (...args: unknown[]): unknown => {
      if (fault.step !== step) return original(...args);
      throw Object.assign(new Error(step), fault.code === undefined ? {} : { code: fault.code });
    };
  };
  return { ...real, openSync: guarded('openSync'), readSync: guarded('readSync') };
});

let folder: string;

beforeEach(() => {
  folder = fs.mkdtempSync(join(tmpdir(), 'barproof-read-'));
});

afterEach(() => {
  fault.step = '';
  fault.code = undefined;
  fs.rmSync(folder, { recursive: true });
});

const problemsOf = (path: string): InvalidInput['problems'] => {
  try {
    readTextFile(path);
  } catch (error) {
    if (error instanceof InvalidInput) return error.problems;
    throw error;
  }
  return [];
};

const openFiles = (): number => fs.readdirSync('/proc/self/fd').length;

describe('readTextFile', () => {
  it('returns the text of a file', () => {
    const path = join(folder, 'a');
    fs.writeFileSync(path, 'ß\u{1F980}\n');
    expect(readTextFile(path)).toBe('ß\u{1F980}\n');
  });

  it('reports that a file does not exist', () => {
    const path = join(folder, 'nothing');
    expect(problemsOf(path)).toEqual([{ path: '', message: 'there is no such file' }]);
  });

  it('reports that a path is a directory', () => {
    expect(problemsOf(folder)).toEqual([{ path: '', message: 'this is a directory, not a file' }]);
  });

  it.each([
    ['openSync', 'EACCES', 'the file may not be read'],
    ['openSync', 'EMFILE', 'the file cannot be read (EMFILE)'],
    ['readSync', 'EIO', 'the file cannot be read (EIO)'],
    ['readSync', 'EISDIR', 'this is a directory, not a file'],
    ['readSync', undefined, 'the file cannot be read (unknown error)'],
  ])('when %s fails with %s, reports: %s', (step, code, message) => {
    const path = join(folder, 'a');
    fs.writeFileSync(path, 'text');
    fault.step = step;
    fault.code = code;
    expect(problemsOf(path)).toEqual([{ path: '', message }]);
  });

  it('reports the error of a symbolic link that points to itself', () => {
    const path = join(folder, 'loop');
    fs.symlinkSync(path, path);
    expect(problemsOf(path)).toEqual([{ path: '', message: 'the file cannot be read (ELOOP)' }]);
  });

  it('reads a file of the largest size and refuses one that is a byte larger', () => {
    const path = join(folder, 'large');
    fs.writeFileSync(path, '');
    fs.truncateSync(path, MAX_TEXT_BYTES);
    expect(readTextFile(path)).toHaveLength(MAX_TEXT_BYTES);
    fs.truncateSync(path, MAX_TEXT_BYTES + 1);
    expect(problemsOf(path)).toEqual([
      { path: '', message: `the file has more than ${MAX_TEXT_BYTES} bytes` },
    ]);
  });

  it('decodes characters that lie across two reads', () => {
    const path = join(folder, 'crab');
    const text = `x${'\u{1F980}'.repeat(100_000)}`;
    fs.writeFileSync(path, text);
    expect(readTextFile(path)).toBe(text);
  });

  it.runIf(fs.existsSync('/dev/zero'))('reads no further than the limit from a device without an end', () => {
    expect(problemsOf('/dev/zero')).toEqual([
      { path: '', message: `the file has more than ${MAX_TEXT_BYTES} bytes` },
    ]);
  });

  it.runIf(fs.existsSync('/proc/self/fd'))('closes the file after success and after every error', () => {
    const path = join(folder, 'a');
    fs.writeFileSync(path, 'text');
    const before = openFiles();
    readTextFile(path);
    problemsOf(folder);
    fault.step = 'readSync';
    problemsOf(path);
    expect(openFiles()).toBe(before);
  });
});
