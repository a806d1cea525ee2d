import { LARGEST_PAGE, type Scenario } from '../scenario/index.ts';

/** The regions of firmware below 1 MiB, which BARs may lie over. */
const FIRMWARE = { start: 0xc_0000n, end: 0x10_0000n } as const;

/**
 * Whether the memory map would show that a device is behind a bridge instead of on the root bus. On q35 a BAR over
 * the firmware's regions below 1 MiB shows the bridge. Behind a bridge, not the BAR but the bridge's window is the
 * neighbour of these regions. QEMU has added the window later, so the window hides them at any priority of the BAR.
 */
export function showsBridge({ machine, devices, operations }: Scenario): boolean {
  if (machine.type !== 'q35') return false;
  // Between the two writes of a 64-bit BAR, the BAR lies at its new low half and its old high half.
  return operations.some((operation) => {
    if (operation.op !== 'set-bar' && operation.op !== 'set-rom') return false;
    const device = devices.find(({ id }) => id === operation.device);
    const bar =
      operation.op === 'set-rom'
        ? device?.rom
        : device?.bars.find(({ index, type }) => index === operation.bar && type !== 'io');
    if (bar === undefined) return false;
    const start = BigInt.asUintN(32, operation.address);
    // QEMU may grow a BAR below the page size to a page.
    const end = start + (bar.size > LARGEST_PAGE ? bar.size : LARGEST_PAGE);
    // A PC does not map a BAR at address 0.
    return start > 0n && start < FIRMWARE.end && end > FIRMWARE.start;
  });
}
