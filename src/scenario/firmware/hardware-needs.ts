import { bytes, hex, isAligned, isPowerOfTwo, type Size } from '../../address/index.ts';
import { hasConformingLayout } from '../conforming-device.ts';
import type { BarSpec, DeviceSpec, MachineType, Scenario } from '../scenario.ts';
import type { Need, NeedKind } from './need.ts';
import { isCloudHypervisor } from './pci-windows.ts';

const MIB = 1n << 20n;
const [KIB_4, KIB_16, KIB_64] = [0x1000n, 0x4000n, 0x1_0000n];

/** The page sizes of kernels of each machine's architecture. */
const PAGES: Readonly<Record<MachineType, readonly Size[]>> = {
  pc: [KIB_4],
  q35: [KIB_4],
  virt: [KIB_4, KIB_16, KIB_64],
  pseries: [KIB_4, KIB_64],
  generic: [KIB_4, KIB_16, KIB_64],
};
/** pseries takes RAM in blocks of 256 MiB (hw/ppc/spapr.c: SPAPR_MEMORY_BLOCK_SIZE). */
const RAM_BLOCK: Readonly<Partial<Record<MachineType, Size>>> = { pseries: 256n * MIB };
/** Where the first range of IOVAs ends, below the interrupt messages of x86 and of Arm (host fact R1.7.2). */
const FIRST_RANGE_OF = { x86: 0xfedf_ffffn, arm: 0x7ff_ffffn } as const;
/** No firmware starts with less. */
const LEAST_RAM: Size = 64n * MIB;
/** `dma_entry_limit` of type1 unless the user sets it, and the usual limit of a vfio-user server. */
const USUAL_MAPPINGS = 65_535;
/** Windows of a POWER8 or POWER9 host bridge. */
const USUAL_WINDOWS = 2;

const isX86 = (type: MachineType): boolean => type === 'pc' || type === 'q35' || type === 'generic';

type Hardware = Omit<Scenario, 'operations'>;

type Part = readonly [kind: NeedKind, isNeeded: boolean, text: () => string];

const toNeeds = (parts: readonly Part[]): Need[] =>
  parts.filter(([, isNeeded]) => isNeeded).map(([kind, , text]) => ({ kind, text: text() }));

/** What the machine, its host and its devices need and no hardware has. */
export const hardwareNeeds = (scenario: Hardware): readonly Need[] => [
  ...machineNeeds(scenario),
  ...hostNeeds(scenario),
  ...scenario.devices.flatMap((device) => deviceNeeds(device, scenario.machine.hostPageSize)),
];

function machineNeeds(scenario: Hardware): readonly Need[] {
  const { type, ram, hostPageSize, guestPageSize } = scenario.machine;
  const own = isCloudHypervisor(scenario);
  const pages = own ? [KIB_4] : PAGES[type];
  const block = RAM_BLOCK[type] ?? MIB;
  return toNeeds([
    ['machine-type', type === 'generic' && !own, () => 'a machine type that QEMU does not have'],
    [
      'architecture',
      !pages.includes(hostPageSize),
      () => `a host with pages of ${bytes(hostPageSize)} for ${type}`,
    ],
    [
      'architecture',
      !pages.includes(guestPageSize),
      () => `a guest with pages of ${bytes(guestPageSize)} on ${type}`,
    ],
    [
      'ram',
      ram < LEAST_RAM || !isAligned(ram, block),
      () => `RAM of ${hex(ram)} bytes, not a multiple of ${bytes(ram < LEAST_RAM ? LEAST_RAM : block)}`,
    ],
  ]);
}

function hostNeeds({ machine, host }: Hardware): readonly Need[] {
  const { type, pageSizes, apertures = [], maxMappings, maxWindows = USUAL_WINDOWS } = host.iommu;
  const smallest = pageSizes.reduce((least, size) => (size < least ? size : least));
  const last = apertures.at(-1)?.end;
  return toNeeds([
    [
      'architecture',
      machine.type === 'pseries' && (type === 'type1' || type === 'iommufd'),
      () => `a host of another architecture for pseries, with ${type}`,
    ],
    [
      'architecture',
      apertures[0]?.end === FIRST_RANGE_OF[isX86(machine.type) ? 'arm' : 'x86'],
      () =>
        `an IOMMU of another architecture for ${machine.type}, which reserves ${hex(apertures[0]!.end + 1n)}`,
    ],
    [
      'iommu',
      type.startsWith('spapr') && smallest > KIB_4,
      () => `an IOMMU of POWER with no page of 4 KiB, of which the guest's first DMA window is`,
    ],
    [
      'iommu',
      smallest > machine.hostPageSize,
      () =>
        `an IOMMU with no page below ${bytes(smallest)} on a host with pages of ${bytes(machine.hostPageSize)}`,
    ],
    [
      'iommu',
      apertures.length > 0 && (apertures[0]!.start !== 0n || last! < 0xffff_ffffn),
      () => `an IOMMU that translates ${hex(apertures[0]!.start)} to ${hex(last!)} only`,
    ],
    [
      'limit',
      maxMappings !== undefined && maxMappings < USUAL_MAPPINGS,
      () => `a limit of ${maxMappings} DMA mapping${maxMappings === 1 ? '' : 's'}`,
    ],
    ['limit', maxWindows > USUAL_WINDOWS, () => `a host bridge with ${maxWindows} DMA windows`],
    ...(host.faults ?? []).map(({ request, answer }): Part => [
      'fault',
      true,
      () => `a kernel that ${answer === 'never' ? 'never answers' : 'fails'} ${request}`,
    ]),
  ]);
}

/**
 * What the device needs and no hardware has.
 *
 * @param hostPage size of the host's page in bytes.
 */
export function deviceNeeds(device: DeviceSpec, hostPage: Size): readonly Need[] {
  return [
    ...device.bars.flatMap((bar) => barNeeds(device.id, bar, hostPage)),
    ...toNeeds([
      [
        'device',
        !hasConformingLayout(device),
        () => `${device.id} with an MSI-X capability that breaks the PCI specification`,
      ],
      [
        'device',
        ![undefined, 0n, device.rom?.size].includes(device.rom?.contents),
        () => `${device.id} with an expansion ROM of which the host shows a part`,
      ],
    ]),
  ];
}

const barNeeds = (id: string, { index, type, size, sparse = [] }: BarSpec, page: Size): readonly Need[] =>
  toNeeds([
    ['device', !isPowerOfTwo(size), () => `${id} with a BAR ${index} of ${bytes(size)}, no power of two`],
    [
      'device',
      isPowerOfTwo(size) && size < (type === 'io' ? 4n : 16n),
      () => `${id} with a BAR ${index} of ${bytes(size)}, less than the PCI specification allows`,
    ],
    [
      'device',
      !areKernelAreas(sparse, size, page),
      () => `${id} with sparse areas in BAR ${index} that no kernel driver offers`,
    ],
  ]);

/** Whether the areas are whole pages of the host inside the BAR, in rising order, without an overlap. */
function areKernelAreas(areas: readonly { offset: bigint; size: bigint }[], bar: Size, page: Size): boolean {
  let free = 0n;
  for (const { offset, size } of areas) {
    if (size === 0n || offset < free || !isAligned(offset, page) || !isAligned(size, page)) return false;
    free = offset + size;
  }
  return free <= bar;
}
