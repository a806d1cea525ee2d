import { offset, overlaps, type Range } from '../../address/index.ts';
import { MSIX_MAX_VECTORS, msixPbaSize, msixTableSize, type MsixLayout } from '../../pci-layout/index.ts';
import { fullLayout, type MsixPlace, type PastedBar, type PastedDevice } from '../lspci/pasted-device.ts';
import { missingOfMsix } from './missing-facts.ts';

/** Where the MSI-X table of a device may lie, by what a text shows. */
export interface LikelyMsix {
  /**
   * Whether the text shows enough: the place of the table, or that there is none. The place of the PBA changes nothing,
   * for its pages stay mmapped (vfio fact 5.8).
   */
  readonly isPlaceKnown: boolean;
  /**
   * One layout for each BAR that can hold the table, at the offset at which the fewest pages are spoilt. `undefined` is a
   * device without MSI-X, or one whose table fits nowhere.
   */
  readonly layouts: readonly (MsixLayout | undefined)[];
}

const WITHOUT: readonly undefined[] = [undefined];

/** The layouts of MSI-X that a text leaves possible. */
export function likelyMsix(device: PastedDevice): LikelyMsix {
  const { msix, bars } = device;
  const isComplete = missingOfMsix(device).length === 0;
  if (msix === undefined) return { isPlaceKnown: isComplete, layouts: WITHOUT };
  // A table in a BAR without a size is nowhere in the BARs that can be tried.
  if (
    msix.table !== undefined &&
    bars.some(({ index, size }) => index === msix.table?.bar && size === undefined)
  )
    return { isPlaceKnown: false, layouts: WITHOUT };
  const layout = fullLayout(msix);
  if (layout !== undefined) return { isPlaceKnown: isComplete, layouts: isComplete ? [layout] : WITHOUT };
  const vectors = msix.vectors ?? 1;
  if (vectors < 1 || vectors > MSIX_MAX_VECTORS) return { isPlaceKnown: false, layouts: WITHOUT };
  const tables = msix.table === undefined ? tablePlaces(bars, vectors, msix.pba) : [msix.table];
  const layouts = tables.flatMap((table) => {
    const pba = msix.pba ?? pbaBeside(bars, vectors, table);
    return pba === undefined ? [] : [fullLayout({ vectors, table, pba })!];
  });
  return {
    isPlaceKnown: msix.table !== undefined && msix.vectors !== undefined && layouts.length > 0,
    layouts: layouts.length === 0 ? WITHOUT : layouts,
  };
}

/** The BARs that have room for the table, and a place in each. */
function tablePlaces(
  bars: readonly PastedBar[],
  vectors: number,
  pba: MsixPlace | undefined,
): readonly MsixPlace[] {
  const size = msixTableSize(vectors);
  return memoryBars(bars).flatMap(({ index, size: room }) => {
    const taken = pba?.bar === index ? pbaRange(pba, vectors) : undefined;
    const start = taken === undefined || !overlaps(taken, { start: 0n, end: size }) ? 0n : taken.end;
    return start + size <= room ? [{ bar: index, offset: offset(start) }] : [];
  });
}

/** A place for a PBA that the text does not show: behind the table, before it, or in another BAR. */
function pbaBeside(bars: readonly PastedBar[], vectors: number, table: MsixPlace): MsixPlace | undefined {
  const size = msixPbaSize(vectors);
  const end = table.offset + msixTableSize(vectors);
  const own = memoryBars(bars).find(({ index }) => index === table.bar);
  if (own !== undefined && end + size <= own.size) return { bar: table.bar, offset: end };
  if (table.offset >= size) return { bar: table.bar, offset: 0n };
  const other = memoryBars(bars).find(({ index, size: room }) => index !== table.bar && size <= room);
  return other === undefined ? undefined : { bar: other.index, offset: 0n };
}

const pbaRange = (place: MsixPlace, vectors: number): Range => ({
  start: place.offset,
  end: place.offset + msixPbaSize(vectors),
});

/** The memory BARs of known number and size. */
const memoryBars = (bars: readonly PastedBar[]): readonly { index: number; size: bigint }[] =>
  bars.flatMap(({ space, index, size }) =>
    space === 'io' || index === undefined || size === undefined ? [] : [{ index, size }],
  );
