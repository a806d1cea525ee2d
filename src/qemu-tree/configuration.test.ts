import { describe, expect, it } from 'vitest';
import { QEMU_MACHINES } from '../qemu/process/architecture.ts';
import { BUILD_TARGETS, DEFAULT_TARGETS } from './build-target.ts';
import { configurationsFor } from './configuration.ts';

const first = (...architectures: Parameters<typeof configurationsFor>[0]) =>
  configurationsFor(architectures)[0]!;

describe('configurationsFor', () => {
  it('builds x86 with KVM alone, and with few devices first', () => {
    const configurations = configurationsFor(DEFAULT_TARGETS);
    expect(configurations.map(({ name }) => name)).toEqual([
      'few devices for x86_64',
      'few devices, and all of PCI, for x86_64',
      "QEMU's default devices for x86_64",
    ]);
    expect(configurations[0]).toMatchObject({
      targets: [{ architecture: 'x86_64', name: 'x86_64-softmmu', program: 'qemu-system-x86_64' }],
      words: [
        '--target-list=x86_64-softmmu',
        '--enable-kvm',
        '--disable-tcg',
        '--without-default-devices',
        '--with-devices-x86_64=barproof',
      ],
    });
    expect(configurations[2]!.words).toEqual([
      '--target-list=x86_64-softmmu',
      '--enable-kvm',
      '--disable-tcg',
    ]);
    expect(configurations[2]!.targets[0]).not.toHaveProperty('devices');
  });

  it('builds other targets with TCG, without which configure refuses them', () => {
    expect(first('ppc64').words).toEqual([
      '--target-list=ppc64-softmmu',
      '--disable-kvm',
      '--enable-tcg',
      '--without-default-devices',
      '--with-devices-ppc64=barproof',
    ]);
    expect(first('x86_64', 'aarch64').words).toContain('--enable-kvm');
    expect(first('x86_64', 'aarch64').words).toContain('--enable-tcg');
  });

  it('is the same for the same targets in another order', () => {
    expect(configurationsFor(['ppc64', 'x86_64', 'ppc64'])).toEqual(configurationsFor(['x86_64', 'ppc64']));
  });

  it('gives each target its own machines and devices', () => {
    const [arm, power] = first('aarch64', 'ppc64').targets;
    expect(arm!.devices).toEqual(expect.arrayContaining(['CONFIG_ARM_VIRT=y', 'CONFIG_IOMMUFD=y']));
    expect(power!.devices).toEqual(expect.arrayContaining(['CONFIG_PSERIES=y', 'CONFIG_VFIO_PCI=y']));
    // Kconfig refuses a port of PCI Express for pseries, which has none.
    expect(power!.devices).not.toContain('CONFIG_PCIE_PORT=y');
  });

  it('has a setting for each machine of scenarios', () => {
    const settings = { pc: 'I440FX', q35: 'Q35', virt: 'ARM_VIRT', pseries: 'PSERIES' } as const;
    const all = Object.values(BUILD_TARGETS).flatMap(({ devices }) => devices);
    for (const machine of QEMU_MACHINES) expect(all).toContain(settings[machine]);
  });
});
