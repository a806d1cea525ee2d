import { BAR_COUNT } from '../../pci-layout/index.ts';
import type { DeviceSpec, Scenario } from '../../scenario/index.ts';
import { makeHostDevice } from '../../model/index.ts';
import type { ServedDevice } from '../../vfio-user/index.ts';

/** Red Hat reserves these ids for experiments (QEMU docs/specs/pci-ids.rst). */
const DEFAULT_IDS = { vendor: 0x1af4, device: 0x10ff } as const;

/**
 * A device of a scenario for a vfio-user server to show. Sparse areas and MSIX_MAPPABLE come from
 * `makeHostDevice`, which gives them to the model of QEMU, too. The scenario's IOMMU type makes no difference.
 *
 * @param spec the device. Without ids of its own it shows 1af4:10ff.
 */
export function deviceModel({ host, machine }: Scenario, spec: DeviceSpec): ServedDevice {
  const served = { ...host, iommu: { ...host.iommu, type: 'vfio-user' as const } };
  const hostDevice = makeHostDevice(spec, served, machine.hostPageSize);
  const { vendor, device } = spec.vendor === 0 ? DEFAULT_IDS : spec;
  return {
    id: spec.id,
    vendor,
    device,
    bars: Array.from({ length: BAR_COUNT }, (_, index) =>
      spec.bars.some((bar) => bar.index === index)
        ? { attributes: hostDevice.barAttributes(index), info: hostDevice.region(index) }
        : undefined,
    ),
    rom: hostDevice.rom,
    msix: spec.msix,
  };
}
