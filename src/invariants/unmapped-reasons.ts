import { overlaps } from '../address/index.ts';
import { endOfMapping, firstMappingAbove, type ContainerState, type TraceRange } from '../trace/index.ts';
import type { VmmEvent } from '../vfio/index.ts';
import { rangeFrom, rangeText } from './describe.ts';
import type { Examination } from './invariant.ts';

/**
 * A user who looks for peer-to-peer DMA that does not work needs a line that says why: of a section of device
 * memory that a container maps in no part, the VMM has said that it skips the section, or the host has refused it.
 */
export class UnmappedReasons {
  readonly #examination: Examination;
  /** What the VMM and the host have said, by container. */
  readonly #given = new Map<string, { readonly start: bigint; readonly end: bigint }[]>();

  constructor(examination: Examination) {
    this.#examination = examination;
  }

  note(event: VmmEvent): void {
    if (event.type === 'skip') this.#add(event.container, event.start, event.size);
    else if (event.type === 'dma-map' && event.errno !== 0)
      this.#add(event.container, event.iova, event.size);
    else if (event.type === 'window-create' && event.errno !== 0)
      this.#add(event.container, event.start, event.size);
  }

  /** @param ranges of the view for DMA that are new, or have lost a mapping. */
  judge(ranges: readonly TraceRange[], containers: readonly ContainerState[]): void {
    for (const range of ranges) {
      if (range.region.kind !== 'ram-device') continue;
      for (const container of containers) this.#judge(range, container);
    }
  }

  #judge(range: TraceRange, { name, mappings }: ContainerState): void {
    const mapping = mappings[firstMappingAbove(mappings, range.start)];
    if (mapping !== undefined && mapping.iova < range.end && endOfMapping(mapping) > range.start) return;
    if (this.#given.get(name)?.some((given) => overlaps(given, range)) === true) return;
    this.#examination.violate(
      'unexplained',
      () => `${name} maps nothing of ${rangeText(range)}, and the VMM does not say why`,
      range,
    );
  }

  #add(container: string, start: bigint, size: bigint): void {
    const given = this.#given.get(container) ?? [];
    this.#given.set(container, given);
    given.push(rangeFrom(start, size));
  }
}
