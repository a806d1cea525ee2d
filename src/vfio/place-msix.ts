import type { MsixLayout } from '../pci-layout/index.ts';
import type { DeviceEnvironment } from './device-environment.ts';
import { DeviceRefused, MsixRefused, VmmAbort } from './failure.ts';
import type { HostDevice } from './host-device.ts';
import { fixUpMsixAreas, setUpMsixEarly } from './msix-early-setup.ts';
import { relocateMsix, type MsixRelocation } from './msix-relocation.ts';
import type { VfioRegion } from './vfio-region.ts';

/**
 * Finds the place of table and PBA and takes the table's pages out of the mmap areas (vfio fact 5.5, step 2).
 *
 * @returns the place after relocation; `undefined` for a device without MSI-X.
 * @throws MsixRefused where early set-up or relocation refuses the device.
 * @throws VmmAbort where relocation crashes.
 */
export function placeMsix(
  host: HostDevice,
  regions: readonly VfioRegion[],
  msixRelocation: MsixRelocation,
  environment: DeviceEnvironment,
): MsixLayout | undefined {
  try {
    return findMsix(host, regions, msixRelocation, environment);
  } catch (error) {
    throw error instanceof DeviceRefused ? new MsixRefused(error.message) : error;
  }
}

function findMsix(
  host: HostDevice,
  regions: readonly VfioRegion[],
  msixRelocation: MsixRelocation,
  environment: DeviceEnvironment,
): MsixLayout | undefined {
  const { rules } = environment;
  const relocation = rules.relocation ? msixRelocation : 'off';
  const isRelocating = relocation !== 'off';
  const found = setUpMsixEarly(host, regions, rules, isRelocating);
  if (found === undefined) {
    if (isRelocating && rules.relocationWithoutMsix === 'crash') {
      const message = 'relocation looks for an MSI-X capability that is not there';
      throw new VmmAbort('relocation-without-msix', message);
    }
    return undefined;
  }
  if (rules.fixUp === 'before-relocation') fixUpMsixAreas(regions, found, environment);
  const layout = relocateMsix(relocation, host, regions, found, environment);
  if (rules.fixUp === 'after-relocation') fixUpMsixAreas(regions, layout, environment);
  return layout;
}
