import type { Scenario } from '../../scenario/index.ts';

const MEBIBYTE = 1n << 20n;

/**
 * Whether it would show that a device is behind a bridge and not on the root bus. On q35 it does where a
 * BAR lies over the firmware's regions below 1 MiB, for these are the window's neighbours and not the BAR's:
 * the window, which is newer, hides them, whatever the BAR's own priority.
 */
export function showsBridge({ machine, devices, operations }: Scenario): boolean {
  if (machine.type !== 'q35') return false;
  // Between the two writes of a 64-bit address its low half is there with the old high half.
  return operations.some((operation) => {
    if (operation.op !== 'set-bar' || BigInt.asUintN(32, operation.address) >= MEBIBYTE) return false;
    const device = devices.find(({ id }) => id === operation.device);
    return device?.bars.find(({ index }) => index === operation.bar)?.type !== 'io';
  });
}
