import {
  alignDown,
  alignUp,
  greater,
  isAligned,
  overlaps,
  partsOutside,
  type Range,
} from '../address/index.ts';
import {
  endOfMapping,
  firstMappingAbove,
  type ContainerState,
  type State,
  type Trace,
  type TraceRange,
} from '../trace/index.ts';
import type { SkipReason, VmmEvent } from '../vfio/index.ts';
import { rangeFrom, rangeText, spanOf } from './describe.ts';
import type { Examination } from './invariant.ts';

/** A range of which a container maps nothing, with the VMM's reason or the host's refusal. */
interface ExplainedRange extends Range {
  /** The reason of a VMM that skips the range; `undefined` where the host has refused to map the range. */
  readonly reason: SkipReason | undefined;
}

const UPPER_HALF = 1n << 63n;

/** Reasons that say of a section that it is not made of whole pages. */
const NOT_WHOLE: readonly SkipReason[] = ['incongruent', 'empty', 'iommu-page'];
/** Reasons that depend on the section alone, and not on what the VMM chooses. */
const ABOUT_SECTION: readonly SkipReason[] = [...NOT_WHOLE, 'top-half', 'protected'];

/**
 * A user who looks for peer-to-peer DMA that does not work needs a line that says why: of a section of device
 * memory that a container does not map, the VMM has said that it skips the section, or the host has refused it. What the
 * VMM says must be true, and a VMM that maps device memory must not leave out whole pages that the host would map.
 */
export class UnmappedReasons {
  readonly #examination: Examination;
  readonly #trace: Trace;
  /** The larger one of the pages of host and IOMMU, in bytes. */
  readonly #page: bigint;
  /** What the VMM and the host have said, by container. */
  readonly #explained = new Map<string, ExplainedRange[]>();
  /** Whether the VMM has given a reason that is its own choice. */
  #chooses = false;

  constructor(trace: Trace, examination: Examination) {
    this.#examination = examination;
    this.#trace = trace;
    const { host, iommu } = trace.pages;
    this.#page = greater(host, iommu);
  }

  note(event: VmmEvent): void {
    if (event.type === 'skip') {
      if (event.deviceMemory && !ABOUT_SECTION.includes(event.reason)) this.#chooses = true;
      this.#add(event.container, { ...rangeFrom(event.start, event.size), reason: event.reason });
    } else if (event.type === 'dma-map' && event.errno !== 0)
      this.#add(event.container, { ...rangeFrom(event.iova, event.size), reason: undefined });
    else if (event.type === 'window-create' && event.errno !== 0)
      this.#add(event.container, { ...rangeFrom(event.start, event.size), reason: undefined });
  }

  /** @param remapped ranges of the view for DMA that are new, or have got or lost a mapping. */
  judge(
    remapped: readonly TraceRange[],
    { containers, dmaView }: Pick<State, 'containers' | 'dmaView'>,
  ): void {
    // A mapping that is new may show that the VMM leaves out what it could map elsewhere.
    for (const range of this.#chooses && remapped.length > 0 ? dmaView : remapped) {
      if (range.region.kind !== 'ram-device') continue;
      for (const container of containers) this.#judge(range, container);
    }
  }

  #judge(range: TraceRange, container: ContainerState): void {
    const unmapped = partsOutside(range, mappedIn(range, container));
    if (unmapped[0] === undefined) return;
    if (unmapped[0].start > range.start || unmapped[0].end < range.end) {
      this.#judgeRest(range, unmapped, container);
      return;
    }
    const explained = this.#explained.get(container.name)?.findLast((one) => overlaps(one, range));
    if (explained === undefined) {
      this.#examination.violate(
        'unexplained',
        () => `${container.name} maps nothing of ${rangeText(range)}, and the VMM does not say why`,
        range,
      );
      return;
    }
    this.#judgeReason(range, explained, container);
  }

  /** Reports a reason that is not true of the range, or of a VMM that leaves out what it could map. */
  #judgeReason(range: TraceRange, explained: ExplainedRange, container: ContainerState): void {
    const { reason, start, end } = explained;
    if (reason === undefined || start !== range.start || end !== range.end) return;
    if (!this.#holds(reason, range)) {
      this.#examination.violate(
        'wrong-reason',
        () =>
          `${container.name} maps nothing of ${rangeText(range)}; the VMM says "${reason}", but that is ` +
          'not true of the range',
        range,
      );
    } else if (!ABOUT_SECTION.includes(reason) && this.#mayBeMapped(range) && mapsDeviceMemory(container)) {
      this.#examination.violate(
        'left-out',
        () =>
          `${container.name} maps nothing of ${rangeText(range)}, which has whole pages within the reach of the host; other ` +
          `device memory is mapped (the VMM says "${reason}")`,
        range,
      );
    }
  }

  /** Reports the first whole page that is not mapped of a range that the container maps in part. */
  #judgeRest(range: TraceRange, unmapped: readonly Range[], { name }: ContainerState): void {
    if (!isAligned(range.start - range.offset, this.#page)) return;
    for (const part of unmapped) {
      const start = alignUp(part.start, this.#page);
      if (start >= alignDown(part.end, this.#page)) continue;
      const page = rangeFrom(start, this.#page);
      if (this.#explained.get(name)?.some((one) => overlaps(one, page)) === true) continue;
      this.#examination.violate(
        'partly-mapped',
        () =>
          `${name} maps ${rangeText(range)} without ${spanOf(start, this.#page)}, and the VMM does not say why`,
        page,
      );
      return;
    }
  }

  /** Whether a reason that depends on the section alone is true of it. */
  #holds(reason: SkipReason, range: TraceRange): boolean {
    if (NOT_WHOLE.includes(reason)) return !this.#isWhole(range);
    if (reason === 'top-half') return range.start >= UPPER_HALF;
    return reason !== 'protected' || range.region.isProtected === true;
  }

  /** Whether the range is made of whole pages of host and IOMMU. */
  #isWhole({ start, end, offset }: TraceRange): boolean {
    return [start, end, offset].every((at) => isAligned(at, this.#page));
  }

  /** Whether hardware and host could have the range mapped: whole pages within an aperture, of BARs that may be mapped. */
  #mayBeMapped(range: TraceRange): boolean {
    const { host, devices } = this.#trace.scenario;
    const { apertures, type } = host.iommu;
    const owner = devices.find(({ id }) => id === range.region.owner);
    return (
      type !== 'spapr-tce-v2' &&
      this.#isWhole(range) &&
      range.start < UPPER_HALF &&
      (apertures === undefined ||
        apertures.some(({ start, end }) => start <= range.start && range.end - 1n <= end)) &&
      owner?.bars.every(({ p2p }) => p2p !== false) === true
    );
  }

  #add(container: string, explained: ExplainedRange): void {
    const all = this.#explained.get(container) ?? [];
    this.#explained.set(container, all);
    all.push(explained);
  }
}

/** What the container maps at the addresses of the range. */
function mappedIn({ start, end }: Range, { mappings }: ContainerState): readonly Range[] {
  const mapped: Range[] = [];
  for (let index = firstMappingAbove(mappings, start); index < mappings.length; index++) {
    const mapping = mappings[index]!;
    if (mapping.iova >= end) break;
    mapped.push({ start: mapping.iova, end: endOfMapping(mapping) });
  }
  return mapped;
}

const mapsDeviceMemory = ({ mappings }: ContainerState): boolean =>
  mappings.some(({ deviceMemory }) => deviceMemory);
