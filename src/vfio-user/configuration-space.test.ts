import { describe, expect, it } from 'vitest';
import { offset } from '../address/index.ts';
import { configurationSpace } from './configuration-space.ts';
import type { ServedDevice } from './served-device.ts';
import { device } from './testing/device.ts';

const bare: ServedDevice = { id: 'bare', vendor: 1, device: 2, bars: [], msix: undefined };

describe('configurationSpace', () => {
  it('has the type 0 header', () => {
    const space = configurationSpace({
      ...device,
      subsystemVendor: 0x1234,
      subsystem: 0x5678,
      classCode: 0x02_00_01,
    });
    expect(space.read(0x00, 4)).toBe(0x1572_8086);
    expect(space.read(0x04, 2)).toBe(0);
    expect(space.read(0x08, 4)).toBe(0x0200_0101);
    expect(space.read(0x0e, 1)).toBe(0);
    expect(space.read(0x2c, 4)).toBe(0x5678_1234);
    expect(space.read(0x3d, 1)).toBe(0);
    expect(configurationSpace(bare).read(0x08, 4)).toBe(0x0880_0001);
  });

  it('keeps the bits of COMMAND that a function implements', () => {
    const space = configurationSpace(device);
    space.write(0x04, 2, 0xffff);
    expect(space.read(0x04, 2)).toBe(0x0547);
    space.write(0x06, 2, 0);
    expect(space.read(0x06, 2)).toBe(0x10);
  });

  it('has BARs that show their type bits and can be sized', () => {
    const space = configurationSpace(device);
    const all = [0x10, 0x14, 0x18, 0x1c, 0x20, 0x24];
    expect(all.map((at) => space.read(at, 4))).toEqual([0, 0, 0xc, 0, 1, 0]);
    for (const at of all) space.write(at, 4, 0xffff_ffff);
    expect(all.map((at) => space.read(at, 4))).toEqual([
      0xffff_c000, 0, 0xfff0_000c, 0xffff_ffff, 0xffff_ffe1, 0,
    ]);
  });

  it.each([
    ['12 KiB, which is no power of two', 0x3000n],
    ['0 bytes', 0n],
    ['8 bytes, which its type bits cover', 8n],
  ])('lets software write no bit of a BAR of %s', (_, size) => {
    const info = { size, flags: { read: true, write: true, mmap: false }, capabilities: [] };
    const space = configurationSpace({
      ...bare,
      bars: [{ attributes: { type: 'mem64', prefetchable: false }, info }],
    });
    space.write(0x10, 4, 0xffff_ffff);
    space.write(0x14, 4, 0xffff_ffff);
    expect([space.read(0x10, 4), space.read(0x14, 4)]).toEqual([4, 0]);
  });

  it('has an expansion ROM that can be sized and enabled, where the device has one', () => {
    const space = configurationSpace({ ...bare, rom: { size: 0x1_0000n, contents: 0n } });
    expect(space.read(0x30, 4)).toBe(0);
    space.write(0x30, 4, 0xffff_f800);
    expect(space.read(0x30, 4)).toBe(0xffff_0000);
    space.write(0x30, 4, 0xffff_ffff);
    expect(space.read(0x30, 4)).toBe(0xffff_0001);
    const without = configurationSpace(bare);
    without.write(0x30, 4, 0xffff_ffff);
    expect(without.read(0x30, 4)).toBe(0);
  });

  it('shows the size of a 64-bit BAR of 8 GiB in its upper half, and has no upper half for BAR 5', () => {
    const info = { size: 1n << 33n, flags: { read: true, write: true, mmap: false }, capabilities: [] };
    const bar = { attributes: { type: 'mem64', prefetchable: false }, info } as const;
    const space = configurationSpace({
      ...bare,
      bars: [0, 1, 2, 3, 4, 5].map((index) => (index % 5 === 0 ? bar : undefined)),
    });
    for (const at of [0x10, 0x14, 0x24, 0x28]) space.write(at, 4, 0xffff_ffff);
    expect([0x10, 0x14, 0x24, 0x28].map((at) => space.read(at, 4))).toEqual([4, 0xffff_fffe, 4, 0]);
  });

  it('has the MSI-X capability at 0x40 with two writable bits', () => {
    const space = configurationSpace(device);
    expect(space.read(0x34, 1)).toBe(0x40);
    expect(space.read(0x40, 4)).toBe(0x000f_0011);
    expect(space.read(0x44, 4)).toBe(0x2002);
    expect(space.read(0x48, 4)).toBe(0x3002);
    space.write(0x42, 2, 0xffff);
    expect(space.read(0x42, 2)).toBe(0xc00f);
  });

  it('shows an MSI-X capability with a reserved BIR as it is', () => {
    const msix = {
      vectors: 2048,
      tableBar: 7,
      tableOffset: offset(0xffff_fff8n),
      pbaBar: 6,
      pbaOffset: offset(8n),
    };
    const space = configurationSpace({ ...bare, msix });
    expect([space.read(0x42, 2), space.read(0x44, 4), space.read(0x48, 4)]).toEqual([
      0x7ff, 0xffff_ffff, 0xe,
    ]);
  });

  it('has the PCI Express capability at 0x50, after MSI-X or alone', () => {
    const both = configurationSpace({ ...device, pciExpress: true });
    expect([both.read(0x34, 1), both.read(0x41, 1), both.read(0x50, 4)]).toEqual([0x40, 0x50, 0x0002_0010]);
    const alone = configurationSpace({ ...bare, pciExpress: true });
    expect([alone.read(0x06, 2), alone.read(0x34, 1), alone.read(0x50, 2)]).toEqual([0x10, 0x50, 0x0010]);
    const none = configurationSpace(bare);
    expect([none.read(0x06, 2), none.read(0x34, 1)]).toEqual([0, 0]);
  });
});
