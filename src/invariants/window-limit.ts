import { alignDown, alignUp, hex, partsOutside, type Range, type Size } from '../address/index.ts';
import { Errno, errnoName } from '../host/index.ts';
import type { State, Trace } from '../trace/index.ts';
import type { ApertureSpec } from '../scenario/index.ts';
import type { DmaMapEvent, WindowEvent } from '../vfio/index.ts';
import { rangeFrom, rangeText, span, spanOf } from './describe.ts';
import { forgetClosed } from './forget-closed.ts';
import { guestWindowPage } from './guest-window-page.ts';
import type { Examination, Invariant } from './invariant.ts';

/** The DMA windows of an sPAPR host whose scenario names no number. */
const DEFAULT_MAX_WINDOWS = 2;

/** An sPAPR host has few DMA windows, and RAM needs them. */
export const windowLimit: Invariant = {
  id: 'window-limit',
  clause:
    'sPAPR: never more DMA windows than the host has, with pages that it offers, and device memory takes none; the windows on the ' +
    'host cover those of the guest, with pages no larger than theirs; any IOMMU: no DMA mapping lies outside its apertures',
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
      step: (_, state) => windows?.cover(state),
    };
  },
};

/** The windows that a container has on the host. */
interface OpenWindows {
  /** By their start. */
  readonly ranges: Map<bigint, Range>;
  /** Whether the host has refused one: then it is no wonder that a window is missing. */
  wasRefused: boolean;
}

/** The open DMA windows of each container. */
class Windows {
  readonly #trace: Trace;
  readonly #limit: number;
  readonly #examination: Examination;
  readonly #open = new Map<string, OpenWindows>();

  /** The pages that the host offers, in bytes. */
  readonly #pages: readonly Size[];

  constructor(trace: Trace, examination: Examination) {
    const { host, machine } = trace.scenario;
    this.#trace = trace;
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
    } else if (pageSize !== undefined && !deviceMemory) this.#checkPage(start, size, pageSize);
    const windows = this.#of(container);
    if (errno === 0) windows.ranges.set(start, rangeFrom(start, size));
    else windows.wasRefused = true;
    const text = (): string =>
      `is requested at ${spanOf(start, size)}` +
      (errno === 0 ? '' : `, and the host answers ${errnoName(errno)}`);
    if (deviceMemory) {
      this.#examination.violate('window-for-mmio', () => `a DMA window for device memory ${text()}`);
    } else if (windows.ranges.size > this.#limit || errno === Errno.ENOSPC) {
      this.#examination.violate('too-many-windows', () => `a DMA window for RAM ${text()}`);
    } else if (errno !== 0) {
      this.#examination.violate('refused-window', () => `a DMA window for RAM ${text()}`);
    }
  }

  remove({ container, start }: WindowEvent): void {
    this.#of(container).ranges.delete(start);
  }

  /**
   * Whether the guest can use all of its windows: what it maps beyond those of the host, the host refuses (host fact T4). The
   * guest's windows are what the devices' address space shows, whatever the VMM has asked the host for.
   */
  cover({ dmaView, containers }: State): void {
    forgetClosed(this.#open, containers);
    const { host } = this.#trace.pages;
    for (const { name } of containers) {
      const { ranges, wasRefused } = this.#of(name);
      if (wasRefused) continue;
      for (const shown of dmaView) {
        if (shown.region.kind !== 'iommu') continue;
        this.#examination.exercised++;
        // The host has no windows of parts of its pages.
        const whole = { start: alignUp(shown.start, host), end: alignDown(shown.end, host) };
        const [missing] = partsOutside(whole, [...ranges.values()]);
        if (missing === undefined) continue;
        this.#examination.violate(
          'window-too-short',
          () =>
            `${name} has no DMA window on the host for ${span(missing)} of the guest's ${rangeText(shown)}`,
          missing,
        );
      }
    }
  }

  /** A mapping of one of the guest's pages must be one of whole pages of the host's window (host fact T5). */
  #checkPage(start: bigint, size: Size, pageSize: Size): void {
    const ofGuest = guestWindowPage(this.#trace, start, this.#examination.step);
    if (ofGuest === undefined || pageSize <= ofGuest) return;
    this.#examination.violate(
      'page-too-large',
      () =>
        `a DMA window ${spanOf(start, size)} is requested with pages of ${hex(pageSize)}, and the guest maps pages of ${hex(ofGuest)}`,
      rangeFrom(start, size),
    );
  }

  #of(container: string): OpenWindows {
    const windows = this.#open.get(container) ?? { ranges: new Map(), wasRefused: false };
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
