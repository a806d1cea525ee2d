import { alignDown, alignUp, lesser, type Range, type Size } from '../address/index.ts';
import { msixPbaRange, msixTableRange } from '../pci-layout/index.ts';
import { hasConformingLayout, type BarSpec, type DeviceSpec } from '../scenario/index.ts';
import type { MsixView } from '../trace/index.ts';

/**
 * The stretches of a BAR that a VMM has no reason to trap: whole host pages that the host lets be mmapped and that hold
 * neither the MSI-X table nor the PBA. The rules name no other reason to trap.
 *
 * @param msix the guest's view of MSI-X: a relocated table is emulated there.
 * @param page the host's page size in bytes.
 */
export function mmappableAreas(
  spec: DeviceSpec,
  bar: BarSpec,
  msix: MsixView | undefined,
  page: Size,
): readonly Range[] {
  const { options } = spec;
  // A capability that breaks the specification misleads the VMM about the place of the table.
  const isTrapped = options['x-no-mmap'] === true || !bar.mmap || bar.mmapError !== undefined;
  if (isTrapped || bar.type === 'io' || bar.size < page || !hasConformingLayout(spec)) return [];
  const areas = bar.sparse ?? [{ offset: 0n, size: bar.size }];
  // What an area has beyond the BAR is no memory of the BAR; a BAR that relocation grew may show it all the same.
  const whole = areas.map(({ offset, size }) =>
    inWholePages({ start: offset, end: lesser(offset + size, bar.size) }, page),
  );
  return tablesIn(spec, bar, msix).reduce<readonly Range[]>(
    (left, table) => left.flatMap((area) => without(area, aroundPages(table, page))),
    whole.filter(({ start, end }) => start < end),
  );
}

/** Where table and PBA lie in the BAR: in the device's own capability and in that of the guest. */
function tablesIn(
  { msix: own }: DeviceSpec,
  { index }: BarSpec,
  msix: MsixView | undefined,
): readonly Range[] {
  const tables: Range[] = [];
  for (const layout of [own, msix?.layout]) {
    if (layout === undefined) continue;
    if (layout.tableBar === index) tables.push(msixTableRange(layout));
    if (layout.pbaBar === index) tables.push(msixPbaRange(layout));
  }
  return tables;
}

const inWholePages = ({ start, end }: Range, page: Size): Range => ({
  start: alignUp(start, page),
  end: alignDown(end, page),
});

const aroundPages = ({ start, end }: Range, page: Size): Range => ({
  start: alignDown(start, page),
  end: alignUp(end, page),
});

/** The parts of `area` before and behind `hole`. */
const without = (area: Range, hole: Range): readonly Range[] =>
  hole.start >= area.end || hole.end <= area.start
    ? [area]
    : [
        { start: area.start, end: hole.start },
        { start: hole.end, end: area.end },
      ].filter(({ start, end }) => start < end);
