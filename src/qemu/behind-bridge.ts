import { LARGEST_PAGE, type Scenario } from '../scenario/index.ts';

/** Where firmware's regions are side by side with BARs. */
const FIRMWARE = { start: 0xc_0000n, end: 0x10_0000n } as const;

/**
 * Whether it would show that a device is behind a bridge and not on the root bus. On q35 it does where a
 * BAR lies over the firmware's regions below 1 MiB, for these are the window's neighbours and not the BAR's:
 * the window, which is newer, hides them, whatever the BAR's own priority.
 */
export function showsBridge({ machine, devices, operations }: Scenario): boolean {
  if (machine.type !== 'q35') return false;
  // Between the two writes of a 64-bit address its low half is there with the old high half.
  return operations.some((operation) => {
    if (operation.op !== 'set-bar') return false;
    const device = devices.find(({ id }) => id === operation.device);
    const bar = device?.bars.find(({ index }) => index === operation.bar);
    if (bar === undefined || bar.type === 'io') return false;
    const start = BigInt.asUintN(32, operation.address);
    // A BAR below the page size may grow to a page.
    const end = start + (bar.size > LARGEST_PAGE ? bar.size : LARGEST_PAGE);
    // Address 0 is none on a PC.
    return start > 0n && start < FIRMWARE.end && end > FIRMWARE.start;
  });
}
