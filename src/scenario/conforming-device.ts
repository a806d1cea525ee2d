import { isPowerOfTwo, offset, overlaps, type Range } from '../address/index.ts';
import { BAR_COUNT, MSIX_MAX_VECTORS, msixPbaRange, msixTableRange } from '../pci-layout/index.ts';
import type { BarSpec, DeviceSpec, MsixSpec } from './scenario.ts';

/** Devices whose capability names a PBA offset outside the BAR, with the real offset (vfio fact 5.7). */
const WRONG_PBA: readonly { vendor: number; mask: number; device: number; pbaOffset: bigint }[] = [
  // Chelsio T5, virtual functions: 0x8000 in a BAR of 8 KiB.
  { vendor: 0x1425, mask: 0xff00, device: 0x5800, pbaOffset: 0x1000n },
  // Baidu Kunlun, virtual functions: 0x460000 in a BAR of 64 KiB.
  { vendor: 0x1d22, mask: 0xffff, device: 0x3685, pbaOffset: 0xb400n },
];

/**
 * Whether a VMM has no reason to refuse the device. The device obeys PCI 3.0 sections 6.2.5.1 and 6.8.2, apart
 * from errata that QEMU corrects, and the user sets no relocation.
 */
export function isConforming(spec: DeviceSpec): boolean {
  const { bars, options } = spec;
  if ((options['x-msix-relocation'] ?? 'off') !== 'off') return false;
  // Sparse areas of a vendor driver or a vfio-user server may contradict the specification.
  if (!bars.every(({ size, sparse }) => isPowerOfTwo(size) && sparse === undefined)) return false;
  return hasConformingLayout(spec);
}

const LARGEST_32_BIT_TARGET = 1n << 30n;

/**
 * Whether `x-msix-relocation` names a BAR that can take table and PBA, and nothing but the place of the PBA in the device
 * could make a VMM refuse the device (vfio fact 5.10).
 */
export function isPutRightByRelocation({ bars, msix, options }: DeviceSpec): boolean {
  const target = options['x-msix-relocation'] ?? 'off';
  if (msix === undefined || target === 'off' || target === 'auto') return false;
  // The host's kernel reads the table where the device has it, and never the PBA.
  const { vectors, tableBar, tableOffset, pbaBar } = msix;
  const table = bars.find((bar) => bar.index === tableBar && bar.type !== 'io');
  if (table === undefined || tableOffset % 8n !== 0n || msixTableRange(msix).end > table.size) return false;
  if (vectors < 1 || vectors > MSIX_MAX_VECTORS || pbaBar >= BAR_COUNT) return false;
  if (!bars.every(({ size, sparse }) => isPowerOfTwo(size) && sparse === undefined)) return false;
  const index = Number(target.slice('bar'.length));
  const bar = bars.find((other) => other.index === index);
  if (bar === undefined)
    return !bars.some((other) => other.index === index - 1 && other.type.startsWith('mem64'));
  return bar.type.startsWith('mem64') || (bar.type !== 'io' && bar.size <= LARGEST_32_BIT_TARGET);
}

/** Whether the MSI-X capability, if there is one, obeys PCI 3.0 section 6.8.2, apart from errata that QEMU corrects. */
export const hasConformingLayout = (spec: DeviceSpec): boolean =>
  spec.msix === undefined || isConformingLayout(spec.msix, spec.bars, truePbaOffset(spec, spec.msix));

function isConformingLayout(msix: MsixSpec, bars: readonly BarSpec[], pbaOffset: bigint): boolean {
  const { vectors, tableBar, tableOffset, pbaBar } = msix;
  if (vectors < 1 || vectors > MSIX_MAX_VECTORS || tableOffset % 8n !== 0n || pbaOffset % 8n !== 0n)
    return false;
  const table = msixTableRange(msix);
  const pba = msixPbaRange({ pbaOffset: offset(pbaOffset), vectors });
  const isInside = ({ end }: Range, index: number): boolean =>
    bars.some((bar) => bar.index === index && bar.type !== 'io' && end <= bar.size);
  if (!isInside(table, tableBar) || !isInside(pba, pbaBar)) return false;
  return tableBar !== pbaBar || !overlaps(table, pba);
}

/** The PBA offset of the capability, or the real one of a device with the erratum. */
function truePbaOffset({ vendor, device, bars }: DeviceSpec, { pbaBar, pbaOffset }: MsixSpec): bigint {
  const bar = bars.find(({ index }) => index === pbaBar);
  if (bar !== undefined && pbaOffset < bar.size) return pbaOffset;
  const erratum = WRONG_PBA.find(
    (entry) => entry.vendor === vendor && entry.device === (device & entry.mask),
  );
  return erratum?.pbaOffset ?? pbaOffset;
}
