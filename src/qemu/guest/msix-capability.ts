import {
  MSIX_CAPABILITY_ID,
  MsixControl,
  MsixRegister,
  PciRegister,
  splitLocator,
  type AccessWidth,
  type MsixLayout,
} from '../../pci-layout/index.ts';
import type { QtestClient } from '../process/qtest-client.ts';
import { runCycles, type ConfigAccess, type ConfigRegister } from './config-access.ts';

/** The MSI-X capability of a device, as the guest reads it. */
export interface FoundMsix {
  /** Offset of the capability in configuration space. */
  readonly position: number;
  readonly layout: MsixLayout;
}

/** Capabilities lie behind the header, on dwords: there are at most 48. */
const FIRST_CAPABILITY = 0x40;
const MAX_CAPABILITIES = 48;

/** Looks for the MSI-X capability of the function at `place`. */
export async function findMsix(
  qtest: QtestClient,
  config: ConfigAccess,
  place: Omit<ConfigRegister, 'register'>,
): Promise<FoundMsix | undefined> {
  const read = (register: number, width: AccessWidth) => config.read({ ...place, register }, width);
  let [position] = await runCycles(qtest, [read(PciRegister.CAPABILITY_POINTER, 1)]);
  // The limit ends a list that a device has made circular.
  for (let count = 0; count < MAX_CAPABILITIES && position! >= FIRST_CAPABILITY; count++) {
    const [header, table, pba] = await runCycles(qtest, [
      read(position!, 4),
      read(position! + MsixRegister.TABLE, 4),
      read(position! + MsixRegister.PBA, 4),
    ]);
    if ((header! & 0xff) === MSIX_CAPABILITY_ID) {
      const { bir: tableBar, offset: tableOffset } = splitLocator(table!);
      const { bir: pbaBar, offset: pbaOffset } = splitLocator(pba!);
      const vectors = ((header! >>> 16) & MsixControl.TABLE_SIZE) + 1;
      return { position: position!, layout: { vectors, tableBar, tableOffset, pbaBar, pbaOffset } };
    }
    position = (header! >>> 8) & 0xfc;
  }
  return undefined;
}
