import { END_OF_SPACE, iova, smallestPage } from '../address/index.ts';
import {
  CAPABILITY_HEADER,
  concatenate,
  COUNTED_RANGES,
  DMA_AVAIL,
  DMA_MAP,
  DMA_MAP_FLAGS,
  DMA_UNMAP,
  DMA_UNMAP_FLAGS,
  RANGE,
  TYPE1_CAPABILITIES,
  TYPE1_INFO,
  TYPE1_INFO_FLAGS,
} from '../host/abi/index.ts';
import { Errno, failedUnmap, type Type1Container, type UnmapResult } from '../host/index.ts';
import { injectedMark } from '../vfio/index.ts';
import type { HostState } from './host-state.ts';
import { mapRequest } from './map-request.ts';
import type { VfioHandlers } from './request-numbers.ts';
import { answered, type IoctlCall, type KernelAnswer } from './system-call.ts';

/** A container whose requests are answered. */
interface Type1 {
  readonly host: HostState;
  readonly name: string;
  readonly iommu: Type1Container;
}

const { READ, WRITE } = DMA_MAP_FLAGS;
/** Bytes of the fixed part of GET_INFO that every kernel fills (host fact 1.6). */
const OLD_INFO_BYTES = 16;

/** Answers the requests on a container of type1 from the host model. */
export const type1Handlers = (type1: Type1): VfioHandlers => ({
  IOMMU_GET_INFO: (call) => getInfo(type1, call),
  IOMMU_MAP_DMA: (call) => map(type1, call),
  IOMMU_UNMAP_DMA: (call) => unmap(type1, call),
  // pseries asks every container for EEH, which only one of sPAPR can have.
  EEH_PE_OP: () => answered(Errno.ENOTTY),
});

function map({ host, name, iommu }: Type1, call: IoctlCall): KernelAnswer {
  const { argsz, flags, vaddr, iova: at, size } = call.read(DMA_MAP);
  // host facts M2, M3 and M5
  if (argsz < DMA_MAP.bytes || flags === 0 || (flags & ~(READ | WRITE)) !== 0) return answered(Errno.EINVAL);
  const fields = { iova: at, size, address: vaddr, readonly: (flags & WRITE) === 0 };
  const request = mapRequest(fields, host.memory);
  const fault = host.faultOf('dma-map', { start: at, size });
  const errno = fault || iommu.map(request);
  host.events.add({ type: 'dma-map', container: name, ...request, errno, ...injectedMark(fault) });
  return answered(errno);
}

function unmap({ host, name, iommu }: Type1, call: IoctlCall): KernelAnswer {
  const { argsz, flags, iova: at, size } = call.read(DMA_UNMAP);
  const all = iommu.rules.replacesAddresses && flags === DMA_UNMAP_FLAGS.ALL && at === 0n && size === 0n;
  // host facts U2 to U5, U7 and 0.1
  if (argsz < DMA_UNMAP.bytes || (flags !== 0 && !all)) return answered(Errno.EINVAL);
  const range = all ? { iova: iova(0n), size: END_OF_SPACE } : { iova: iova(at), size };
  const fault = host.faultOf('dma-unmap', { start: range.iova, size: range.size });
  const carryOut = (): UnmapResult => (all ? iommu.unmapAll() : iommu.unmap(iova(at), size));
  const { errno, unmapped } = fault === 0 ? carryOut() : failedUnmap(fault);
  const event = { type: 'dma-unmap', container: name, ...range, unmapped, errno } as const;
  host.events.add({ ...event, ...injectedMark(fault) });
  if (errno !== 0) return answered(errno);
  // host fact R1.5.1
  return call.returns(DMA_UNMAP.encode({ argsz, flags, iova: at, size: unmapped }));
}

/** VFIO_IOMMU_GET_INFO (host fact 1.6). */
function getInfo({ host, iommu }: Type1, call: IoctlCall): KernelAnswer {
  const { argsz } = call.read(TYPE1_INFO);
  if (argsz < OLD_INFO_BYTES) return answered(Errno.EINVAL);
  const chain = encodeChain(capabilitiesOf(host, iommu), TYPE1_INFO.bytes);
  const needed = TYPE1_INFO.bytes + chain.length;
  const fits = argsz >= needed;
  const info = TYPE1_INFO.encode({
    argsz: chain.length > 0 && !fits ? needed : argsz,
    flags: TYPE1_INFO_FLAGS.PGSIZES | (chain.length > 0 ? TYPE1_INFO_FLAGS.CAPS : 0),
    iova_pgsizes: iommu.pageSizes,
    cap_offset: chain.length > 0 && fits ? TYPE1_INFO.bytes : 0,
  });
  return call.returns(
    concatenate(info, chain).subarray(0, fits ? needed : Math.min(argsz, TYPE1_INFO.bytes)),
  );
}

interface Type1Capability {
  readonly id: number;
  readonly contents: Uint8Array;
}

/** The capabilities of the kernel, in the order of its chain. */
function capabilitiesOf({ rules, scenario }: HostState, iommu: Type1Container): readonly Type1Capability[] {
  const { MIGRATION, DMA_AVAIL: AVAILABLE, IOVA_RANGE } = TYPE1_CAPABILITIES;
  if (!rules.type1.checksValidIovas) return [];
  const { apertures = [] } = scenario.host.iommu;
  const granule = RANGE.encode({ first: smallestPage(iommu.pageSizes), second: LARGEST_BITMAP });
  const capabilities = [
    { id: MIGRATION, contents: concatenate(COUNTED_RANGES.encode({}), granule) },
    { id: AVAILABLE, contents: concatenate(DMA_AVAIL.encode({ avail: iommu.available }), PADDING) },
  ];
  if (apertures.length === 0) return capabilities;
  const ranges = apertures.map(({ start, end }) => RANGE.encode({ first: start, second: end }));
  const contents = concatenate(COUNTED_RANGES.encode({ count: apertures.length }), ...ranges);
  return [...capabilities, { id: IOVA_RANGE, contents }];
}

/** The longest dirty bitmap that the kernel takes, in bytes (host fact 1.6). */
const LARGEST_BITMAP = 1n << 28n;
/** A capability fills whole units of 8 bytes. */
const PADDING = new Uint8Array(4);

function encodeChain(capabilities: readonly Type1Capability[], start: number): Uint8Array {
  let at = start;
  return concatenate(
    ...capabilities.map(({ id, contents }, index) => {
      at += CAPABILITY_HEADER.bytes + contents.length;
      const next = index === capabilities.length - 1 ? 0 : at;
      return concatenate(CAPABILITY_HEADER.encode({ id, version: 1, next }), contents);
    }),
  );
}
