import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { probeQemu } from './probe-qemu.ts';
import { QemuUnusable } from './qemu-error.ts';
import { writeFakeQemu } from './testing/fake-qemu.ts';

const folder = mkdtempSync(join(tmpdir(), 'probe-qemu-test-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('probeQemu', () => {
  it('reads version, devices, machine types and their aliases', async () => {
    const binary = writeFakeQemu(folder, 'x86_64', {
      devices: ['vfio-pci', 'vfio-user-pci'],
      machines: [
        'q35                  Standard PC (Q35 + ICH9, 2009) (alias of pc-q35-11.1)',
        'pc-q35-11.1          Standard PC (Q35 + ICH9, 2009)',
        'supermicro-x11spi-bmc Supermicro X11 SPI BMC (ARM1176)',
        'none                 empty machine',
      ],
    });
    expect(await probeQemu(binary)).toEqual({
      binary,
      version: '11.1.3',
      vfioUser: true,
      vfio: true,
      machines: ['pc-q35-11.1', 'supermicro-x11spi-bmc', 'none'],
      machineAliases: ['q35'],
    });
  });

  it('notices a QEMU without vfio-user-pci', async () => {
    const version = 'QEMU emulator version 9.2';
    const binary = writeFakeQemu(folder, 'ppc64', { version, devices: ['vfio-pci'] });
    expect(await probeQemu(binary)).toMatchObject({ version: '9.2', vfioUser: false });
  });

  it.each([
    ['does not exist', join(folder, 'nothing'), /ENOENT/],
    [
      'is not QEMU',
      writeFakeQemu(folder, 'aarch64', { version: 'fish 3.6' }),
      /does not name a version of QEMU/,
    ],
  ])('refuses a program that %s', async (_what, binary, message) => {
    await expect(probeQemu(binary)).rejects.toThrow(QemuUnusable);
    await expect(probeQemu(binary)).rejects.toThrow(message);
  });

  it('repeats the error text of a program that does not start', async () => {
    const binary = join(folder, 'broken');
    writeFileSync(binary, '#!/bin/sh\necho "libfdt.so.1: cannot open" >&2\nexit 127\n');
    chmodSync(binary, 0o755);
    await expect(probeQemu(binary)).rejects.toThrow('--version: libfdt.so.1: cannot open');
  });
});
