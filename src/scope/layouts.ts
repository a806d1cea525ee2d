import { offset, type Size } from '../address/index.ts';
import { MSIX_ENTRY_BYTES, msixPbaSize, msixTableSize } from '../pci-layout/index.ts';
import type { BarSpec, DeviceSpec, MsixSpec } from '../scenario/index.ts';

/** The smaller page of a scope in bytes: the distance between the borders at which layouts differ. */
export const SMALL_PAGE: Size = 0x1000n;
/** The larger page of a scope in bytes: it stands for every page of more than 4 KiB. */
export const LARGE_PAGE: Size = 0x4000n;

/** Numbers of vectors: a table far smaller than a page, and one that fills a small page. */
const VECTORS = [1, Number(SMALL_PAGE / MSIX_ENTRY_BYTES)] as const;

/** The BAR of a PBA that does not share the BAR of its table. */
const OTHER_BAR = 2;

/**
 * The devices of a scope, the smallest first: BAR 0 from half a small page to `pages` large pages; the MSI-X table at
 * each place in it, and the PBA at each place beside the table or in another BAR.
 *
 * The VMM and the kernel round table and PBA to pages. So a place is told by the page in which it begins, the page in
 * which it ends, and whether it touches the borders. For each small page the scope has a place at its start, one 16
 * bytes behind, and one that ends with it. A table of a small page then also lies across each border.
 *
 * @param pages the size of the largest BAR in large pages: a power of two.
 */
export function layoutsUpTo(pages: number): readonly DeviceSpec[] {
  const layouts: DeviceSpec[] = [device(SMALL_PAGE, undefined)];
  for (let bytes = SMALL_PAGE / 2n; bytes <= LARGE_PAGE * BigInt(pages); bytes *= 2n) {
    for (const msix of msixLayoutsIn(bytes)) layouts.push(device(bytes, msix));
  }
  return layouts;
}

const device = (bytes: Size, msix: MsixSpec | undefined): DeviceSpec => ({
  id: 'dev0',
  name: 'dev0',
  vendor: 0,
  device: 0,
  bars: [bar(0, bytes), ...(msix?.pbaBar === OTHER_BAR ? [bar(OTHER_BAR, SMALL_PAGE)] : [])],
  ...(msix && { msix }),
  options: {},
});

const bar = (index: number, bytes: Size): BarSpec => ({ index, size: bytes, type: 'mem32', mmap: true });

function* msixLayoutsIn(bytes: bigint): Generator<MsixSpec> {
  for (const vectors of VECTORS) {
    const [table, pba] = [msixTableSize(vectors), msixPbaSize(vectors)];
    for (const tableOffset of placesIn(bytes, table)) {
      const places = { vectors, tableBar: 0, tableOffset: offset(tableOffset) };
      for (const pbaOffset of placesIn(bytes, pba)) {
        const isApart = pbaOffset + pba <= tableOffset || tableOffset + table <= pbaOffset;
        if (isApart) yield { ...places, pbaBar: 0, pbaOffset: offset(pbaOffset) };
      }
      yield { ...places, pbaBar: OTHER_BAR, pbaOffset: offset(0n) };
    }
  }
}

/** The offsets at which something of `bytes` bytes may lie in a BAR, one for each way to touch pages, rising. */
function placesIn(bar: bigint, bytes: bigint): readonly bigint[] {
  const places = new Set<bigint>();
  for (let page = 0n; page < bar; page += SMALL_PAGE) {
    const end = page + SMALL_PAGE < bar ? page + SMALL_PAGE : bar;
    for (const place of [page, page + MSIX_ENTRY_BYTES, end - bytes]) {
      if (place >= 0n && place + bytes <= bar) places.add(place);
    }
  }
  return [...places].toSorted((a, b) => Number(a - b));
}
