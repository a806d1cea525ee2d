import type { DeviceSpec, Operation } from '../src/scenario/index.ts';
import type { Choose } from './choose.ts';

/** How many of a hundred scenarios put a device to sleep near their end. */
const SHARE = 8;

/** A device is put into D3hot, and in half of the cases woken up again: what a driver does to an idle device. */
export function choosePowerStates(choose: Choose, devices: readonly DeviceSpec[]): readonly Operation[] {
  if (devices.length === 0 || !choose.chance(SHARE)) return [];
  const device = choose.among(devices).id;
  const asleep: Operation = { op: 'set-power-state', device, state: 'D3hot' };
  return choose.chance(50) ? [asleep] : [asleep, { op: 'set-power-state', device, state: 'D0' }];
}
