import { alignUp, powerOfTwoCeiling, type Size } from '../../address/index.ts';
import type {
  CpuSpec,
  DeviceSpec,
  IommuTypeName,
  MachineType,
  NamedHost,
  Operation,
  Relocation,
  Scenario,
} from '../../scenario/index.ts';
import { hostScenario } from '../limits/host-scenario.ts';
import { DEVICE_ID } from './device-spec.ts';

/** Under which circumstances a device is tried. */
export interface Circumstances {
  readonly host: NamedHost;
  readonly kernel: string;
  readonly iommu: IommuTypeName;
  /** The id of a revision. */
  readonly revision: string;
  readonly relocation: Relocation;
}

const GIB = 1n << 30n;
const TIB = 1n << 40n;

/** The first addresses for 64-bit and for 32-bit BARs that the firmware of the machine uses. */
const WINDOWS: Readonly<Record<MachineType, (cpu: CpuSpec) => readonly [wide: bigint, narrow: bigint]>> = {
  // OVMF and SeaBIOS put 64-bit BARs into the last eighth of what the CPU addresses.
  q35: ({ physBits }) => [(1n << BigInt(physBits)) - (1n << BigInt(physBits - 3)), 0xc000_0000n],
  pc: ({ physBits }) => [(1n << BigInt(physBits)) - (1n << BigInt(physBits - 3)), 0xc000_0000n],
  virt: () => [512n * GIB, 0x1000_0000n],
  pseries: () => [33n * TIB, 0x8000_0000n],
  generic: () => [512n * GIB, 0x1000_0000n],
};

/** A BAR that the guest has to place. */
export interface BarToPlace {
  readonly index: number;
  readonly size: Size;
  readonly is64: boolean;
}

/**
 * A machine that starts with the device; the guest places the BARs, as firmware does, and enables memory decoding.
 *
 * @param bars the memory BARs that the guest sees: relocation of the MSI-X table makes BARs larger, or new ones.
 */
export function scenarioFor(
  device: DeviceSpec,
  circumstances: Circumstances,
  bars: readonly BarToPlace[],
): Scenario {
  const { host, kernel, iommu, revision, relocation } = circumstances;
  const onHost = hostScenario(host, iommu);
  return {
    version: 1,
    machine: onHost.machine,
    revision,
    host: { ...onHost.host, kernel },
    devices: [
      { ...device, options: relocation === 'off' ? device.options : { 'x-msix-relocation': relocation } },
    ],
    operations: [
      ...placeBars(bars, WINDOWS[onHost.machine.type](host.cpu), host.hostPageSize),
      { op: 'enable-memory', device: DEVICE_ID },
    ],
  };
}

/** Largest first, each on a multiple of its size, and each on a page of its own. */
function placeBars(
  bars: readonly BarToPlace[],
  [wide, narrow]: readonly [bigint, bigint],
  page: Size,
): readonly Operation[] {
  const next = { wide, narrow };
  return bars
    .toSorted((a, b) => (a.size > b.size ? -1 : a.size < b.size ? 1 : a.index - b.index))
    .map((bar) => {
      const window = bar.is64 ? 'wide' : 'narrow';
      // A damaged text may show any size.
      const unit = bar.size > page ? powerOfTwoCeiling(bar.size) : page;
      const address = alignUp(next[window], unit);
      next[window] = address + unit;
      return { op: 'set-bar', device: DEVICE_ID, bar: bar.index, address };
    });
}
