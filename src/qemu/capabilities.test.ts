import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { probeCapabilities } from './capabilities.ts';
import { QemuUnusable } from './process/qemu-error.ts';
import { writeFakeQemu } from './process/testing/fake-qemu.ts';

const root = mkdtempSync(join(tmpdir(), 'capabilities-test-'));
afterAll(() => rmSync(root, { recursive: true }));

/** Without a compiler, and with a cache of its own, so that nothing of this machine shows. */
const environment = (extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({
  PATH: '',
  CC: join(root, 'no-compiler'),
  XDG_CACHE_HOME: join(root, 'cache'),
  ...extra,
});

const drivable = (): Promise<void> => Promise.resolve();

const folder = (): string => mkdtempSync(join(root, 'qemu-'));

const machines = ['q35        x (alias of pc-q35-11.1)', 'pc-q35-11.1        x', 'virt        x'];

describe('probeCapabilities', () => {
  it('is ready for the machines of the programs that it finds', async () => {
    const path = folder();
    writeFakeQemu(path, 'x86_64', { devices: ['vfio-user-pci'], machines });
    const found = await probeCapabilities({ path, environment: environment() }, drivable);
    // `virt` of an x86 program is not the one that scenarios mean.
    expect(found.machines).toEqual(['q35']);
    expect(found.obstacle).toBeUndefined();
    expect(found.checks.map(({ name, state }) => [name, state])).toEqual([
      ['qemu-system-x86_64', 'present'],
      ['qemu-system-aarch64', 'missing'],
      ['qemu-system-ppc64', 'missing'],
      ['koffi', 'present'],
      ['memfd', 'present'],
      ['shim in QEMU', 'optional'],
    ]);
    expect(found.checks[0]!.detail).toBe(`11.1.3 at ${path}/qemu-system-x86_64, vfio-user-pci, q35`);
  });

  it('says what is missing and what to do about it', async () => {
    const { checks, machines: ready, obstacle } = await probeCapabilities({ environment: environment() });
    expect(ready).toEqual([]);
    expect(obstacle).toBe('no QEMU with vfio-user-pci was found');
    for (const { state, remedy } of checks) expect(remedy === undefined).toBe(state === 'present');
    expect(checks.at(-1)!.remedy).toContain('gcc');
  });

  it('does not take a QEMU without vfio-user-pci, or a program that is none', async () => {
    const path = folder();
    writeFakeQemu(path, 'x86_64', { version: 'QEMU emulator version 9.2.1', machines });
    writeFakeQemu(path, 'ppc64', { version: 'something else' });
    const { checks, obstacle } = await probeCapabilities({
      environment: environment({ BARPROOF_QEMU: path }),
    });
    expect(checks[0]).toMatchObject({
      state: 'missing',
      detail: `9.2.1 at ${path}/qemu-system-x86_64, without vfio-user-pci`,
    });
    expect(checks[2]!.detail).toContain('does not say which version of QEMU');
    expect(obstacle).toBe('no QEMU with vfio-user-pci was found');
  });

  it('does not take a QEMU without any of our machines', async () => {
    const path = folder();
    writeFakeQemu(path, 'aarch64', { devices: ['vfio-user-pci'], machines: ['none        empty'] });
    const { checks, obstacle } = await probeCapabilities({ path, environment: environment() }, drivable);
    expect(checks[1]!.detail).toMatch(/none of our machines$/);
    expect(obstacle).toBe('none of the QEMU programs has a machine pc, q35, virt, pseries');
  });

  it('does not take a QEMU that cannot be driven', async () => {
    const path = folder();
    writeFakeQemu(path, 'x86_64', { devices: ['vfio-user-pci'], machines });
    const { checks, obstacle } = await probeCapabilities({ path, environment: environment() }, (binary) =>
      Promise.reject(new QemuUnusable(binary, 'invalid accelerator qtest')),
    );
    expect(checks[0]).toMatchObject({ state: 'missing' });
    expect(checks[0]!.detail).toContain('invalid accelerator qtest');
    expect(obstacle).toBe('no QEMU with vfio-user-pci was found');
    // Without being told otherwise, it starts the program.
    const { checks: real } = await probeCapabilities({ path, environment: environment() });
    expect(real[0]!.detail).toContain('no such option');
  });

  it('survives a cache folder that cannot be made', async () => {
    const file = writeFakeQemu(folder(), 'ppc64', {});
    const { checks } = await probeCapabilities({ environment: environment({ XDG_CACHE_HOME: file }) });
    expect(checks.at(-1)).toMatchObject({ state: 'optional' });
    expect(checks.at(-1)!.remedy).toContain('XDG_CACHE_HOME');
  });
});
