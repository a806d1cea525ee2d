import { alignDown, alignUp, type Range, type Size } from '../../address/index.ts';
import { BAR_COUNT, MSIX_MAX_VECTORS, msixPbaSize, msixTableSize } from '../../pci-layout/index.ts';
import type { MsixPlace, PastedDevice } from '../lspci/pasted-device.ts';

/** The bytes of the table or of the PBA, and the whole pages that contain one of them. */
export interface SpoiledPages {
  readonly what: 'table' | 'PBA';
  readonly bar: number;
  /** Offsets in the BAR. */
  readonly bytes: Range;
  /** Offsets in the BAR for each size of page. */
  readonly pages: readonly { readonly hostPageSize: Size; readonly range: Range }[];
  /** Why the place is not possible, if it is not. */
  readonly fault: string | undefined;
}

/** Where table and PBA lie, and which host pages they share with registers of the device. */
export function spoiledPages(device: PastedDevice, pageSizes: readonly Size[]): readonly SpoiledPages[] {
  const { msix } = device;
  if (msix?.vectors === undefined || msix.vectors < 1 || msix.vectors > MSIX_MAX_VECTORS) return [];
  const { vectors, table, pba } = msix;
  const places = [
    { what: 'table', place: table, size: msixTableSize(vectors) },
    { what: 'PBA', place: pba, size: msixPbaSize(vectors) },
  ] as const;
  return places.flatMap(({ what, place, size }) => {
    if (place === undefined) return [];
    const bytes = { start: place.offset, end: place.offset + size };
    return [
      {
        what,
        bar: place.bar,
        bytes,
        pages: pageSizes.map((hostPageSize) => ({
          hostPageSize,
          range: { start: alignDown(bytes.start, hostPageSize), end: alignUp(bytes.end, hostPageSize) },
        })),
        fault: faultOf(device, place, bytes),
      },
    ];
  });
}

/** What PCI says of the place (PCI 3.0 section 6.8.2). */
function faultOf({ bars }: PastedDevice, { bar: index }: MsixPlace, { end }: Range): string | undefined {
  if (index >= BAR_COUNT) return `BIR ${index} is reserved: no BAR has this number`;
  const bar = bars.find((other) => other.index === index);
  if (bar === undefined) return bars.length === 0 ? undefined : `the text shows no BAR ${index}`;
  if (bar.space === 'io') return `BAR ${index} is an I/O BAR`;
  if (bar.size !== undefined && end > bar.size) return `the end lies beyond BAR ${index}`;
  return undefined;
}
