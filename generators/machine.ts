import { MACHINE_TYPES, type MachineSpec, type MachineType } from '../src/scenario/index.ts';
import type { Choose } from './choose.ts';

const [KIB_4, KIB_16, KIB_64] = [0x1000n, 0x4000n, 0x1_0000n];
const MIB = 1n << 20n;
const GIB = 1n << 30n;

type Weights = readonly (readonly [weight: number, size: bigint])[];

/** Host page sizes by machine type. Most hosts have the guest's architecture; a guest under emulation may not. */
const HOST_PAGES: Record<MachineType, Weights> = {
  pc: [
    [7, KIB_4],
    [1, KIB_16],
    [2, KIB_64],
  ],
  q35: [
    [7, KIB_4],
    [1, KIB_16],
    [2, KIB_64],
  ],
  virt: [
    [3, KIB_4],
    [2, KIB_16],
    [5, KIB_64],
  ],
  pseries: [
    [3, KIB_4],
    [7, KIB_64],
  ],
  generic: [
    [4, KIB_4],
    [2, KIB_16],
    [4, KIB_64],
  ],
};

const RAM: readonly bigint[] = [256n * MIB, 512n * MIB, GIB, 2n * GIB, 3n * GIB, 4n * GIB, 6n * GIB];

const TYPES: readonly (readonly [weight: number, type: MachineType])[] = [
  [2, 'generic'],
  [2, 'q35'],
  [1, 'pc'],
  [3, 'virt'],
  [2, 'pseries'],
];

/** A machine of one of `types`: RAM, host page size, guest page size, and MSI-X emulation on, off or by default. */
export function chooseMachine(choose: Choose, types: readonly MachineType[] = MACHINE_TYPES): MachineSpec {
  const type = choose.weighted(...TYPES.filter(([, candidate]) => types.includes(candidate)));
  const hostPageSize = choose.weighted(...HOST_PAGES[type]);
  return {
    type,
    msixEmulation: choose.weighted([8, 'machine-default'], [1, 'on'], [1, 'off']),
    // The size of RAM is a multiple of the host page, and not always of a larger page of the IOMMU.
    ram: choose.among(RAM) - (choose.chance(10) ? hostPageSize * BigInt(choose.integer(1, 40)) : 0n),
    hostPageSize,
    guestPageSize: choose.weighted([6, KIB_4], [1, KIB_16], [3, KIB_64]),
  };
}
