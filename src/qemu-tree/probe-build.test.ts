import { describe, expect, it } from 'vitest';
import { probeBuild } from './probe-build.ts';

const without = (...missing: readonly string[]) => {
  const has = (name: string): boolean => !missing.includes(name);
  return probeBuild({ hasProgram: has, hasLibrary: has });
};

describe('probeBuild', () => {
  it('names the targets that can be built', () => {
    expect(without()).toEqual({
      name: 'builds of QEMU',
      state: 'present',
      detail: 'of a source, for x86_64, aarch64, ppc64 (validate --qemu-tree)',
    });
  });

  it('names what only some targets need', () => {
    expect(without('libfdt')).toMatchObject({
      state: 'present',
      detail: 'of a source, for x86_64 (validate --qemu-tree)',
      remedy: 'for aarch64, ppc64, install libfdt-dev',
    });
  });

  it('names the programs and libraries that are missing, and their packages', () => {
    expect(without('ninja', 'glib-2.0')).toMatchObject({
      state: 'optional',
      detail: 'no ninja, glib-2.0',
      remedy: 'for validate --qemu-tree, install ninja-build, libglib2.0-dev',
    });
    expect(without('pkg-config', 'glib-2.0', 'zlib', 'libfdt')).toMatchObject({
      detail: 'no pkg-config',
      remedy: 'for validate --qemu-tree, install pkg-config',
    });
  });

  it('looks at this machine', () => {
    expect(probeBuild().detail).not.toBe('');
  });
});
