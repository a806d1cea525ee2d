import { bytes, hex, overlaps, type Range } from '../../address/index.ts';
import type { Step, Trace } from '../../trace/index.ts';
import type { DmaMapEvent } from '../../vfio/index.ts';

/** Which numbers of a DMA map are no multiples of the smallest page of the IOMMU. */
export interface UnalignedMap {
  /** `iova and size`. */
  readonly names: string;
  /** One sentence, with the numbers. */
  readonly sentence: string;
}

/**
 * What is unaligned in the DMA map at the addresses of a violation; `undefined` where there is no such map or nothing of
 * the map is unaligned. A vfio-user client sends a file offset in place of the host address, so that is not judged.
 */
export function unalignedMapAt(
  { events }: Step,
  at: Range,
  { pages, scenario }: Trace,
): UnalignedMap | undefined {
  const map = events.find(
    (event): event is DmaMapEvent =>
      event.type === 'dma-map' && overlaps(at, { start: event.iova, end: event.iova + event.size }),
  );
  if (map === undefined) return undefined;
  const sendsAddresses = scenario.host.iommu.type !== 'vfio-user';
  const numbers = [
    ['iova', map.iova],
    ['size', map.size],
    ['host address', sendsAddresses ? map.hostAddress : undefined],
  ] as const;
  const unaligned = numbers.filter(([, value]) => value !== undefined && value % pages.iommu !== 0n);
  if (unaligned.length === 0) return undefined;
  const aligned = numbers.filter(([, value]) => value !== undefined && value % pages.iommu === 0n);
  const rest =
    aligned.length === 0 ? '' : `; ${listed(aligned.map(([name]) => name))} ${isOrAre(aligned)} aligned`;
  const values = listed(unaligned.map(([name, value]) => `${name} ${hex(value!)}`));
  return {
    names: listed(unaligned.map(([name]) => name)),
    sentence: `Unaligned: ${values} ${isOrAre(unaligned)} no multiple of ${bytes(pages.iommu)}, the smallest page of the IOMMU${rest}.`,
  };
}

const isOrAre = (items: readonly unknown[]): string => (items.length === 1 ? 'is' : 'are');

const listed = (words: readonly string[]): string =>
  words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)!}`;
