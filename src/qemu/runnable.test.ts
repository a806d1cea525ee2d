import { describe, expect, it } from 'vitest';
import { decodeScenario, type Scenario } from '../scenario/index.ts';
import { whyNotRunnable } from './runnable.ts';

const abilities = {
  hostPageSize: 0x1000n,
  pageSizeShim: true,
  hasIommufd: false,
  deviceProperties: { 'vfio-user-pci': new Set(['socket']), 'vfio-pci': new Set(['x-no-mmap']) },
};
const device = (more: object = {}) => ({
  id: 'dev0',
  bars: [{ index: 0, size: '0x1000', type: 'mem32' }],
  ...more,
});
const scenario = (parts: {
  machine?: object;
  iommu?: string;
  device?: object;
  operations?: readonly object[];
}): Scenario =>
  decodeScenario({
    version: 1,
    machine: { type: 'q35', ram: '0x20000000', ...parts.machine },
    host: { kernel: 'msix-mappable', iommu: { type: parts.iommu ?? 'vfio-user' } },
    devices: [device(parts.device)],
    operations: parts.operations ?? [],
  });

describe('whyNotRunnable', () => {
  it('is nothing for a vfio-user device on every machine of QEMU', () => {
    for (const type of ['pc', 'q35', 'virt', 'pseries']) {
      expect(whyNotRunnable(scenario({ machine: { type } }), abilities)).toBeUndefined();
    }
  });

  const overlay = { op: 'add-region', name: 'x', kind: 'ram', address: 0, size: '0x1000' };
  const bios = { op: 'set-bar', device: 'dev0', bar: 0, address: '0xe0000' };
  const plugging = [{ op: 'hotplug', device: 'dev0' }, bios];
  it.each([
    ['the machine generic', { machine: { type: 'generic' } }, /no machine "generic"/],
    [
      'MSI-X emulation on pseries',
      { machine: { type: 'pseries', msixEmulation: 'on' } },
      /^pseries has MSI-X emulation "off"/,
    ],
    ['RAM of 512 MiB and 4 KiB', { machine: { ram: '0x20001000' } }, /multiple of 0x2000/],
    [
      'RAM of 272 MiB on pseries',
      { machine: { type: 'pseries', ram: '0x11000000' } },
      /multiple of 0x10000000/,
    ],
    [
      'a device option that QEMU lacks',
      { device: { options: { 'x-msix-relocation': 'bar0' } } },
      /no property x-msix-relocation/,
    ],
    ['a region on top of system memory', { operations: [overlay] }, /add or remove regions/],
    ['memory transactions', { operations: [{ op: 'begin' }, { op: 'commit' }] }, /one memory transaction/],
    ['a BAR over the BIOS behind a bridge', { operations: plugging }, /plugs devices behind a bridge/],
  ])('gives a reason against %s', (_, parts, reason) => {
    expect(whyNotRunnable(scenario(parts), abilities)).toMatch(reason);
  });

  it('asks for a C compiler where the host pages of the scenario are larger', () => {
    const large = scenario({ machine: { hostPageSize: '0x10000' } });
    expect(whyNotRunnable(large, abilities)).toBeUndefined();
    expect(whyNotRunnable(large, { ...abilities, pageSizeShim: false })).toMatch(/C compiler/);
    expect(whyNotRunnable(scenario({}), { ...abilities, hostPageSize: 0x1_0000n })).toMatch(/smaller/);
  });

  it('is nothing for a device of the kernel, where there is a C compiler', () => {
    const type1 = scenario({ iommu: 'type1', device: { options: { 'x-no-mmap': true } } });
    expect(whyNotRunnable(type1, abilities)).toBeUndefined();
    expect(whyNotRunnable(type1, { ...abilities, pageSizeShim: false })).toMatch(/type1 needs a C compiler/);
  });

  it('names iommufd where QEMU lacks it', () => {
    expect(whyNotRunnable(scenario({ iommu: 'iommufd' }), abilities)).toBe('this QEMU has no iommufd');
    expect(
      whyNotRunnable(scenario({ iommu: 'iommufd' }), { ...abilities, hasIommufd: true }),
    ).toBeUndefined();
  });

  it('names the driver that QEMU lacks', () => {
    const { deviceProperties } = abilities;
    const old = { ...abilities, deviceProperties: { ...deviceProperties, 'vfio-user-pci': undefined } };
    expect(whyNotRunnable(scenario({}), old)).toBe('this QEMU has no device vfio-user-pci');
    expect(whyNotRunnable(scenario({ iommu: 'type1' }), old)).toBeUndefined();
  });

  it('is nothing for device options with their default values', () => {
    const options = { 'x-msix-relocation': 'off', 'x-no-mmap': false };
    expect(whyNotRunnable(scenario({ device: { options } }), abilities)).toBeUndefined();
  });
});
