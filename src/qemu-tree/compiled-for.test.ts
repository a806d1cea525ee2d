import { describe, expect, it } from 'vitest';
import { compiledFor } from './compiled-for.ts';

/** As QEMU's meson.build files are written. */
const VFIO = `vfio_ss = ss.source_set()
vfio_ss.add(files(
  'listener.c',
))
vfio_ss.add(when: 'CONFIG_PSERIES', if_true: files('spapr.c'))
vfio_ss.add(when: 'CONFIG_VFIO_PCI', if_true: files(
  'pci-quirks.c',
  'pci.c',
))
vfio_ss.add(when: 'CONFIG_VFIO_AP', if_true: files('ap.c'))
system_ss.add(when: ['CONFIG_VFIO', 'CONFIG_IOMMUFD'], if_true: files(
  'iommufd.c',
))
system_ss.add(when: ['CONFIG_PSERIES', 'CONFIG_IOMMUFD'], if_true: files('spapr-iommufd.c'))
system_ss.add(when: 'CONFIG_IOMMUFD', if_false: files('iommufd-stubs.c'))
`;
const ARM = `arm_ss.add(files('boot.c'))
arm_ss.add(when: 'CONFIG_ARM_VIRT', if_true: files('virt.c'))
arm_ss.add(when: 'CONFIG_ARM_SMMUV3', if_true: files('smmuv3.c'))
arm_ss.add(when: ['CONFIG_ASPEED_SOC', 'TARGET_AARCH64'], if_true: files('aspeed_ast27x0.c'))
`;
const PPC = `ppc_ss.add(files('ppc.c'))
if host_os == 'linux'
  ppc_ss.add(when: 'CONFIG_PSERIES', if_true: files(
    'spapr_pci_vfio.c',
  ))
endif
`;

describe('compiledFor', () => {
  it.each([
    ['hw/vfio/spapr.c', VFIO, ['ppc64']],
    ['hw/vfio/pci.c', VFIO, ['x86_64', 'aarch64', 'ppc64']],
    ['hw/vfio/iommufd.c', VFIO, ['x86_64', 'aarch64']],
    ['hw/arm/virt.c', ARM, ['aarch64']],
    ['hw/arm/smmuv3.c', ARM, ['aarch64']],
    ['hw/ppc/spapr_pci_vfio.c', PPC, ['ppc64']],
  ])('knows by the settings of meson.build for which targets %s is compiled', (path, meson, targets) => {
    expect(compiledFor(path, meson)).toEqual(targets);
  });

  it.each([
    ['hw/arm/boot.c', ARM, ['aarch64']],
    ['hw/ppc/ppc.c', PPC, ['ppc64']],
    ['target/ppc/kvm.c', '', ['ppc64']],
    ['hw/i386/pc.c', '', ['x86_64']],
  ])(
    'knows by its folder for which target %s is compiled, which depends on no setting',
    (path, meson, own) => {
      expect(compiledFor(path, meson)).toEqual(own);
    },
  );

  it.each([
    ['hw/vfio/ap.c', VFIO],
    // pseries has no IOMMUFD, and no other target is pseries.
    ['hw/vfio/spapr-iommufd.c', VFIO],
    ['hw/arm/aspeed_ast27x0.c', ARM],
    ['hw/s390x/s390-pci-vfio.c', ''],
  ])('names no target for %s, which none of the targets compiles', (path, meson) => {
    expect(compiledFor(path, meson)).toEqual([]);
  });
});
