import { iova, totalSize } from '../../address/index.ts';
import { ATTACH_IOMMUFD_PT, DETACH_IOMMUFD_PT, IOAS_MAP_FLAGS } from '../../host/abi/index.ts';
import {
  Errno,
  exportDmaBuf,
  IommufdIoas,
  kernelRules,
  requestIoasMap,
  requestIoasMapFile,
  requestIoasUnmap,
  requestIovaRanges,
  type ChosenMapResult,
  type IommuDomain,
} from '../../host/index.ts';
import type { CallAnswer, CallNamed, HostCall } from '../session/host-call.ts';
import type { SessionOn } from '../session/host-session.ts';
import { SessionMemory } from '../session/memory-areas.ts';
import { answerDecode, answered, notModelled, requestedMap, type Answering } from './answering.ts';
import { apertures } from './type1-answers.ts';

const MAP_FLAGS = { READ: IOAS_MAP_FLAGS.READABLE, WRITE: IOAS_MAP_FLAGS.WRITEABLE } as const;

const mapAnswer = ({ errno, iova: mapped }: ChosenMapResult): CallAnswer =>
  answered(errno, errno === 0 ? { mapped } : {});

/** A dma-buf of a session. */
interface Buffer {
  readonly bytes: bigint;
  readonly ranges: number;
}

/** Answers the calls on an address space of iommufd, and on the device that is bound to it, from `IommufdIoas`. */
export function iommufdAnswering(session: SessionOn<'iommufd'>): Answering {
  const { info, areas, device, pageSize } = session;
  const memory = new SessionMemory(areas);
  const kernel = kernelRules(session.kernel);
  const domain: IommuDomain = { domainPageSizes: info.pageSizes, apertures: apertures(info.iovaRanges) };
  const space = new IommufdIoas({
    hostPageSize: pageSize,
    kernel,
    ...(info.attached ? domain : { domainPageSizes: 0n }),
  });
  const buffers = new Map<string, Buffer>();
  let decodeOn = device.open;

  const exported = ({ name, bar: region, ranges, flags, argsz }: CallNamed<'export-dma-buf'>): CallAnswer => {
    if (!device.open) return answered(Errno.EBADF);
    if (!kernel.iommufd!.mapsDmaBufOfBar) return answered(Errno.ENOTTY);
    const bar = device.bars.find(({ index }) => index === region);
    const start = bar?.start ?? 0n;
    const parts = ranges.map(([offset, size]) => ({ offset, size }));
    const errno = exportDmaBuf(
      { region, flags, argsz, ranges: parts },
      bar && { size: bar.size, start, io: bar.type === 'io' },
      pageSize,
    );
    if (errno === 0) buffers.set(name, { bytes: totalSize(parts), ranges: parts.length });
    return answered(errno);
  };

  return (call: HostCall): CallAnswer => {
    switch (call.call) {
      case 'ioas-map':
        return mapAnswer(requestIoasMap(space, requestedMap(call, memory, MAP_FLAGS, decodeOn), call));
      case 'ioas-map-file': {
        const buffer = buffers.get(call.name);
        const file = buffer && { ...buffer, accessible: decodeOn };
        return mapAnswer(requestIoasMapFile(space, { ...call, iova: iova(call.iova) }, file, call));
      }
      case 'ioas-unmap': {
        const range = { iova: iova(call.iova), size: call.size };
        const { errno, unmapped } = requestIoasUnmap(space, range, call.argsz);
        return answered(errno, { unmapped: errno === 0 ? unmapped : call.size });
      }
      case 'ioas-iova-ranges': {
        const { errno, returned } = requestIovaRanges(space, call.count, call.argsz);
        if (returned === undefined) return answered(errno);
        const ranges = returned.ranges.map(({ first, last }) => [first, last] as const);
        return answered(errno, { ...returned, ranges });
      }
      case 'export-dma-buf':
        return exported(call);
      case 'attach':
        if (!device.open) return answered(Errno.EBADF);
        if ((call.argsz ?? ATTACH_IOMMUFD_PT.bytes) < ATTACH_IOMMUFD_PT.bytes) return answered(Errno.EINVAL);
        return answered(space.attach(domain));
      case 'detach':
        if (!device.open) return answered(Errno.EBADF);
        if ((call.argsz ?? DETACH_IOMMUFD_PT.bytes) < DETACH_IOMMUFD_PT.bytes) return answered(Errno.EINVAL);
        space.detach();
        return answered(0);
      case 'decode':
        decodeOn = call.on;
        return answerDecode(device);
      default:
        return notModelled(call.call);
    }
  };
}
