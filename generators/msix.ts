import { lesser, offset } from '../src/address/index.ts';
import { MSIX_ENTRY_BYTES, MSIX_MAX_VECTORS, msixPbaSize, msixTableSize } from '../src/pci-layout/index.ts';
import type { BarSpec, MsixSpec } from '../src/scenario/index.ts';
import type { Choose } from './choose.ts';

/** Vector counts of real devices, and counts next to which the PBA or the pages of the table grow. */
const VECTORS: readonly number[] = [
  1, 2, 3, 8, 16, 32, 63, 64, 65, 96, 97, 127, 128, 129, 256, 257, 512, 1024, 2047, 2048,
];

const QWORD = 8n;
/** The last offset that the capability can name: 32 bits, of which the three low ones are the BIR. */
const LAST_OFFSET = (1n << 32n) - QWORD;
const down = (value: bigint, unit: bigint): bigint => value - (value % unit);

/** The most vectors whose table and PBA fit into one BAR: 64 vectors take 64 * 16 + 8 = 8 * 129 bytes. */
const mostInOne = (size: bigint): bigint => (down(size, QWORD) * 8n) / 129n;

/** The most vectors whose table fits into one BAR and whose PBA fits into another. */
const mostInTwo = (table: bigint, pba: bigint): bigint =>
  lesser(table / MSIX_ENTRY_BYTES, (pba / QWORD) * 64n);

/** An offset in `[0, room]`: 0, the last one, the start of a page, just before a page, or any multiple of 8. */
function chooseOffset(choose: Choose, room: bigint, page: bigint): bigint {
  if (room <= 0n) return 0n;
  const pages = room / page;
  return choose.weighted<() => bigint>(
    [3, () => 0n],
    [3, () => down(room, QWORD)],
    [4, () => choose.bigint(0n, pages) * page],
    [2, () => choose.bigint(0n, room / 0x1000n) * 0x1000n],
    [
      2,
      () => lesser(down(room, QWORD), choose.bigint(1n, pages + 1n) * page - QWORD * choose.bigint(1n, 16n)),
    ],
    [2, () => choose.bigint(0n, room / QWORD) * QWORD],
  )();
}

/** The BAR, cut at 4 GiB: offsets in the MSI-X capability have 32 bits. */
const reachable = (bar: BarSpec): BarSpec => ({ ...bar, size: lesser(bar.size, 1n << 32n) });

/**
 * The places of table and PBA in a device with these BARs. Most layouts obey the PCI specification; a few break
 * it (see `disturb`).
 *
 * @param page the host page size: offsets lie at the start of a page, just before one, or anywhere.
 * @returns undefined where no memory BAR has 32 bytes or more.
 */
export function chooseMsix(choose: Choose, bars: readonly BarSpec[], page: bigint): MsixSpec | undefined {
  const candidates = bars.filter(({ type, size }) => type !== 'io' && size >= 32n);
  if (candidates.length === 0) return undefined;
  const table = reachable(choose.among(candidates));
  const others = candidates.filter(({ index }) => index !== table.index);
  const other = others.length > 0 && choose.chance(25) ? reachable(choose.among(others)) : undefined;
  const most = other === undefined ? mostInOne(table.size) : mostInTwo(table.size, other.size);
  const wanted = choose.chance(80) ? choose.among(VECTORS) : choose.integer(1, MSIX_MAX_VECTORS);
  const vectors = Math.min(wanted, Number(most));
  const inTable = table.size - msixTableSize(vectors);
  // In a BAR of 4 GiB or more, half of the tables end at 4 GiB, where sums of 32 bits wrap.
  const ends = table.size > LAST_OFFSET && choose.chance(50);
  const tableOffset = ends ? down(inTable, QWORD) : chooseOffset(choose, inTable, page);
  const layout: MsixSpec = {
    vectors,
    tableBar: table.index,
    tableOffset: offset(tableOffset),
    ...(other === undefined
      ? choosePba(choose, table, { vectors, tableOffset }, page)
      : {
          pbaBar: other.index,
          pbaOffset: offset(chooseOffset(choose, other.size - msixPbaSize(vectors), page)),
        }),
  };
  // In such a BAR `disturb` would name offsets of 4 GiB or more, which the capability cannot hold.
  return table.size <= LAST_OFFSET && choose.chance(6) ? disturb(choose, layout, table.size) : layout;
}

/** A place for the PBA in the table's own BAR, before or behind the table. */
function choosePba(
  choose: Choose,
  table: BarSpec,
  { vectors, tableOffset }: { vectors: number; tableOffset: bigint },
  page: bigint,
): Pick<MsixSpec, 'pbaBar' | 'pbaOffset'> {
  const end = tableOffset + msixTableSize(vectors);
  const behind = table.size - end - msixPbaSize(vectors);
  const before = tableOffset - msixPbaSize(vectors);
  const fits = [behind, before].filter((room) => room >= 0n);
  const nextPage = end + ((page - (end % page)) % page);
  const at = choose.weighted<() => bigint>(
    [3, () => (behind >= 0n ? end : 0n)],
    [3, () => (nextPage + msixPbaSize(vectors) <= table.size ? nextPage : behind >= 0n ? end : 0n)],
    [2, () => (before >= 0n ? chooseOffset(choose, before, page) : end)],
    [2, () => (fits.length > 0 && behind >= 0n ? end + down(chooseOffset(choose, behind, page), QWORD) : 0n)],
  )();
  return { pbaBar: table.index, pbaOffset: offset(at) };
}

/** A layout that breaks the specification: table or PBA beyond its BAR, the two overlapping, or a BIR without a BAR. */
function disturb(choose: Choose, layout: MsixSpec, size: bigint): MsixSpec {
  return choose.weighted<() => MsixSpec>(
    [2, () => ({ ...layout, tableOffset: offset(down(size, QWORD)) })],
    [2, () => ({ ...layout, pbaOffset: offset(down(size, QWORD)) })],
    [2, () => ({ ...layout, pbaBar: layout.tableBar, pbaOffset: layout.tableOffset })],
    // BIR values 6 and 7 are reserved: PCI 3.0 section 6.8.2.4.
    [2, () => ({ ...layout, tableBar: choose.integer(6, 7) })],
    [2, () => ({ ...layout, pbaBar: choose.integer(6, 7) })],
    [1, () => ({ ...layout, pbaBar: choose.integer(0, 5) })],
  )();
}
