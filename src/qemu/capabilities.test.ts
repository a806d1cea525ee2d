import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { probeCapabilities } from './capabilities.ts';
import { QemuUnusable } from './process/qemu-error.ts';
import { writeFakeQemu } from './process/testing/fake-qemu.ts';

const root = mkdtempSync(join(tmpdir(), 'capabilities-test-'));
afterAll(() => rmSync(root, { recursive: true }));

/** An environment without QEMU, compiler and cache of this machine. */
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
  it('finds the machines of the QEMU programs in a folder', async () => {
    const path = folder();
    writeFakeQemu(path, 'x86_64', { devices: ['vfio-user-pci'], machines });
    const found = await probeCapabilities({ path, environment: environment() }, drivable);
    // Scenarios mean the `virt` of qemu-system-aarch64.
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
    expect(found.checks[0]!.detail).toBe(
      `11.1.3 at ${path}/qemu-system-x86_64, vfio-user-pci, q35, held to qemu-11.1`,
    );
  });

  it('names a remedy for each missing program or library', async () => {
    const { checks, machines: ready, obstacle } = await probeCapabilities({ environment: environment() });
    expect(ready).toEqual([]);
    expect(obstacle).toBe('no QEMU with the device vfio-user-pci was found');
    for (const { state, remedy } of checks) expect(remedy === undefined).toBe(state === 'present');
    expect(checks.at(-1)!.remedy).toContain('gcc');
  });

  it('refuses a QEMU without vfio-user-pci, and a program that is not QEMU', async () => {
    const path = folder();
    writeFakeQemu(path, 'x86_64', { version: 'QEMU emulator version 9.2.1', machines });
    writeFakeQemu(path, 'ppc64', { version: 'something else' });
    const { checks, obstacle } = await probeCapabilities({
      environment: environment({ BARPROOF_QEMU: path }),
    });
    expect(checks[0]).toMatchObject({
      state: 'missing',
      detail: `9.2.1 at ${path}/qemu-system-x86_64, without the device vfio-user-pci`,
    });
    expect(checks[2]!.detail).toContain('--version does not name a version of QEMU');
    expect(obstacle).toBe('no QEMU with the device vfio-user-pci was found');
  });

  it('takes a QEMU with vfio-pci alone where a shim answers for the kernel, and names its revision', async () => {
    const path = folder();
    writeFakeQemu(path, 'x86_64', {
      version: 'QEMU emulator version 7.2.22',
      devices: ['vfio-pci'],
      machines,
    });
    const withCompiler = { ...process.env, BARPROOF_QEMU: path };
    const { checks, machines: ready } = await probeCapabilities(
      { path, environment: withCompiler },
      drivable,
    );
    const hasShim = checks.some(({ name, state }) => name === 'shim in QEMU' && state === 'present');
    expect(checks[0]!.detail).toBe(
      hasShim
        ? `7.2.22 at ${path}/qemu-system-x86_64, vfio-pci, q35, held to qemu-6.0`
        : `7.2.22 at ${path}/qemu-system-x86_64, without the device vfio-user-pci`,
    );
    expect(ready).toEqual(hasShim ? ['q35'] : []);
    writeFakeQemu(path, 'x86_64', {
      version: 'QEMU emulator version 10.2.1',
      devices: ['vfio-user-pci'],
      machines,
    });
    const { checks: newer } = await probeCapabilities({ path, environment: environment() }, drivable);
    expect(newer[0]!.detail).toMatch(/, held to no revision of the model$/);
  });

  it('refuses a QEMU without a machine of scenarios', async () => {
    const path = folder();
    writeFakeQemu(path, 'aarch64', { devices: ['vfio-user-pci'], machines: ['none        empty'] });
    const { checks, obstacle } = await probeCapabilities({ path, environment: environment() }, drivable);
    expect(checks[1]!.detail).toMatch(/no machine pc, q35, virt, pseries, held to qemu-11\.1$/);
    expect(obstacle).toBe('no QEMU that was found has one of the machines pc, q35, virt, pseries');
  });

  it('refuses a QEMU that does not start with qtest', async () => {
    const path = folder();
    writeFakeQemu(path, 'x86_64', { devices: ['vfio-user-pci'], machines });
    const { checks, obstacle } = await probeCapabilities({ path, environment: environment() }, (binary) =>
      Promise.reject(new QemuUnusable(binary, 'invalid accelerator qtest')),
    );
    expect(checks[0]).toMatchObject({ state: 'missing' });
    expect(checks[0]!.detail).toContain('invalid accelerator qtest');
    expect(obstacle).toBe('no QEMU with the device vfio-user-pci was found');
    // The default for `inspect` starts the program.
    const { checks: real } = await probeCapabilities({ path, environment: environment() });
    expect(real[0]!.detail).toContain('no such option');
  });

  it('names the compiler in CC that cannot compile, also where the cache folder cannot be made', async () => {
    const file = writeFakeQemu(folder(), 'ppc64', {});
    const { checks } = await probeCapabilities({
      environment: environment({ XDG_CACHE_HOME: file, CC: '/nowhere/cc -m64' }),
    });
    expect(checks.at(-1)).toMatchObject({ state: 'optional' });
    expect(checks.at(-1)!.detail).toMatch(/^CC="\/nowhere\/cc -m64" cannot compile the library: /);
  });
});
