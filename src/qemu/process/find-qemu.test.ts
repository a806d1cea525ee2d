import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findQemu } from './find-qemu.ts';
import { QemuNotFound } from './qemu-error.ts';

let folder: string;
const at = (...names: string[]): string => join(folder, ...names);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'find-qemu-'));
  for (const name of ['first', 'second', 'third']) mkdirSync(at(name));
  const programs = [
    ['first', 'qemu-system-x86_64'],
    ['second', 'qemu-system-x86_64'],
    ['second', 'qemu-system-ppc64'],
    ['third', 'patched'],
  ] as const;
  for (const program of programs) {
    writeFileSync(at(...program), '#!/bin/sh\n');
    chmodSync(at(...program), 0o755);
  }
  writeFileSync(at('third', 'qemu-system-x86_64'), 'no program');
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('findQemu', () => {
  it('takes the first executable program in PATH', () => {
    const environment = { PATH: ['/nowhere', at('third'), at('first'), at('second')].join(':') };
    expect(findQemu('x86_64', { environment })).toBe(at('first', 'qemu-system-x86_64'));
    expect(findQemu('ppc64', { environment })).toBe(at('second', 'qemu-system-ppc64'));
  });

  it('prefers a path to BARPROOF_QEMU, and BARPROOF_QEMU to PATH', () => {
    const environment = { PATH: at('first'), BARPROOF_QEMU: at('second') };
    expect(findQemu('x86_64', { environment })).toBe(at('second', 'qemu-system-x86_64'));
    const path = at('third', 'patched');
    expect(findQemu('x86_64', { path, environment })).toBe(path);
  });

  it("finds another architecture's program beside the program that the user named", () => {
    const path = at('second', 'qemu-system-x86_64');
    expect(findQemu('ppc64', { path, environment: {} })).toBe(at('second', 'qemu-system-ppc64'));
  });

  it('throws QemuNotFound with the only place that it searched, where a place is named', () => {
    const environment = { PATH: at('first'), BARPROOF_QEMU: at('third') };
    const failing = () => findQemu('x86_64', { environment });
    expect(failing).toThrow(QemuNotFound);
    expect(failing).toThrow(at('third', 'qemu-system-x86_64'));
    expect(() => findQemu('aarch64', { environment: { PATH: at('first') } })).toThrow(
      /qemu-system-aarch64 was not found in PATH.*--qemu or BARPROOF_QEMU/,
    );
  });

  it('ignores an empty BARPROOF_QEMU', () => {
    const environment = { PATH: at('first'), BARPROOF_QEMU: '' };
    expect(findQemu('x86_64', { environment })).toBe(at('first', 'qemu-system-x86_64'));
  });
});
