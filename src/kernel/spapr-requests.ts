import { hostAddress, iova } from '../address/index.ts';
import {
  DMA_MAP,
  DMA_MAP_FLAGS,
  DMA_UNMAP,
  REGISTER_MEMORY,
  SPAPR_INFO,
  TCE_CREATE,
  TCE_REMOVE,
} from '../host/abi/index.ts';
import { Errno, failed, type SpaprTceContainer, type SystemCallAnswer } from '../host/index.ts';
import { injectedMark } from '../vfio/index.ts';
import type { HostState } from './host-state.ts';
import { mapRequest } from './map-request.ts';
import type { VfioHandlers } from './request-numbers.ts';
import { answered, done, type IoctlCall, type KernelAnswer } from './system-call.ts';

/** A container whose requests are answered. */
interface Spapr {
  readonly host: HostState;
  readonly name: string;
  readonly iommu: SpaprTceContainer;
}

/** The default window of a host, and the limits of windows (host fact 3.1). */
const DMA32_SIZE = 0x8000_0000;
const DEFAULT_WINDOWS = 2;
const TABLE_LEVELS = 5;
/** VFIO_IOMMU_SPAPR_INFO_DDW. */
const HAS_DYNAMIC_WINDOWS = 1;
/** Bits of the largest page that a window can ask for. */
const LARGEST_SHIFT = 63;

const { READ, WRITE } = DMA_MAP_FLAGS;

/** Answers the requests on a container of sPAPR TCE v2 from the host model. */
export const spaprHandlers = (spapr: Spapr): VfioHandlers => ({
  IOMMU_GET_INFO: (call) => getInfo(spapr, call),
  IOMMU_MAP_DMA: (call) => map(spapr, call),
  IOMMU_UNMAP_DMA: (call) => unmap(spapr, call),
  IOMMU_SPAPR_REGISTER_MEMORY: (call) => register(spapr, call),
  IOMMU_SPAPR_UNREGISTER_MEMORY: (call) => unregister(spapr, call),
  IOMMU_SPAPR_TCE_CREATE: (call) => createWindow(spapr, call),
  IOMMU_SPAPR_TCE_REMOVE: (call) => removeWindow(spapr, call),
  // The host has no EEH: VFIO_EEH is no extension of the container.
  EEH_PE_OP: () => answered(Errno.ENOTTY),
});

/** The kernel may return a positive number, which is neither success nor an error (host fact D4). */
const returned = ({ returned: result, errno }: SystemCallAnswer): KernelAnswer =>
  errno === 0 ? done(result) : answered(errno);

/** The error of an answer in events, where a positive answer counts as the error that QEMU makes of it. */
const errnoOf = ({ returned: result, errno }: SystemCallAnswer, otherwise: Errno): Errno =>
  result > 0 ? otherwise : errno;

function getInfo({ host, iommu }: Spapr, call: IoctlCall): KernelAnswer {
  const { argsz } = call.read(SPAPR_INFO);
  const info = SPAPR_INFO.encode({
    ...{ argsz, flags: HAS_DYNAMIC_WINDOWS, dma32_window_start: 0, dma32_window_size: DMA32_SIZE },
    pgsizes: iommu.pageSizes,
    max_dynamic_windows_supported: host.scenario.host.iommu.maxWindows ?? DEFAULT_WINDOWS,
    levels: TABLE_LEVELS,
  });
  return call.returns(info.subarray(0, Math.min(argsz, info.length)));
}

function map({ host, name, iommu }: Spapr, call: IoctlCall): KernelAnswer {
  const { argsz, flags, vaddr, iova: at, size } = call.read(DMA_MAP);
  // host facts T2 and T6
  if (argsz < DMA_MAP.bytes || flags === 0 || (flags & ~(READ | WRITE)) !== 0) return answered(Errno.EINVAL);
  const fields = { iova: at, size, address: vaddr, readonly: (flags & WRITE) === 0 };
  const request = mapRequest(fields, host.memory);
  const fault = host.faultOf('dma-map', { start: at, size });
  const answer = fault === 0 ? iommu.answerMap(request) : failed(fault);
  const errno = errnoOf(answer, Errno.EINVAL);
  host.events.add({ type: 'dma-map', container: name, ...request, errno, ...injectedMark(fault) });
  return returned(answer);
}

function unmap({ host, name, iommu }: Spapr, call: IoctlCall): KernelAnswer {
  const { argsz, flags, iova: at, size } = call.read(DMA_UNMAP);
  // host fact 3.5
  if (argsz < DMA_UNMAP.bytes || flags !== 0) return answered(Errno.EINVAL);
  const fault = host.faultOf('dma-unmap', { start: at, size });
  const answer = fault === 0 ? iommu.answerUnmap(iova(at), size) : { ...failed(fault), unmapped: 0n };
  const errno = errnoOf(answer, Errno.EINVAL);
  const { unmapped } = answer;
  const event = { type: 'dma-unmap', container: name, iova: iova(at), size, unmapped, errno } as const;
  host.events.add({ ...event, ...injectedMark(fault) });
  return returned(answer);
}

function register({ host, name, iommu }: Spapr, call: IoctlCall): KernelAnswer {
  const { flags, vaddr, size } = call.read(REGISTER_MEMORY);
  // host fact G1
  if (flags !== 0) return answered(Errno.EINVAL);
  const { deviceMemory } = host.memory.at(vaddr);
  const address = hostAddress(vaddr);
  const answer = iommu.answerRegisterMemory({ hostAddress: address, size, deviceMemory });
  const errno = errnoOf(answer, Errno.EFAULT);
  host.events.add({ type: 'register-memory', container: name, hostAddress: address, size, errno });
  return returned(answer);
}

function unregister({ host, name, iommu }: Spapr, call: IoctlCall): KernelAnswer {
  const { flags, vaddr, size } = call.read(REGISTER_MEMORY);
  if (flags !== 0) return answered(Errno.EINVAL);
  const address = hostAddress(vaddr);
  const errno = iommu.unregisterMemory(address, size);
  host.events.add({ type: 'unregister-memory', container: name, hostAddress: address, size, errno });
  return answered(errno);
}

function createWindow({ host, name, iommu }: Spapr, call: IoctlCall): KernelAnswer {
  const request = call.read(TCE_CREATE);
  const { argsz, flags, page_shift: shift, window_size: size, levels } = request;
  // host fact C2
  if (argsz < TCE_CREATE.bytes || flags !== 0 || shift > LARGEST_SHIFT) return answered(Errno.EINVAL);
  const pageSize = 1n << BigInt(shift);
  const { errno, window } = iommu.createWindow({ pageSize, size, levels });
  const start = window?.start ?? 0n;
  const asked = { start, size, pageSize };
  host.events.add({ type: 'window-create', container: name, ...asked, deviceMemory: false, errno });
  if (window === undefined) return answered(errno);
  return call.returns(TCE_CREATE.encode({ ...request, start_addr: window.start }));
}

function removeWindow({ host, name, iommu }: Spapr, call: IoctlCall): KernelAnswer {
  const { argsz, flags, start_addr: start } = call.read(TCE_REMOVE);
  if (argsz < TCE_REMOVE.bytes || flags !== 0) return answered(Errno.EINVAL);
  const { size } = iommu.windows().find((window) => window.start === start) ?? { size: 0n };
  const errno = iommu.removeWindow(iova(start));
  host.events.add({ type: 'window-remove', container: name, start, size, deviceMemory: false, errno });
  return answered(errno);
}
