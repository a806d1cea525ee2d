import { Errno, errnoName } from '../host/index.ts';
import type { ApertureSpec } from '../scenario/index.ts';
import type { Trace } from '../trace/index.ts';
import { rangeFrom, spanOf } from './describe.ts';
import type { Examination, Invariant } from './invariant.ts';
import { forEachEvent } from './steps.ts';

/** The DMA windows of an sPAPR host whose scenario names no number. */
const DEFAULT_MAX_WINDOWS = 2;

/** An sPAPR host has few DMA windows, and RAM needs them. */
export const windowLimit: Invariant = {
  id: 'window-limit',
  clause:
    'sPAPR: never more DMA windows than the host has, and device memory takes none; any IOMMU: no DMA mapping ' +
    'lies outside its apertures',
  severity: 'error',
  site: 'hw/vfio/spapr.c: vfio_spapr_container_add_section_window',
  check(trace, examination) {
    const { iommu } = trace.scenario.host;
    if (iommu.apertures !== undefined) checkApertures(trace, iommu.apertures, examination);
    if (iommu.type !== 'spapr-tce-v2') return;
    const limit = iommu.maxWindows ?? DEFAULT_MAX_WINDOWS;
    const open = new Map<string, Set<bigint>>();
    forEachEvent(trace, (event, step) => {
      if (event.type !== 'window-create' && event.type !== 'window-remove') return;
      const windows = open.get(event.container) ?? new Set();
      open.set(event.container, windows);
      if (event.type === 'window-remove') {
        windows.delete(event.start);
        return;
      }
      examination.exercised++;
      if (event.errno === 0) windows.add(event.start);
      const text = (): string =>
        `is requested at ${spanOf(event.start, event.size)}` +
        (event.errno === 0 ? '' : `, and the host answers ${errnoName(event.errno)}`);
      if (event.deviceMemory) {
        examination.violate('window-for-mmio', step, () => `a DMA window for device memory ${text()}`);
      } else if (windows.size > limit || event.errno === Errno.ENOSPC) {
        examination.violate('too-many-windows', step, () => `a DMA window for RAM ${text()}`);
      } else if (event.errno !== 0) {
        examination.violate('refused-window', step, () => `a DMA window for RAM ${text()}`);
      }
    });
  },
};

/** Outside the apertures a device cannot use a mapping: its requests go elsewhere, or nowhere. */
function checkApertures(trace: Trace, apertures: readonly ApertureSpec[], examination: Examination): void {
  forEachEvent(trace, (event, step) => {
    if (event.type !== 'dma-map' || event.errno !== 0) return;
    examination.exercised++;
    const { iova, size, deviceMemory, backing } = event;
    if (apertures.some(({ start, end }) => start <= iova && iova + size - 1n <= end)) return;
    examination.violate(
      deviceMemory ? 'device-memory-outside-aperture' : 'ram-outside-aperture',
      step,
      () => `"${backing.region}" is DMA-mapped at ${spanOf(iova, size)}, outside the apertures of the IOMMU`,
      rangeFrom(iova, size),
    );
  });
}
