import { alignDown, alignUp, hex, intersection, isAligned, overlaps, type Range } from '../address/index.ts';
import { msixTableRange } from '../pci-layout/index.ts';
import { allowsMsixMmap, type BarSpec, type HostSpec, type MsixSpec } from '../scenario/index.ts';
import type { DeviceState, Trace, TraceRange } from '../trace/index.ts';
import type { MmapEvent } from '../vfio/index.ts';
import { barOf } from './bar-bytes.ts';
import { rangeText, span, spanOf } from './describe.ts';
import type { Examination, Invariant } from './invariant.ts';

/** The VMM mmaps no bytes beyond a BAR, and no page that the kernel withholds. */
export const mmapInsideBar: Invariant = {
  id: 'mmap-inside-bar',
  clause:
    "mmap areas lie inside the device's BAR, on host pages, are shown at their own offsets, and leave out the MSI-X " +
    'page where the kernel forbids it and BARs that the host or the user excludes',
  severity: 'error',
  site: 'hw/vfio/region.c: vfio_region_mmap; hw/vfio/pci.c: vfio_pci_fixup_msix_region',
  start: (trace, examination) => ({
    event(event) {
      if (event.type === 'mmap') checkMmap(event, trace, examination);
    },
    step({ flatView, devices: { reshaped } }, { devices }) {
      // Of which BAR a range is, and so whether it is right, depends on the device as well.
      for (const range of reshaped.length > 0 ? flatView.view : flatView.ranges) {
        if (range.region.kind === 'ram-device') checkShown(range, devices, trace, examination);
      }
    },
  }),
};

function checkMmap(event: MmapEvent, { scenario, pages }: Trace, examination: Examination): void {
  examination.exercised++;
  const { host } = pages;
  const spec = scenario.devices.find(({ id }) => id === event.device);
  const bar = spec?.bars.find(({ index }) => index === event.bar);
  const violate = (cause: string, fault: string): void =>
    examination.violate(
      cause,
      () => `the mmap of ${spanOf(event.offset, event.size)} of BAR ${event.bar} of ${event.device} ${fault}`,
    );
  const end = event.offset + event.size;
  if (event.shownAt !== undefined && event.shownAt !== event.offset) {
    violate('shown-elsewhere', `is shown at ${hex(event.shownAt)}, where the guest expects other bytes`);
  }
  if (spec?.options['x-no-mmap'] === true) violate('against-user', 'goes against x-no-mmap of the user');
  if (bar !== undefined && (!bar.mmap || bar.type === 'io')) {
    violate('not-offered', 'is of a BAR that the host does not let be mmapped');
  }
  if (bar?.writable === false && event.writable !== false) {
    violate('not-writable', 'is to be written, although the host offers the BAR read-only');
  }
  if (event.errno === 0) {
    if (!isAligned(event.offset, host)) violate('unaligned', 'does not begin on a host page');
    if (bar === undefined || end > alignUp(bar.size, host)) {
      violate('beyond-bar', 'extends beyond the end of the BAR');
    }
  }
  if (bar?.sparse === undefined) {
    // The VMM chose this area by itself, so a refusal of the host is the fault of the VMM.
    if (bar !== undefined && event.errno !== 0) checkRefused(event, bar, spec?.msix, host, violate);
  } else if (bar.sparse.every(({ offset, size }) => event.offset < offset || end > offset + size)) {
    violate('not-granted', 'is in none of the sparse areas that the host reports');
  }
  const forbidden = forbiddenPages(scenario.host, bar ?? { index: event.bar }, spec?.msix, host);
  if (forbidden !== undefined && overlaps({ start: event.offset, end }, forbidden)) {
    violate('msix-page', 'covers a page of the MSI-X table, whose mmap the kernel forbids');
  }
}

/**
 * Reports device memory that the guest reaches beyond the pages of its BAR, or although the kernel forbids its mmap: no host
 * shows each mmap.
 */
function checkShown(
  range: TraceRange,
  devices: readonly DeviceState[],
  { scenario, pages }: Trace,
  examination: Examination,
): void {
  const device = devices.find(({ id }) => id === range.region.owner);
  const found = device && barOf(device, range.region.name);
  const spec = scenario.devices.find(({ id }) => id === device?.id);
  const bar = spec?.bars.find(({ index }) => index === found?.bar.index);
  if (found === undefined || spec === undefined || bar === undefined) return;
  const start = found.start + range.offset;
  const bytes = { start, end: start + (range.end - range.start) };
  examination.exercised++;
  if (bytes.end > alignUp(bar.size, pages.host)) {
    examination.violate(
      'shown-beyond-bar',
      () =>
        `${rangeText(range)} shows ${span(bytes)} of BAR ${bar.index} of ${spec.id}, beyond the last page of the BAR: what ` +
        'lies there is memory of the VMM',
      range,
    );
  }
  const forbidden = forbiddenPages(scenario.host, bar, spec.msix, pages.host);
  const shown = forbidden && intersection(forbidden, bytes);
  if (shown === undefined) return;
  examination.violate(
    'msix-page',
    () =>
      `${rangeText(range)} shows ${span(shown)} of BAR ${bar.index} of ${spec.id}, a page of the MSI-X table, whose ` +
      'mmap the kernel forbids',
    range,
  );
}

/** Reports why the host refused the mmap of an area that the VMM chose by itself. */
function checkRefused(
  { offset, size }: MmapEvent,
  bar: BarSpec,
  msix: MsixSpec | undefined,
  page: bigint,
  violate: (cause: string, fault: string) => void,
): void {
  if (!isAligned(offset, page)) violate('asked-unaligned', 'does not begin on a host page');
  if (offset + size > alignUp(bar.size, page) && !hasTableBeyond(bar, msix)) {
    violate('asked-beyond-bar', 'extends beyond the end of the BAR');
  }
}

/** Whether the device's own capability places the table beyond the end of the BAR, and so misleads the VMM. */
const hasTableBeyond = ({ index, size }: BarSpec, msix: MsixSpec | undefined): boolean =>
  msix?.tableBar === index && msixTableRange(msix).end > size;

/** The range of the BAR whose mmap the kernel forbids: the pages of the MSI-X table before Linux 4.16. */
function forbiddenPages(
  { kernel }: HostSpec,
  { index, sparse }: Pick<BarSpec, 'index' | 'sparse'>,
  msix: MsixSpec | undefined,
  page: bigint,
): Range | undefined {
  // A vfio-user server or a vendor driver that reports sparse areas allows exactly those.
  if (sparse !== undefined || msix?.tableBar !== index || allowsMsixMmap(kernel)) return undefined;
  const table = msixTableRange(msix);
  return { start: alignDown<bigint>(table.start, page), end: alignUp(table.end, page) };
}
