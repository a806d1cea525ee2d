import type { Size } from '../address/index.ts';
import type { DeviceOptionsSpec, HostSpec, IommuTypeName, MachineSpec } from '../scenario/index.ts';
import { LARGE_PAGE, SMALL_PAGE } from './layouts.ts';

/** What surrounds the device of a scope: the machine, the host, and the options of vfio-pci. */
export interface Surroundings {
  readonly machine: MachineSpec;
  readonly host: HostSpec;
  readonly options: DeviceOptionsSpec;
}

const RAM: Size = 0x10_0000n;
const PAGES: readonly Size[] = [SMALL_PAGE, LARGE_PAGE];

/** Kinds of container with the kernels that differ in what they let be mmapped. iommufd is younger than 4.16. */
const CONTAINERS = [
  { type: 'type1', kernel: 'msix-mappable' },
  { type: 'type1', kernel: 'sparse-msix' },
  { type: 'iommufd', kernel: 'msix-mappable' },
] as const;

/** The policies of a user about mmaps and MSI-X tables, the default first. */
const OPTIONS: readonly DeviceOptionsSpec[] = [
  {},
  { 'x-no-mmap': true },
  { 'x-msix-relocation': 'auto' },
  { 'x-msix-relocation': 'bar0' },
];

/** Whether the machine emulates MSI-X tables. The default of the machine is `on`, which would be the same twice. */
const EMULATIONS = ['on', 'off'] as const;

/**
 * All surroundings of a scope, the usual ones first: small and large pages of host, IOMMU and guest, each with each.
 *
 * @param iommuTypes the kinds of container that the revision supports.
 */
export function surroundingsWith(iommuTypes: readonly IommuTypeName[]): readonly Surroundings[] {
  const containers = CONTAINERS.filter(({ type }) => iommuTypes.includes(type));
  return containers.flatMap(({ type, kernel }) =>
    PAGES.flatMap((hostPageSize) =>
      PAGES.flatMap((iommuPage) =>
        PAGES.flatMap((guestPageSize) =>
          EMULATIONS.flatMap((msixEmulation) =>
            OPTIONS.map((options) => ({
              machine: { type: 'generic', msixEmulation, ram: RAM, hostPageSize, guestPageSize } as const,
              host: { kernel, iommu: { type, pageSizes: [iommuPage] } },
              options,
            })),
          ),
        ),
      ),
    ),
  );
}
