import type { IommuTypeName, NamedHost, Scenario } from '../../scenario/index.ts';

const GIB = 1n << 30n;

/** The machine and the host of a scenario on a named host. */
export const hostScenario = (
  host: NamedHost,
  iommu: IommuTypeName = host.iommu.types[0]!,
): Pick<Scenario, 'machine' | 'host' | 'devices'> => ({
  machine: {
    type: host.machines[0]!,
    cpu: host.cpu,
    ram: GIB,
    hostPageSize: host.hostPageSize,
    guestPageSize: host.hostPageSize,
    msixEmulation: 'machine-default',
  },
  host: {
    kernel: host.kernel,
    iommu: {
      type: iommu,
      pageSizes: host.iommu.pageSizes,
      ...(host.iommu.apertures && { apertures: host.iommu.apertures }),
    },
  },
  devices: [],
});
