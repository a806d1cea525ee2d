import { alignDown, alignUp, isAligned, overlaps } from '../address/index.ts';
import { msixTableRange } from '../pci-layout/index.ts';
import type { BarSpec, MsixSpec, Scenario } from '../scenario/index.ts';
import type { MmapEvent } from '../vfio/index.ts';
import { spanOf } from './describe.ts';
import type { Invariant } from './invariant.ts';
import { forEachEvent } from './steps.ts';

/** The VMM's own view of a BAR holds nothing but that BAR. */
export const mmapInsideBar: Invariant = {
  id: 'mmap-inside-bar',
  clause:
    'mmap areas lie in the physical BAR, on host pages, and miss the MSI-X page where the kernel forbids it',
  severity: 'error',
  site: 'hw/vfio/region.c: vfio_region_mmap; hw/vfio/pci.c: vfio_pci_fixup_msix_region',
  check(trace, examination) {
    const { host } = trace.pages;
    forEachEvent(trace, (event, step) => {
      if (event.type !== 'mmap') return;
      examination.exercised++;
      const spec = trace.scenario.devices.find(({ id }) => id === event.device);
      const bar = spec?.bars.find(({ index }) => index === event.bar);
      const violate = (cause: string, what: string): void =>
        examination.violate(
          cause,
          step,
          () =>
            `the mmap of ${spanOf(event.offset, event.size)} of BAR ${event.bar} of ${event.device} ${what}`,
        );
      const end = event.offset + event.size;
      if (event.errno === 0) {
        if (!isAligned(event.offset, host)) violate('unaligned', 'does not begin on a host page');
        if (bar === undefined || end > alignUp(bar.size, host)) violate('beyond-bar', 'goes beyond its end');
      }
      if (bar?.sparse === undefined) {
        // Nobody named this area but the VMM: what the host refuses of it is the VMM's mistake, too.
        if (bar !== undefined && event.errno !== 0) checkRefused(event, bar, spec?.msix, host, violate);
      } else if (bar.sparse.every(({ offset, size }) => event.offset < offset || end > offset + size)) {
        violate('not-granted', 'is in none of the areas that the host named');
      }
      const forbidden = forbiddenPages(trace.scenario, event.device, event.bar, host);
      if (forbidden !== undefined && overlaps({ start: event.offset, end }, forbidden)) {
        violate('msix-page', 'takes in the page of the MSI-X table, which the kernel forbids');
      }
    });
  },
};

/** What is wrong with an area that the host would not let be mmapped. */
function checkRefused(
  { offset, size }: MmapEvent,
  bar: BarSpec,
  msix: MsixSpec | undefined,
  page: bigint,
  violate: (cause: string, what: string) => void,
): void {
  if (!isAligned(offset, page)) violate('asked-unaligned', 'does not begin on a host page');
  if (offset + size > alignUp(bar.size, page) && !hasTableBeyond(bar, msix)) {
    violate('asked-beyond-bar', 'goes beyond its end');
  }
}

/** Whether the device says that its table reaches beyond the BAR, and so leads the VMM there. */
const hasTableBeyond = ({ index, size }: BarSpec, msix: MsixSpec | undefined): boolean =>
  msix?.tableBar === index && msixTableRange(msix).end > size;

/** The pages of the BAR that the kernel lets nobody mmap. */
function forbiddenPages(scenario: Scenario, id: string, barIndex: number, page: bigint) {
  const { kernel, iommu } = scenario.host;
  const spec = scenario.devices.find((device) => device.id === id);
  const bar = spec?.bars.find(({ index }) => index === barIndex);
  const msix = spec?.msix;
  // A server or a vendor driver that names areas has said what may be mmapped.
  if (kernel !== 'sparse-msix' || bar?.sparse !== undefined || msix?.tableBar !== barIndex) return undefined;
  if (iommu.type === 'vfio-user') return undefined;
  const table = msixTableRange(msix);
  return { start: alignDown<bigint>(table.start, page), end: alignUp(table.end, page) };
}
