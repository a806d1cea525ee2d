import { overlaps, type Range } from '../address/index.ts';
import type { Trace } from '../trace/index.ts';
import type { DmaMapEvent, DmaUnmapEvent } from '../vfio/index.ts';
import { rangeFrom, span } from './describe.ts';
import type { Examination, Invariant } from './invariant.ts';
import { forEachEvent } from './steps.ts';

/** Maps and unmaps come in pairs. */
export const mapUnmapSymmetric: Invariant = {
  id: 'map-unmap-symmetric',
  clause:
    'no overlapping map, no unmap of what is not mapped, no split of a mapping; nothing left after teardown',
  severity: 'error',
  site: 'hw/vfio/listener.c: vfio_listener_region_del',
  check(trace, examination) {
    const books = new Map<string, Book>();
    const bookOf = (container: string): Book => {
      const known = books.get(container);
      if (known !== undefined) return known;
      const book = new Book(container, examination);
      books.set(container, book);
      return book;
    };
    forEachEvent(trace, (event, step) => {
      if (event.type === 'dma-map') bookOf(event.container).map(event, step);
      else if (event.type === 'dma-unmap' && !isBlanket(event, trace, step)) {
        bookOf(event.container).unmap(event, step);
      }
    });
    if (trace.teardown === undefined) return;
    const checkLeft = (container: string, left: Range | undefined): void => {
      examination.exercised++;
      if (left === undefined) return;
      examination.violate(
        'left-after-teardown',
        trace.steps.length,
        () => `${container} still maps ${span(left)} when everything is gone`,
      );
    };
    const { containers } = trace.teardown;
    for (const { name, mappings } of containers) {
      const [left] = mappings;
      checkLeft(name, left && rangeFrom(left.iova, left.size));
    }
    // Of a container that was closed before, only the requests tell.
    for (const [name, book] of books) {
      if (!containers.some((container) => container.name === name)) checkLeft(name, book.firstMapped);
    }
  },
};

/**
 * Whether an unmap is that of a whole region behind which an emulated IOMMU translates: it takes away
 * whatever the guest may have mapped there, and nobody minds if that is nothing.
 */
function isBlanket({ iova, size }: DmaUnmapEvent, { steps }: Trace, step: number): boolean {
  const view = steps[step - 1]?.state.dmaView ?? steps[step]?.state.dmaView ?? [];
  return view.some(
    ({ start, end, region }) => region.kind === 'iommu' && start === iova && end === iova + size,
  );
}

/** A range that was asked for, and what became of it. */
interface Asked extends Range {
  readonly what: 'device-memory' | 'ram';
}

/** What a container must be holding, kept by the requests alone. */
class Book {
  readonly #container: string;
  readonly #examination: Examination;
  #mapped: Asked[] = [];
  /** What the host refused to map. */
  #refused: Asked[] = [];

  constructor(container: string, examination: Examination) {
    this.#container = container;
    this.#examination = examination;
  }

  /** Something that is mapped, if anything is. */
  get firstMapped(): Range | undefined {
    return this.#mapped[0];
  }

  map({ iova, size, errno, deviceMemory }: DmaMapEvent, step: number): void {
    this.#examination.exercised++;
    const asked: Asked = { start: iova, end: iova + size, what: deviceMemory ? 'device-memory' : 'ram' };
    if (this.#mapped.some((other) => overlaps(asked, other))) {
      this.#violate(
        'overlapping-map',
        step,
        asked,
        (place) => `asks to map ${place}, part of which is mapped`,
      );
    }
    this.#forgetRefusalOf(asked);
    (errno === 0 ? this.#mapped : this.#refused).push(asked);
  }

  unmap({ iova, size }: DmaUnmapEvent, step: number): void {
    this.#examination.exercised++;
    const range: Range = { start: iova, end: iova + size };
    const taken = this.#mapped.filter((other) => overlaps(range, other));
    // One request may take several mappings, as long as they are whole and there is nothing between them.
    const extent = taken.reduce((sum, { start, end }) => sum + (end - start), 0n);
    const areWhole = taken.every(({ start, end }) => start >= range.start && end <= range.end);
    if (areWhole && extent === size) {
      this.#mapped = this.#mapped.filter((other) => !taken.includes(other));
      return;
    }
    const refused = this.#forgetRefusalOf(range);
    if (taken.length > 0) {
      this.#violate(
        'split-mapping',
        step,
        range,
        (place) => `asks to unmap ${place}, which is not what was mapped`,
      );
    } else if (refused !== undefined) {
      this.#violate(
        `unmap-after-refused-${refused.what}`,
        step,
        range,
        (place) => `asks to unmap ${place}, which the host had refused to map`,
      );
    } else {
      this.#violate(
        'unmap-of-nothing',
        step,
        range,
        (place) => `asks to unmap ${place}, where nothing is mapped`,
      );
    }
  }

  /** What was refused there: a refusal explains one unmap, and none after a map that was granted. */
  #forgetRefusalOf({ start, end }: Range): Asked | undefined {
    const refused = this.#refused.find((other) => other.start === start && other.end === end);
    this.#refused = this.#refused.filter((other) => other !== refused);
    return refused;
  }

  #violate(cause: string, step: number, range: Range, what: (place: string) => string): void {
    this.#examination.violate(cause, step, () => `${this.#container} ${what(span(range))}`, range);
  }
}
