import { Errno, errnoName } from '../host/index.ts';
import type { ApertureSpec } from '../scenario/index.ts';
import type { Trace } from '../trace/index.ts';
import { rangeFrom, spanOf } from './describe.ts';
import type { Examination, Invariant } from './invariant.ts';
import { forEachEvent } from './steps.ts';

const DEFAULT_MAX_WINDOWS = 2;

/** sPAPR's DMA windows are few, and meant for RAM. */
export const windowLimit: Invariant = {
  id: 'window-limit',
  clause:
    'sPAPR: never more windows than the host has; MMIO never consumes one; elsewhere no mapping lies ' +
    'outside of what the IOMMU translates',
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
        `asks for a DMA window at ${spanOf(event.start, event.size)}` +
        (event.errno === 0 ? '' : `, and the host answers ${errnoName(event.errno)}`);
      if (event.deviceMemory) {
        examination.violate('window-for-mmio', step, () => `device memory ${text()}`);
      } else if (windows.size > limit || event.errno === Errno.ENOSPC) {
        examination.violate('too-many-windows', step, () => `RAM ${text()}`);
      } else if (event.errno !== 0) {
        examination.violate('refused-window', step, () => `RAM ${text()}`);
      }
    });
  },
};

/** What the host accepts outside of the apertures a device cannot reach, or reaches something else by. */
function checkApertures(trace: Trace, apertures: readonly ApertureSpec[], examination: Examination): void {
  forEachEvent(trace, (event, step) => {
    if (event.type !== 'dma-map' || event.errno !== 0) return;
    examination.exercised++;
    const { iova, size, deviceMemory, backing } = event;
    if (apertures.some(({ start, end }) => start <= iova && iova + size - 1n <= end)) return;
    examination.violate(
      deviceMemory ? 'device-memory-outside-aperture' : 'ram-outside-aperture',
      step,
      () => `"${backing.region}" is mapped at ${spanOf(iova, size)}, which the IOMMU does not translate`,
      rangeFrom(iova, size),
    );
  });
}
