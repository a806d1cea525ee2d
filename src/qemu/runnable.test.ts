import { describe, expect, it } from 'vitest';
import { decodeScenario, type Scenario } from '../scenario/index.ts';
import { whyNotRunnable } from './runnable.ts';

const abilities = { hostPageSize: 0x1000n, pageSizeShim: true, deviceProperties: new Set(['socket']) };
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
  it('has nothing against a device that is served to a machine that there is', () => {
    for (const type of ['pc', 'q35', 'virt', 'pseries']) {
      expect(whyNotRunnable(scenario({ machine: { type } }), abilities)).toBeUndefined();
    }
  });

  const overlay = { op: 'add-region', name: 'x', kind: 'ram', address: 0, size: '0x1000' };
  const bios = { op: 'set-bar', device: 'dev0', bar: 0, address: '0xe0000' };
  const plugging = [{ op: 'hotplug', device: 'dev0' }, bios];
  it.each([
    ['generic', { machine: { type: 'generic' } }, /no machine "generic"/],
    ['real hosts', { iommu: 'type1' }, /type1/],
    ['emulation on pseries', { machine: { type: 'pseries', msixEmulation: 'on' } }, /decides about MSI-X/],
    ['odd RAM', { machine: { ram: '0x20001000' } }, /multiple of 0x2000/],
    ['odd RAM of pseries', { machine: { type: 'pseries', ram: '0x11000000' } }, /multiple of 0x10000000/],
    ['relocation', { device: { options: { 'x-msix-relocation': 'bar0' } } }, /no property x-msix-relocation/],
    ['overlays', { operations: [overlay] }, /on top of system memory/],
    ['transactions', { operations: [{ op: 'begin' }, { op: 'commit' }] }, /transactions/],
    ['a bridge over the BIOS', { operations: plugging }, /behind a bridge/],
  ])('refuses %s', (_, parts, reason) => {
    expect(whyNotRunnable(scenario(parts), abilities)).toMatch(reason);
  });

  it('needs a compiler for pages that the host does not have', () => {
    const large = scenario({ machine: { hostPageSize: '0x10000' } });
    expect(whyNotRunnable(large, abilities)).toBeUndefined();
    expect(whyNotRunnable(large, { ...abilities, pageSizeShim: false })).toMatch(/C compiler/);
    expect(whyNotRunnable(scenario({}), { ...abilities, hostPageSize: 0x1_0000n })).toMatch(/smaller/);
  });

  it('lets default settings of options pass', () => {
    const options = { 'x-msix-relocation': 'off', 'x-no-mmap': false };
    expect(whyNotRunnable(scenario({ device: { options } }), abilities)).toBeUndefined();
  });
});
