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

/** How many of a hundred scenarios give a BAR another size near their end. */
const RESIZING_SHARE = 3;

/** Another size for a memory BAR of 1 MiB or more, as a driver of a graphics card asks for. */
export function chooseResizedBar(choose: Choose, devices: readonly DeviceSpec[]): readonly Operation[] {
  if (!choose.chance(RESIZING_SHARE)) return [];
  const large = devices.flatMap(({ id, bars }) =>
    bars
      .filter(({ type, size }) => type !== 'io' && size >= 1n << 20n)
      .map(({ index, size }) => ({ device: id, bar: index, size: size * 2n })),
  );
  return large.length === 0 ? [] : [{ op: 'resize-bar', ...choose.among(large) }];
}
