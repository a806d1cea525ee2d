import { iova } from '../../address/index.ts';
import { Type1Container, kernelRules, type Aperture } from '../../host/index.ts';
import type { CallAnswer, CallNamed, HostCall } from '../session/host-call.ts';
import type { SessionOn } from '../session/host-session.ts';
import { SessionMemory } from '../session/memory-areas.ts';
import { answered, notModelled, requestedMap, VFIO_FLAGS, type Answering } from './answering.ts';

/** Bytes of vfio_iommu_type1_dma_map and vfio_iommu_type1_dma_unmap (host facts M2 and U2). */
const MAP_BYTES = 32;
const UNMAP_BYTES = 24;
/** VFIO_DMA_UNMAP_FLAG_ALL. */
const UNMAP_ALL = 2;

/** The apertures of a session's ranges. Each range has its first and its last address. */
export const apertures = (ranges: readonly (readonly [bigint, bigint])[]): Aperture[] =>
  ranges.map(([first, last]) => ({ first: iova(first), last: iova(last) }));

/** Answers the calls on a type1 container, version 1 or 2, from `Type1Container`. */
export function type1Answering(session: SessionOn<'type1v2' | 'type1'>): Answering {
  const { info, areas, device } = session;
  const container = new Type1Container({
    hostPageSize: session.pageSize,
    domainPageSizes: info.pageSizes,
    apertures: apertures(info.iovaRanges),
    maxMappings: info.dmaEntryLimit,
    kernel: kernelRules(session.kernel),
    version: session.container === 'type1' ? 1 : 2,
  });
  const memory = new SessionMemory(areas);
  let decodeOn = device.open;

  const map = (call: CallNamed<'map'>): CallAnswer => {
    if (call.argsz !== undefined && call.argsz !== MAP_BYTES)
      return notModelled('another argsz (host fact M2)');
    if (call.flags < 1 || call.flags > 3) return notModelled('these flags (host facts M3 and M5)');
    const map = requestedMap(call, memory, VFIO_FLAGS, decodeOn);
    if (map === undefined) return notModelled('a BAR that the session could not mmap');
    const errno = container.map(map.request);
    // EFAULT comes after all other checks, and the kernel undoes the mapping (host facts R1.4.1 and D18).
    if (errno !== 0 || map.usable) return answered(errno);
    container.unmap(map.request.iova, map.request.size);
    return notModelled('memory that the kernel cannot pin (host fact D18)');
  };

  const unmap = ({ iova: start, size, flags, argsz }: CallNamed<'unmap' | 'unmap-all'>): CallAnswer => {
    if (argsz !== undefined && argsz !== UNMAP_BYTES) return notModelled('another argsz (host fact U2)');
    const all = flags === UNMAP_ALL && start === 0n && size === 0n;
    if (flags !== 0 && !all) return notModelled('these flags (host facts U2 to U5 and U7)');
    const { errno, unmapped } = all ? container.unmapAll() : container.unmap(iova(start), size);
    // After an error the kernel leaves the field unchanged (host fact R1.5.1).
    return answered(errno, { unmapped: errno === 0 ? unmapped : size });
  };

  return (call: HostCall): CallAnswer => {
    switch (call.call) {
      case 'map':
        return map(call);
      case 'unmap':
      case 'unmap-all':
        return unmap(call);
      case 'info':
        return answered(0, { avail: container.available });
      case 'decode':
        decodeOn = call.on;
        return notModelled('writes to configuration space');
      default:
        return notModelled(`${call.call} on a container of type1`);
    }
  };
}
