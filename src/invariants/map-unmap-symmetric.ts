import { firstEndingAbove, overlaps, type Range } from '../address/index.ts';
import { isSettled, type Teardown, type Trace, type TraceRange } from '../trace/index.ts';
import type { DmaMapEvent, DmaUnmapEvent } from '../vfio/index.ts';
import { rangeFrom, span } from './describe.ts';
import { FaultyRanges } from './faulty-ranges.ts';
import type { Examination, Invariant } from './invariant.ts';

/** Every DMA map has its unmap, for the same range. */
export const mapUnmapSymmetric: Invariant = {
  id: 'map-unmap-symmetric',
  clause:
    'no DMA map overlaps a mapping, no unmap splits a mapping or covers an unmapped range, the VMM says that an unmap has ' +
    'failed, and no mapping is left after teardown',
  severity: 'error',
  site: 'hw/vfio/listener.c: vfio_listener_region_del',
  start(trace, examination) {
    const books = new Map<string, Book>();
    const bookOf = (container: string): Book => {
      const known = books.get(container);
      if (known !== undefined) return known;
      const book = new Book(container, examination);
      books.set(container, book);
      return book;
    };
    return {
      event(event) {
        if (event.type === 'dma-map') bookOf(event.container).map(event);
        else if (event.type === 'dma-unmap' && !isUnmapOfIommuRegion(event, trace, examination.step)) {
          bookOf(event.container).unmap(event, isDiscard(event, trace, examination.step));
        }
      },
      end() {
        checkFailedUnmaps(trace, examination);
        if (trace.teardown !== undefined) checkTeardown(trace, trace.teardown, books, examination);
      },
    };
  },
};

/** A VMM that goes on after a failed unmap leaves a device with access to memory, which its user must know. */
function checkFailedUnmaps(trace: Trace, examination: Examination): void {
  for (const [step, { events }] of trace.steps.entries()) {
    if (!isSettled(trace, step)) continue;
    for (const event of events) {
      if (event.type !== 'dma-unmap' || event.injected !== true) continue;
      examination.exercised++;
      if (events.some(({ type }) => type === 'message')) continue;
      const range = rangeFrom(event.iova, event.size);
      examination.violate(
        'failed-unmap-untold',
        () => `${event.container}: the host does not unmap ${span(range)}, and the VMM does not say so`,
        range,
        step,
      );
    }
  }
}

function checkTeardown(
  { steps }: Trace,
  { containers, events }: Teardown,
  books: ReadonlyMap<string, Book>,
  examination: Examination,
): void {
  const checkLeft = (container: string, left: Range | undefined): void => {
    examination.exercised++;
    if (left === undefined) return;
    examination.violate(
      'left-after-teardown',
      () => `${container} still maps ${span(left)} after every device is unplugged`,
      left,
      steps.length,
    );
  };
  const faulty = FaultyRanges.in([...steps.flatMap((step) => step.events), ...events]);
  for (const { name, mappings } of containers) {
    const left = mappings.find(({ iova, size }) => !faulty.keeps(name, rangeFrom(iova, size)));
    checkLeft(name, left && rangeFrom(left.iova, left.size));
  }
  // A container that was closed before the teardown is known from its requests alone.
  for (const [name, book] of books) {
    if (!containers.some((container) => container.name === name)) checkLeft(name, book.firstMapped);
  }
}

/**
 * Whether the VMM unmaps the whole region of an emulated IOMMU. Such an unmap removes the mappings that the guest
 * made through that IOMMU, and may find none.
 */
function isUnmapOfIommuRegion({ iova, size }: DmaUnmapEvent, { steps }: Trace, step: number): boolean {
  const view = steps[step - 1]?.state.dmaView ?? steps[step]?.state.dmaView ?? [];
  return view.some(
    ({ start, end, region }) => region.kind === 'iommu' && start === iova && end === iova + size,
  );
}

/**
 * Whether the VMM unmaps RAM of virtio-mem. QEMU unmaps a whole section in one request, whatever the guest has plugged of
 * it (vfio fact 6.14).
 */
