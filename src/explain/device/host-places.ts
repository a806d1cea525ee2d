import { overlaps, type Range } from '../../address/index.ts';
import type { PastedDevice } from '../lspci/pasted-device.ts';

/** The host addresses of all memory BARs of some devices. */
export class HostPlaces {
  /** By rising start. */
  readonly #places: readonly Range[];

  constructor(devices: readonly PastedDevice[]) {
    this.#places = devices
      .flatMap(({ bars }) => bars)
      .flatMap(({ space, address, size }): Range[] =>
        space === 'io' || address === undefined || size === undefined
          ? []
          : [{ start: address, end: address + size }],
      )
      .toSorted((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0));
  }

  /** The number of BARs that begin in `page` or reach into it from the BAR before. */
  countIn(page: Range): number {
    let low = 0;
    let high = this.#places.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#places[middle]!.start < page.start) low = middle + 1;
      else high = middle;
    }
    let count = low > 0 && overlaps(this.#places[low - 1]!, page) ? 1 : 0;
    while (low < this.#places.length && this.#places[low]!.start < page.end) {
      count++;
      low++;
    }
    return count;
  }
}
