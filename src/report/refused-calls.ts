import { hex } from '../address/index.ts';
import { errnoName } from '../host/index.ts';
import type { Trace } from '../trace/index.ts';
import type { DmaMapEvent, MemslotEvent } from '../vfio/index.ts';

/** The names of errors as the C library prints them, which QEMU's messages contain. */
const ERROR_TEXTS: Readonly<Record<string, string>> = {
  EPERM: 'Operation not permitted',
  ENXIO: 'No such device or address',
  ENOMEM: 'Cannot allocate memory',
  EFAULT: 'Bad address',
  EBUSY: 'Device or resource busy',
  EEXIST: 'File exists',
  ENODEV: 'No such device',
  EINVAL: 'Invalid argument',
  ENOSPC: 'No space left on device',
  EOVERFLOW: 'Value too large for defined data type',
};

const errorText = (errno: number): string => ERROR_TEXTS[errnoName(errno)] ?? errnoName(errno);

/**
 * The maps and memslots that the host refused, one line each, in the words of QEMU, and what they crossed. QEMU calls
 * the function `vfio_container_dma_map` from 8.2 on, and `vfio_dma_map` before.
 */
export const refusedCalls = (trace: Trace): string[] =>
  trace.steps.flatMap(({ events }, step) =>
    events.flatMap((event) => {
      if (event.type === 'dma-map' && event.errno !== 0) return [`step ${step}: ${dmaMapText(event, trace)}`];
      if (event.type === 'memslot' && event.errno !== 0)
        return [`step ${step}: ${memslotText(event, trace)}`];
      return [];
    }),
  );

function dmaMapText(event: DmaMapEvent, trace: Trace): string {
  const { iova, size, hostAddress, errno } = event;
  const name = trace.revision === 'qemu-11.1' ? 'vfio_container_dma_map' : 'vfio_dma_map';
  const vaddr = hostAddress === undefined ? '' : `, ${hex(hostAddress)}`;
  const why = mapLimit(event, trace);
  return `${name}(${hex(iova)}, ${hex(size)}${vaddr}) = -${errno} (${errorText(errno)})${why === undefined ? '' : `: ${why}`}`;
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
  return `KVM_SET_USER_MEMORY_REGION failed, slot=${slot}, start=${hex(gpa)}, size=${hex(size)}: ${errorText(errno)}${why}`;
}
