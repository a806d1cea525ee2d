import { hex, overlaps, type Range } from '../address/index.ts';
import { pciWindows, slotName, type MachineType } from '../scenario/index.ts';
import type { Trace } from '../trace/index.ts';

/** A BAR that has an address and that the guest's CPU does not see. */
export interface UnseenBar extends Range {
  readonly device: string;
  readonly bar: number;
  /** Whether no PCI window of the machine reaches the address; else RAM or another region lies over the BAR. */
  readonly isOutsideWindows: boolean;
}

/** The machines that show BARs in windows only; the others show all PCI addresses that nothing else has. */
const WITH_WINDOWS: readonly MachineType[] = ['virt', 'pseries'];

/** The memory BARs that have a bus address after the last step and of which no byte is in the flat view. */
export function unseenBars({ scenario, steps }: Trace): readonly UnseenBar[] {
  const { devices, flatView } = steps.at(-1)!.state;
  const { low, high } = pciWindows(scenario);
  const isInWindow = (range: Range): boolean =>
    !WITH_WINDOWS.includes(scenario.machine.type) ||
    overlaps(range, low) ||
    (high !== undefined && overlaps(range, high));
  return devices.flatMap(({ id, bars, msix }) =>
    bars.flatMap(({ index, type, size, address, layers }): UnseenBar[] => {
      if (address === undefined || type === 'io') return [];
      // A BAR that the emulated table fills shows nothing of its own.
      if (msix?.emulatedAt?.bar === index) return [];
      const names = new Set(layers.map(({ region }) => region));
      if (flatView.some(({ region: { owner, name } }) => owner === id && names.has(name))) return [];
      const range = { start: address, end: address + size };
      return [{ device: id, bar: index, ...range, isOutsideWindows: !isInWindow(range) }];
    }),
  );
}

/** One line for each of these BARs. */
export const unseenBarLines = (trace: Trace): string[] =>
  unseenBars(trace).map(({ device, bar, start, end, isOutsideWindows }) => {
    const reason = isOutsideWindows
      ? 'it lies outside every PCI window of the machine'
      : 'other regions lie over it';
    return `the CPU sees nothing of ${device} ${slotName(bar)} at [${hex(start)}, ${hex(end - 1n)}]: ${reason}`;
  });
