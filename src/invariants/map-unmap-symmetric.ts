import { overlaps, type Range } from '../address/index.ts';
import type { Trace } from '../target/trace.ts';
import type { DmaMapEvent, DmaUnmapEvent } from '../vfio/index.ts';
import { spanOf } from './describe.ts';
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
    for (const { name, mappings } of trace.teardown?.containers ?? []) {
      examination.exercised++;
      const [left] = mappings;
      if (left === undefined) continue;
      examination.violate(
        'left-after-teardown',
        trace.steps.length,
        `${name} still maps ${spanOf(left.iova, left.size)} when everything is gone`,
      );
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

/** What a container must be holding, kept by the requests alone. */
class Book {
  readonly #container: string;
  readonly #examination: Examination;
  readonly #mapped = new Map<bigint, { readonly start: bigint; readonly end: bigint }>();
  /** Ranges whose mapping the host refused, and what they were to show. */
  readonly #refused = new Map<string, 'device-memory' | 'ram'>();

  constructor(container: string, examination: Examination) {
    this.#container = container;
    this.#examination = examination;
  }

  map({ iova, size, errno, deviceMemory }: DmaMapEvent, step: number): void {
    this.#examination.exercised++;
    const range: Range = { start: iova, end: iova + size };
    for (const other of this.#mapped.values()) {
      if (!overlaps(range, other)) continue;
      this.#violate(
        'overlapping-map',
        step,
        range,
        `asks to map ${spanOf(iova, size)}, part of which is mapped`,
      );
    }
    if (errno === 0) this.#mapped.set(iova, range);
    else this.#refused.set(spanOf(iova, size), deviceMemory ? 'device-memory' : 'ram');
  }

  unmap({ iova, size }: DmaUnmapEvent, step: number): void {
    this.#examination.exercised++;
    const range: Range = { start: iova, end: iova + size };
    const mapped = this.#mapped.get(iova);
    if (mapped?.end === range.end) {
      this.#mapped.delete(iova);
      return;
    }
    const text = spanOf(iova, size);
    const refused = this.#refused.get(text);
    if ([...this.#mapped.values()].some((other) => overlaps(range, other))) {
      this.#violate('split-mapping', step, range, `asks to unmap ${text}, which is not what was mapped`);
    } else if (refused !== undefined) {
      this.#violate(
        `unmap-after-refused-${refused}`,
        step,
        range,
        `asks to unmap ${text}, which the host had refused to map`,
      );
    } else {
      this.#violate('unmap-of-nothing', step, range, `asks to unmap ${text}, where nothing is mapped`);
    }
  }

  #violate(cause: string, step: number, range: Range, what: string): void {
    this.#examination.violate(cause, step, `${this.#container} ${what}`, range);
  }
}
