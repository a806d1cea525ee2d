import { END_OF_SPACE, isPowerOfTwo } from '../../address/index.ts';
import { MSIX_MAX_VECTORS } from '../../pci-layout/index.ts';
import { fullLayout, type PastedBar, type PastedDevice } from '../lspci/pasted-device.ts';

/** What a text leaves open, each as the object of "this text does not show …"; empty if a scenario can be made. */
export function missingFacts(device: PastedDevice): readonly string[] {
  return [...missingOfBars(device), ...missingOfMsix(device)];
}

/** Whether the host gave the BAR no address, so that lspci prints no size. */
export const isUnassigned = ({ marks }: PastedBar): boolean =>
  marks.some((mark) => mark === 'unassigned' || mark === 'ignored');

/**
 * Whether the device can be tried: it has a memory BAR, and all that the text leaves open of its BARs is of those that
 * the host gave no address, or of I/O BARs, which change nothing for the others.
 */
export function isTriable(device: PastedDevice): boolean {
  const bars = device.bars.filter(
    (bar) => bar.size !== undefined || !(isUnassigned(bar) || bar.space === 'io'),
  );
  return bars.some(({ space }) => space === 'memory') && missingOfBars({ ...device, bars }).length === 0;
}

/** What is needed to know the size and type of every BAR. */
export function missingOfBars({ bars, msix, capabilities }: PastedDevice): readonly string[] {
  if (bars.length === 0) {
    // A device may have no BAR at all; then lspci shows its capabilities and no region.
    const mayHaveNone = capabilities !== 'absent' && msix === undefined;
    return mayHaveNone ? [] : ["the device's BARs: `lspci -vv` prints a line `Region N: …` for each"];
  }
  const missing: string[] = [];
  const open = bars.filter(
    (bar) => bar.size === undefined && bar.width !== undefined && !(bar.space === 'io' && isUnassigned(bar)),
  );
  if (open.length > 0) {
    const they = open.length === 1 ? 'its line has no [size=…]' : 'their lines have no [size=…]';
    missing.push(
      `the size of ${open.map(barName).join(', ')}: ${they}; the file \`resource\` of the device in /sys/bus/pci/devices has the sizes`,
    );
  }
  const impossible = bars.filter(({ size }) => size !== undefined && !isBarSize(size));
  if (impossible.length > 0)
    missing.push(
      `the true size of ${impossible.map(barName).join(', ')}: the text is damaged, for the size of a BAR is a power of two below 2^64`,
    );
  const untyped = bars.filter(({ width }) => width === undefined);
  if (untyped.length > 0)
    missing.push(
      `the width of ${untyped.map(barName).join(', ')}: "type 3" is reserved in PCI, so the register was not read from a working device`,
    );
  const beyond = bars.filter(({ index }) => index === undefined);
  if (beyond.length > 0) missing.push('which BAR is which: the text has more of them than a device can have');
  return missing;
}

/** What is needed to know whether the device has MSI-X, and where table and PBA lie. */
export function missingOfMsix({ msix, capabilities, isBridge }: PastedDevice): readonly string[] {
  if (isBridge) return [];
  if (msix !== undefined) {
    const missing: string[] = [];
    if (msix.vectors !== undefined && (msix.vectors < 1 || msix.vectors > MSIX_MAX_VECTORS))
      return [
        `the true number of MSI-X vectors: ${msix.vectors} is not possible, for a table has 1 to ${MSIX_MAX_VECTORS} entries`,
      ];
    if (fullLayout(msix) !== undefined) return missing;
    if (msix.vectors === undefined) missing.push('the number of MSI-X vectors (`Count=`)');
    if (msix.table === undefined && msix.pba === undefined)
      missing.push('where the MSI-X table and the PBA lie: `lspci -vv`, run as root, prints it');
    else if (msix.table === undefined)
      missing.push('where the MSI-X table lies (`Vector table: BAR=… offset=…`)');
    else if (msix.pba === undefined) missing.push('where the PBA lies (`PBA: BAR=… offset=…`)');
    return missing;
  }
  if (capabilities === 'denied')
    return [
      'the capabilities (`<access denied>`), so neither whether the device has MSI-X nor where the table lies: run lspci as root',
    ];
  if (capabilities === 'absent')
    return [
      'the capabilities, so neither whether the device has MSI-X nor where the table lies: `lspci -vv`, run as root, prints them',
    ];
  return [];
}

/** BARs have powers of two (PCI 3.0 section 6.2.5.1). */
const isBarSize = (size: bigint): boolean => size < END_OF_SPACE && isPowerOfTwo(size);

const barName = ({ index }: PastedBar): string => (index === undefined ? 'a BAR' : `BAR ${index}`);