function isDiscard({ iova, size }: DmaUnmapEvent, { steps }: Trace, step: number): boolean {
  const isIn = (view: readonly TraceRange[]): boolean => {
    const range = view[firstEndingAbove(view, iova)];
    return range?.region.discards !== undefined && range.start <= iova && iova + size <= range.end;
  };
  return isIn(steps[step - 1]?.state.dmaView ?? []) || isIn(steps[step]?.state.dmaView ?? []);
}

/** A range that the VMM requested to map. */
interface RequestedRange extends Range {
  readonly kind: 'device-memory' | 'ram';
  /** Whether the host has refused the request by a fault, or in consequence of one. */
  readonly injected: boolean;
}

/** The mappings that a container must have, known from the requests and their answers alone. */
class Book {
  readonly #container: string;
  readonly #examination: Examination;
  #mapped: RequestedRange[] = [];
  /** The ranges that the host refused to map. */
  #refused: RequestedRange[] = [];
  /** The ranges that the host still maps, because a fault has refused the unmap: it then refuses another map there. */
  readonly #kept: Range[] = [];

  constructor(container: string, examination: Examination) {
    this.#container = container;
    this.#examination = examination;
  }

  /** One of the mapped ranges; `undefined` where there is none. */
  get firstMapped(): Range | undefined {
    return this.#mapped[0];
  }

  map({ iova, size, errno, deviceMemory, injected }: DmaMapEvent): void {
    this.#examination.exercised++;
    const range: Range = { start: iova, end: iova + size };
    const requested: RequestedRange = {
      ...range,
      kind: deviceMemory ? 'device-memory' : 'ram',
      injected: injected === true || this.#kept.some((kept) => overlaps(kept, range)),
    };
    if (this.#mapped.some((other) => overlaps(requested, other))) {
      this.#violate('overlapping-map', requested, 'a request to map', 'overlaps a mapping');
    }
    this.#forgetRefusalOf(requested);
    (errno === 0 ? this.#mapped : this.#refused).push(requested);
  }

  /** @param mayHaveGaps whether parts of the range need not be mapped. */
  unmap({ iova, size, injected }: DmaUnmapEvent, mayHaveGaps: boolean): void {
    this.#examination.exercised++;
    const range: Range = { start: iova, end: iova + size };
    if (injected === true) this.#kept.push(range);
    const taken = this.#mapped.filter((other) => overlaps(range, other));
    const [only] = taken;
    if (taken.length === 1 && only!.start === range.start && only!.end === range.end) {
      this.#mapped.splice(this.#mapped.indexOf(only!), 1);
      return;
    }
    // One request may unmap several mappings, if it covers each of them whole and no gap between them.
    const extent = taken.reduce((sum, { start, end }) => sum + (end - start), 0n);
    const areWhole = taken.every(({ start, end }) => start >= range.start && end <= range.end);
    if (areWhole && (extent === size || mayHaveGaps)) {
      this.#mapped = this.#mapped.filter((other) => !taken.includes(other));
      return;
    }
    const refused = this.#forgetRefusalOf(range);
    const request = 'a request to unmap';
    if (taken.length > 0) {
      this.#violate(
        'split-mapping',
        range,
        request,
        'covers only a part of a mapping, or addresses beside it',
      );
    } else if (refused?.injected === true) {
      // QEMU also unmaps what it could not map (vfio fact 6.10): the known findings tell it of hosts that refuse for a reason.
    } else if (refused !== undefined) {
      this.#violate(
        `unmap-after-refused-${refused.kind}`,
        range,
        request,
        'follows a map that the host refused',
      );
    } else {
      this.#violate('unmap-of-nothing', range, request, 'covers no mapping');
    }
  }

  /**
   * Removes the refusal of exactly this range, and returns it. A refusal explains one unmap, and none after a later
   * map that the host granted.
   */
  #forgetRefusalOf({ start, end }: Range): RequestedRange | undefined {
    if (this.#refused.length === 0) return undefined;
    const refused = this.#refused.find((other) => other.start === start && other.end === end);
    this.#refused = this.#refused.filter((other) => other !== refused);
    return refused;
  }

  /** Reports a break as `container: request [0x0, 0xfff] fault`. */
  #violate(cause: string, { start, end }: Range, request: string, fault: string): void {
    const message = (): string => `${this.#container}: ${request} ${span({ start, end })} ${fault}`;
    this.#examination.violate(cause, message, { start, end });
  }
}
