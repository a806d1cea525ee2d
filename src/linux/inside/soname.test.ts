import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { isElf, sonameOf } from './soname.ts';

/** The libraries of this program, as the loader has found them: `libc.so.6 => /lib/…/libc.so.6 (0x…)`. */
function loaded(): readonly (readonly [name: string, path: string])[] {
  try {
    const text = execFileSync('ldd', [process.execPath], { encoding: 'utf8' });
    return [...text.matchAll(/^\s*(\S+) => (\/\S+)/gm)].map(([, name = '', path = '']) => [name, path]);
  } catch {
    return [];
  }
}

describe('sonameOf', () => {
  it.skipIf(loaded().length === 0)('is the name under which the loader finds each library of node', () => {
    for (const [name, path] of loaded()) expect(sonameOf(readFileSync(path))).toBe(name);
  });

  it('is undefined for a program', () => {
    const program = readFileSync(process.execPath);
    expect(isElf(program)).toBe(true);
    expect(sonameOf(program)).toBeUndefined();
  });
});

describe('isElf', () => {
  it('refuses a text, an empty file, and an ELF of 32 bits', () => {
    expect(isElf(Buffer.from('#!/bin/sh\n'))).toBe(false);
    expect(isElf(new Uint8Array(0))).toBe(false);
    expect(isElf(Buffer.from('\u007fELF\u0001\u0001', 'latin1'))).toBe(false);
  });
});
