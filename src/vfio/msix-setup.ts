import { MemoryRegion } from '../memory/index.ts';
import { checkMsixLayout, type PciFunction } from '../pci/index.ts';
import {
  MSIX_CAPABILITY_ID,
  MsixRegister,
  PciRegister,
  locator,
  msixPbaSize,
  msixTableSize,
  type AccessWidth,
  type MsixLayout,
} from '../pci-layout/index.ts';
import type { DeviceEnvironment } from './device-environment.ts';
import type { MsixExposure } from './device-rules.ts';
import { DeviceRefused, VmmAbort } from './failure.ts';
import type { VfioRegion } from './vfio-region.ts';

/** Offset in configuration space of the MSI-X capability, the only one of a modelled device. */
const MSIX_POSITION = 0x40;
/** Offset of the capability's message control word. */
export const MSIX_CONTROL = MSIX_POSITION + MsixRegister.CONTROL;
const END_OF_CONFIG_SPACE = 0x100;

/**
 * The message control word after a write to configuration space, which may reach one of its bytes.
 *
 * @param at the register that is written.
 */
export function controlAfterWrite(control: number, at: number, width: AccessWidth, value: number): number {
  let after = control;
  for (const [byte, mask] of [
    [0, 0x00ff],
    [1, 0xff00],
  ] as const) {
    const place = MSIX_CONTROL + byte - at;
    if (place < 0 || place >= width) continue;
    after = (after & ~mask) | (((value >>> (8 * place)) << (8 * byte)) & mask);
  }
  return after;
}

/**
 * Makes the regions of the emulated table and PBA (vfio_msix_setup and msix_init, vfio facts 5.11, 5.12 and
 * 5.14). A device without emulation gets none.
 *
 * @param owner id of the device.
 * @param layout where the regions lie, which may differ from the capability.
 * @returns the region of the table; `undefined` where the guest reaches none.
 * @throws DeviceRefused for a layout that msix_init refuses.
 * @throws VmmAbort where msix_init crashes.
 */
export function addMsixRegions(
  owner: string,
  environment: DeviceEnvironment,
  regions: readonly VfioRegion[],
  layout: MsixLayout,
  exposure: MsixExposure,
): MemoryRegion | undefined {
  if (exposure.kind === 'not-added' || exposure.kind === 'capability-rewritten') return undefined;
  const { rules, bus, vfioUser, hostPageSize } = environment;
  const { topology } = bus;
  const tableRegion = regions[layout.tableBar];
  const pbaRegion = regions[layout.pbaBar];
  if (tableRegion?.base === undefined || pbaRegion?.base === undefined) {
    throw new VmmAbort('msix-init-segfault', 'MSI-X table or PBA in a BAR that does not exist');
  }
  const tableParent = rules.msixParent(tableRegion);
  const pbaParent = rules.msixParent(pbaRegion);
  const refusal = checkMsixLayout(layout, tableParent?.size ?? 0n, pbaParent?.size ?? 0n);
  if (refusal !== undefined) {
    const id = MSIX_CAPABILITY_ID.toString(16);
    const space = (END_OF_CONFIG_SPACE - MSIX_POSITION).toString(16);
    const capability = `0x${id}[0x${space}]@0x${MSIX_POSITION.toString(16)}`;
    throw new DeviceRefused(`failed to add PCI capability ${capability}: ${refusal}`);
  }
  // A layout that passes the check by wrapping around adds to a list of subregions that was never made.
  if (tableParent === undefined || pbaParent === undefined) {
    throw new VmmAbort('msix-init-segfault', 'MSI-X table or PBA in a region that was never initialised');
  }
  const pbaSize = rules.emulatedPbaSize(msixPbaSize(layout.vectors), hostPageSize);
  const tableSize = rules.emulatedTableSize(msixTableSize(layout.vectors), hostPageSize);
  const table = MemoryRegion.io('msix-table', tableSize, { owner });
  const pba = MemoryRegion.io('msix-pba', pbaSize, { owner });
  topology.addSubregion(tableParent, table, layout.tableOffset, rules.msixPriority);
  topology.addSubregion(pbaParent, pba, layout.pbaOffset, rules.msixPriority);
  if (!rules.showsPba) topology.setEnabled(pba, false);
  if (exposure.kind === 'table-disabled') topology.setEnabled(table, false);
  if (vfioUser) {
    const trapped = MemoryRegion.io('VFIO MSIX PBA', pbaSize, { owner });
    topology.addSubregion(pbaRegion.base, trapped, layout.pbaOffset, 1);
  }
  return exposure.kind === 'emulated' ? table : undefined;
}

/** Writes the MSI-X capability into configuration space, with the offsets and BIRs of `layout`. */
export function writeMsixCapability(
  { config }: PciFunction,
  { tableBar, tableOffset, pbaBar, pbaOffset }: MsixLayout,
): void {
  config.set(PciRegister.CAPABILITY_POINTER, 1, MSIX_POSITION);
  config.set(MSIX_POSITION, 1, MSIX_CAPABILITY_ID);
  config.set(MSIX_POSITION + MsixRegister.TABLE, 4, locator(tableBar, tableOffset));
  config.set(MSIX_POSITION + MsixRegister.PBA, 4, locator(pbaBar, pbaOffset));
}
