import { contains, type Range } from '../address/index.ts';
import type { MachineType, Scenario } from '../scenario/index.ts';
import type { BarState, DeviceState, TraceRange } from '../trace/index.ts';
import { startInBar } from './bar-bytes.ts';

const GIB = 1n << 30n;
const TIB = 1n << 40n;

/** A part of the PCI bus that a host bridge shows in system memory. */
interface Window {
  /** First bus address. */
  readonly start: bigint;
  /** One past the last bus address. */
  readonly end: bigint;
  /** The address in system memory that shows `start`. */
  readonly shownAt: bigint;
}

/** The windows of host bridges that do not show every bus address at the same address of system memory. */
const WINDOWS: Readonly<Partial<Record<MachineType, readonly Window[]>>> = {
  // The bridge of pseries (machine fact 11.3).
  pseries: [
    { start: 2n * GIB, end: 4n * GIB, shownAt: 32n * TIB + 2n * GIB },
    { start: 33n * TIB, end: 34n * TIB, shownAt: 33n * TIB },
  ],
};

/**
 * The address in system memory at which the BAR begins: its bus address, as the machine's host bridge shows it. It is
 * not taken from the flat view, from which the model takes the address of an access.
 *
 * @returns `undefined` for a BAR that is not mapped, or that lies in I/O space or outside of the bridge's windows.
 */
export function startOfBar({ type, address }: BarState, { machine }: Scenario): bigint | undefined {
  if (address === undefined || type === 'io') return undefined;
  const windows = WINDOWS[machine.type];
  if (windows === undefined) return address;
  const window = windows.find(({ start, end }) => start <= address && address < end);
  return window && address - window.start + window.shownAt;
}

/** Where the host bridge of virt shows the ports in system memory (machine fact 11.2). */
const PORTS_OF_VIRT = 0x3eff_0000n;

/** Whether a range of system memory shows ports of a BAR of the device: virt has no other way to reach ports. */
export const showsPorts = (
  range: Range,
  { bars }: DeviceState,
  { machine }: Pick<Scenario, 'machine'>,
): boolean =>
  machine.type === 'virt' &&
  bars.some(({ type, address, size }) => {
    if (type !== 'io' || address === undefined) return false;
    const start = PORTS_OF_VIRT + address;
    return contains({ start, end: start + size }, range);
  });

/** Whether the flat view shows a byte of the BAR. */
export const isShown = (bar: BarState, { id }: DeviceState, flatView: readonly TraceRange[]): boolean =>
  flatView.some(({ region }) => region.owner === id && startInBar(bar, region.name) !== undefined);
