import { overlaps, type Range } from '../address/index.ts';
import type { DmaMapEvent, DmaUnmapEvent } from '../vfio/index.ts';
import { span, spanOf } from './describe.ts';
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
      else if (event.type === 'dma-unmap') bookOf(event.container).unmap(event, step);
    });
    for (const { name, mappings } of trace.teardown?.containers ?? []) {
      examination.exercised++;
      const [left] = mappings;
      if (left === undefined) continue;
      examination.violate(
        'left-after-teardown',
        trace.steps.length,
        () => `${name} still maps ${spanOf(left.iova, left.size)} when everything is gone`,
      );
    }
  },
};

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
  readonly #refused: Asked[] = [];

  constructor(container: string, examination: Examination) {
    this.#container = container;
    this.#examination = examination;
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
    (errno === 0 ? this.#mapped : this.#refused).push(asked);
  }

  unmap({ iova, size }: DmaUnmapEvent, step: number): void {
    this.#examination.exercised++;
    const range: Range = { start: iova, end: iova + size };
    const isSame = ({ start, end }: Range): boolean => start === range.start && end === range.end;
    if (this.#mapped.some(isSame)) {
      this.#mapped = this.#mapped.filter((other) => !isSame(other));
      return;
    }
    const refused = this.#refused.find(isSame);
    if (this.#mapped.some((other) => overlaps(range, other))) {
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

  #violate(cause: string, step: number, range: Range, what: (place: string) => string): void {
    this.#examination.violate(cause, step, () => `${this.#container} ${what(span(range))}`, range);
  }
}
