import type { HostAddress, Iova, Size } from '../address/index.ts';
import { DMA_MAP, DMA_MAP_FLAGS, DMA_UNMAP, REGISTER_MEMORY, TCE_CREATE, TCE_REMOVE } from './abi/index.ts';
import { Errno } from './errno.ts';
import type { DmaMapRequest } from './iommu-container.ts';
import type { RegisterMemoryRequest } from './registered-memory.ts';
import type { RequestHeader } from './request-header.ts';
import type { SpaprTceContainer } from './spapr-tce.ts';
import { failed, type SystemCallAnswer } from './system-call-answer.ts';
import type { CreateWindowRequest, WindowResult } from './tce-windows.ts';

/*
 * The calls on a container of sPAPR TCE with any `argsz` and flags. Linux vfio_iommu_spapr_tce.c:tce_iommu_ioctl. A
 * container that is not enabled refuses maps and unmaps before it looks at their header (host facts T1 and 3.5).
 *
 * A request whose header is refused makes the container the process's, too (host fact R3.6.5). So the requests call
 * `joinProcess` before the header is tested; the container's own methods call it for callers without a header.
 */

const ACCESSES = DMA_MAP_FLAGS.READ | DMA_MAP_FLAGS.WRITE;

/** Whether the kernel refuses a request's header with EINVAL. */
const isRefused = ({ argsz, flags }: RequestHeader, bytes: number, known = 0): boolean =>
  (argsz ?? bytes) < bytes || (flags & ~known) !== 0;

/** VFIO_IOMMU_MAP_DMA, host facts T1, T2 and T6. */
export function requestSpaprMap(
  container: SpaprTceContainer,
  request: DmaMapRequest,
  header: RequestHeader,
): SystemCallAnswer {
  if (!container.isEnabled) return failed(Errno.EPERM);
  if (isRefused(header, DMA_MAP.bytes, ACCESSES)) return failed(Errno.EINVAL);
  return container.answerMap(request, { grantsAccess: header.flags !== 0 });
}

/** VFIO_IOMMU_UNMAP_DMA, host fact 3.5. */
export function requestSpaprUnmap(
  container: SpaprTceContainer,
  { iova, size }: { readonly iova: Iova; readonly size: Size },
  header: RequestHeader,
): SystemCallAnswer {
  if (!container.isEnabled) return failed(Errno.EPERM);
  if (isRefused(header, DMA_UNMAP.bytes)) return failed(Errno.EINVAL);
  return container.answerUnmap(iova, size);
}

/** VFIO_IOMMU_SPAPR_REGISTER_MEMORY, host fact G1. */
export function requestSpaprRegister(
  container: SpaprTceContainer,
  request: RegisterMemoryRequest,
  header: RequestHeader,
): SystemCallAnswer {
  container.joinProcess();
  if (isRefused(header, REGISTER_MEMORY.bytes)) return failed(Errno.EINVAL);
  return container.answerRegisterMemory(request);
}

/** VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY, host facts G1, R3.6.1 and R3.6.5. */
export function requestSpaprUnregister(
  container: SpaprTceContainer,
  { start, size }: { readonly start: HostAddress; readonly size: Size },
  header: RequestHeader,
): Errno {
  if (!container.hasProcess) return Errno.EPERM;
  if (isRefused(header, REGISTER_MEMORY.bytes)) return Errno.EINVAL;
  return container.unregisterMemory(start, size);
}

/** VFIO_IOMMU_SPAPR_TCE_CREATE, host fact C2. */
export function requestSpaprCreate(
  container: SpaprTceContainer,
  request: CreateWindowRequest,
  header: RequestHeader,
): WindowResult {
  container.joinProcess();
  if (isRefused(header, TCE_CREATE.bytes)) return { errno: Errno.EINVAL, window: undefined };
  return container.createWindow(request);
}

/** VFIO_IOMMU_SPAPR_TCE_REMOVE, host fact 3.7. */
export function requestSpaprRemove(
  container: SpaprTceContainer,
  address: Iova,
  header: RequestHeader,
): Errno {
  container.joinProcess();
  if (isRefused(header, TCE_REMOVE.bytes)) return Errno.EINVAL;
  return container.removeWindow(address);
}
