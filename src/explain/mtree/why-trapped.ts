import type { ViewRange } from '../../model/index.ts';
import { bytes } from '../../report/index.ts';
import type { NamedHost } from '../../scenario/index.ts';

/** The name of a region of a passed-through device: `0000:01:00.0 BAR 2 mmaps[0]`. */
const VFIO_REGION = /^(.+?) (base )?BAR (\d)(?: mmaps\[\d+\])?$/;

/** Whether the range belongs to a passed-through device, or lies on top of one. */
export const isOfVfioDevice = ({ name, type }: ViewRange): boolean =>
  type === 'ramd' || VFIO_REGION.test(name) || name.startsWith('msix-') || /^vfio/i.test(name);

/** Whether the view has a passed-through device: an emulated device has an MSI-X table of the same name. */
export const hasVfioDevice = (ranges: readonly ViewRange[]): boolean =>
  ranges.some(({ name, type }) => type === 'ramd' || VFIO_REGION.test(name) || /^vfio/i.test(name));

/**
 * Why accesses to a range exit to QEMU.
 *
 * @param refused whether KVM refused the slot.
 */
export function whyTrapped(
  ranges: readonly ViewRange[],
  index: number,
  { hostPageSize }: NamedHost,
  refused: boolean,
): string | undefined {
  const range = ranges[index]!;
  const page = bytes(hostPageSize);
  if (refused)
    return 'KVM refuses the slot (address above the width of the CPU, or more than 32764 slots): QEMU ends';
  if (range.type === 'ram' || range.type === 'rom' || range.type === 'ramd' || range.type === 'romd') {
    const neighbours = [ranges[index - 1], ranges[index + 1]]
      .filter((other) => other !== undefined)
      .filter((other) => other.end === range.start || other.start === range.end)
      .filter(({ type }) => type !== range.type)
      .map(({ name }) => `"${name}"`);
    const beside = neighbours.length > 0 ? ` beside ${neighbours.join(' and ')}` : '';
    return `a memslot has whole pages of ${page}, and the rest of a page${beside} is not whole`;
  }
  if (range.name === 'msix-table')
    return 'the MSI-X table: QEMU emulates it, because the guest must not write real vectors';
  if (range.name === 'msix-pba' || range.name === 'VFIO MSIX PBA')
    return 'the pending bits (PBA) of MSI-X, which QEMU emulates';
  if (/quirk/i.test(range.name)) return 'a quirk of QEMU for this kind of device';
  const match = VFIO_REGION.exec(range.name);
  if (match === null) return undefined;
  return match[2] === undefined
    ? 'the BAR without an mmap here: the kernel allows none (MSI-X before Linux 4.16, a BAR smaller than a page, sparse areas), the mmap failed, or x-no-mmap is set'
    : 'the wrapper of the BAR, which returns 0: behind the end of the device’s BAR, or made larger by x-msix-relocation';
}
