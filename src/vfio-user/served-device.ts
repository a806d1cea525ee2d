import { offset, type Offset, type Size } from '../address/index.ts';
import type { RegionInfo } from '../host/index.ts';
import { type BarAttributes, type MsixLayout, BAR_COUNT } from '../pci-layout/index.ts';
import type { DeviceSpec, Scenario } from '../scenario/index.ts';
import { makeHostDevice } from '../model/index.ts';

/** A BAR as it is served. */
export interface ServedBar {
  readonly attributes: BarAttributes;
  /** Size, whether it may be mmapped, and the chain of capabilities in the order in which they are sent. */
  readonly info: RegionInfo;
}

/** What the client finds behind the socket. Odd values are served as they are: a client has to cope with them. */
export interface ServedDevice {
  /** Names the memory behind the BARs in /proc; means nothing otherwise. */
  readonly id: string;
  /** PCI vendor and device id, 16 bits each. */
  readonly vendor: number;
  readonly device: number;
  /** Subsystem ids, 16 bits each; both 0 where left out. */
  readonly subsystemVendor?: number;
  readonly subsystem?: number;
  /** Base class, sub-class and interface, 24 bits; a system peripheral of no further kind where left out. */
  readonly classCode?: number;
  /** By index, six at most; nothing where there is no BAR. */
  readonly bars: readonly (ServedBar | undefined)[];
  readonly msix: MsixLayout | undefined;
  /** Whether it is a PCI Express endpoint, with 4096 bytes of configuration space instead of 256. */
  readonly pciExpress?: boolean;
}

/** The ids of a device of which the scenario says nothing: those that Red Hat keeps for experiments. */
const NO_MATTER = { vendor: 0x1af4, device: 0x10ff } as const;

/**
 * The device of a scenario as a vfio-user server shows it, whatever the IOMMU type of the scenario: areas and
 * MSIX_MAPPABLE as in `makeHostDevice`, which the model of QEMU is given.
 */
export function deviceModel({ host, machine }: Scenario, spec: DeviceSpec): ServedDevice {
  const served = { ...host, iommu: { ...host.iommu, type: 'vfio-user' as const } };
  const hostDevice = makeHostDevice(spec, served, machine.hostPageSize);
  const { vendor, device } = spec.vendor === 0 ? NO_MATTER : spec;
  return {
    id: spec.id,
    vendor,
    device,
    bars: Array.from({ length: BAR_COUNT }, (_, index) =>
      spec.bars.some((bar) => bar.index === index)
        ? { attributes: hostDevice.barAttributes(index), info: hostDevice.region(index) }
        : undefined,
    ),
    msix: spec.msix,
  };
}

/** The last byte, plus one, of what may be mmapped of a BAR: its size, or the end of an area that reaches beyond. */
export function endOfMmaps({ size, capabilities }: RegionInfo): Size {
  let end: Offset = offset(size);
  for (const capability of capabilities) {
    if (capability.id !== 1) continue;
    for (const area of capability.areas)
      if (area.offset + area.size > end) end = offset(area.offset + area.size);
  }
  return end;
}
