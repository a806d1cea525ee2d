import { hex } from '../address/index.ts';
import { errnoName, strerror } from '../host/index.ts';
import type { Trace } from '../trace/index.ts';
import type { DmaMapEvent, MemslotEvent } from '../vfio/index.ts';

/**
 * The maps and memslots that the host refused, one line each, in the words of QEMU, and which limit each crosses.
 *
 * @param dmaMapFunction the function that maps for DMA, by its name in the VMM that ran.
 */
export const refusedCalls = (trace: Trace, dmaMapFunction: string): string[] =>
  trace.steps.flatMap(({ events }, step) =>
    events.flatMap((event) => {
      if (event.type === 'dma-map' && event.errno !== 0)
        return [`step ${step}: ${dmaMapFunction}${dmaMapText(event, trace)}`];
      if (event.type === 'memslot' && event.errno !== 0)
        return [`step ${step}: ${memslotText(event, trace)}`];
      return [];
    }),
  );

/** The arguments of the map, the error, and the limit that the map crosses. */
function dmaMapText(event: DmaMapEvent, trace: Trace): string {
  const { iova, size, hostAddress, errno } = event;
  const vaddr = hostAddress === undefined ? '' : `, ${hex(hostAddress)}`;
  const why = mapLimit(event, trace);
  return `(${hex(iova)}, ${hex(size)}${vaddr}) = -${errno} (${strerror(errno)})${why === undefined ? '' : `: ${why}`}`;
}

/** What the map crosses, where its numbers say so. */
function mapLimit({ iova, size, errno }: DmaMapEvent, { pages, scenario }: Trace): string | undefined {
  if (errnoName(errno) !== 'EINVAL') return undefined;
  if ((iova | size) % pages.iommu !== 0n) return `not whole pages of ${hex(pages.iommu)} bytes`;
  const apertures = scenario.host.iommu.apertures ?? [];
  const last = apertures.at(-1)?.end;
  if (last === undefined) return undefined;
  if (iova + size - 1n > last) return `beyond the IOMMU's last address ${hex(last)}`;
  const isInside = apertures.some(({ start, end }) => start <= iova && iova + size - 1n <= end);
  return isInside ? undefined : 'outside the addresses that the IOMMU translates';
}

function memslotText({ slot: { slot, gpa, size }, errno }: MemslotEvent, { scenario }: Trace): string {
  const width = scenario.machine.cpu?.physBits;
  const isBeyond = width !== undefined && gpa + size > 1n << BigInt(width);
  const why = isBeyond ? `: above the ${width} address bits of the CPU` : '';
  return `KVM_SET_USER_MEMORY_REGION failed, slot=${slot}, start=${hex(gpa)}, size=${hex(size)}: ${strerror(errno)}${why}`;
}
