import { hex, type Size } from '../address/index.ts';
import { Errno, errnoName } from '../host/index.ts';
import type { Trace } from '../trace/index.ts';
import type { ApertureSpec } from '../scenario/index.ts';
import type { DmaMapEvent, WindowEvent } from '../vfio/index.ts';
import { rangeFrom, spanOf } from './describe.ts';
import type { Examination, Invariant } from './invariant.ts';

/** The DMA windows of an sPAPR host whose scenario names no number. */
const DEFAULT_MAX_WINDOWS = 2;

/** An sPAPR host has few DMA windows, and RAM needs them. */
export const windowLimit: Invariant = {
  id: 'window-limit',
  clause:
    'sPAPR: never more DMA windows than the host has, with pages that it offers, and device memory takes none; any IOMMU: no DMA mapping ' +
    'lies outside its apertures',
  severity: 'error',
  site: 'hw/vfio/spapr.c: vfio_spapr_container_add_section_window',
  start(trace, examination) {
    const { apertures, type } = trace.scenario.host.iommu;
    const windows = type === 'spapr-tce-v2' ? new Windows(trace, examination) : undefined;
    if (apertures === undefined && windows === undefined) return undefined;
    return {
      event(event) {
        if (event.type === 'dma-map') {
          if (apertures !== undefined) checkApertures(event, apertures, examination);
        } else if (event.type === 'window-create') windows?.create(event);
        else if (event.type === 'window-remove') windows?.remove(event);
      },
    };
  },
};

/** The open DMA windows of each container. */
class Windows {
  readonly #limit: number;
  readonly #examination: Examination;
  readonly #open = new Map<string, Set<bigint>>();

  /** The pages that the host offers, in bytes. */
  readonly #pages: readonly Size[];

  constructor({ scenario: { host, machine } }: Trace, examination: Examination) {
    this.#limit = host.iommu.maxWindows ?? DEFAULT_MAX_WINDOWS;
    this.#pages = [...host.iommu.pageSizes, machine.hostPageSize];
    this.#examination = examination;
  }

  create({ container, start, size, pageSize, deviceMemory, errno }: WindowEvent): void {
    this.#examination.exercised++;
    if (pageSize !== undefined && !this.#pages.includes(pageSize)) {
      this.#examination.violate(
        'page-not-offered',
        () =>
          `a DMA window ${spanOf(start, size)} is requested with pages of ${hex(pageSize)}, which the host does not offer`,
        rangeFrom(start, size),
      );
    }
    const windows = this.#of(container);
    if (errno === 0) windows.add(start);
    const text = (): string =>
      `is requested at ${spanOf(start, size)}` +
      (errno === 0 ? '' : `, and the host answers ${errnoName(errno)}`);
    if (deviceMemory) {
      this.#examination.violate('window-for-mmio', () => `a DMA window for device memory ${text()}`);
    } else if (windows.size > this.#limit || errno === Errno.ENOSPC) {
      this.#examination.violate('too-many-windows', () => `a DMA window for RAM ${text()}`);
    } else if (errno !== 0) {
      this.#examination.violate('refused-window', () => `a DMA window for RAM ${text()}`);
    }
  }

  remove({ container, start }: WindowEvent): void {
    this.#of(container).delete(start);
  }

  #of(container: string): Set<bigint> {
    const windows = this.#open.get(container) ?? new Set();
    this.#open.set(container, windows);
    return windows;
  }
}

/** Outside the apertures a device cannot use a mapping: its requests go elsewhere, or nowhere. */
function checkApertures(
  { iova, size, deviceMemory, backing, errno }: DmaMapEvent,
  apertures: readonly ApertureSpec[],
  examination: Examination,
): void {
  if (errno !== 0) return;
  examination.exercised++;
  if (apertures.some(({ start, end }) => start <= iova && iova + size - 1n <= end)) return;
  examination.violate(
    deviceMemory ? 'device-memory-outside-aperture' : 'ram-outside-aperture',
    () => `"${backing.region}" is DMA-mapped at ${spanOf(iova, size)}, outside the apertures of the IOMMU`,
    rangeFrom(iova, size),
  );
}
