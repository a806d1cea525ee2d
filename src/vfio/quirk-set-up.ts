import { MemoryRegion } from '../memory/index.ts';
import type { DeviceEnvironment } from './device-environment.ts';
import { VmmAbort } from './failure.ts';
import type { HostDevice } from './host-device.ts';
import type { Quirk } from './quirks.ts';
import type { VfioRegion } from './vfio-region.ts';

/** A quirk with its region, and the BAR in which it lies. */
export interface PlacedQuirk extends Quirk {
  readonly bar: number;
  readonly region: string;
}

/**
 * Puts the quirks of a BAR over it, with priority 1 (vfio_bar_quirk_setup).
 *
 * @param owner id of the device.
 * @throws VmmAbort for a quirk over a BAR that the device does not have.
 */
export function placeQuirks(
  owner: string,
  host: HostDevice,
  { index, bar, regionSize: size, attributes }: VfioRegion,
  { rules, bus }: DeviceEnvironment,
): readonly PlacedQuirk[] {
  const { name, vendor, isVga, configSize } = host;
  return rules.quirks({ vendor, isVga, configSize, bar: index, size, attributes }).map((quirk) => {
    if (bar === undefined)
      throw new VmmAbort('quirk-segfault', `${quirk.name}: the device has no BAR ${index}`);
    const region = MemoryRegion.io(`${name} ${quirk.name}`, quirk.size, { owner });
    bus.topology.addSubregion(bar, region, quirk.offset, 1);
    return { ...quirk, bar: index, region: region.name };
  });
}
