import { iova } from '../../address/index.ts';
import { DMA_MAP_FLAGS } from '../../host/abi/index.ts';
import {
  kernelRules,
  requestType1Map,
  requestType1Unmap,
  Type1Container,
  type Aperture,
} from '../../host/index.ts';
import type { CallAnswer, CallNamed, HostCall } from '../session/host-call.ts';
import type { SessionOn } from '../session/host-session.ts';
import { SessionMemory } from '../session/memory-areas.ts';
import { answerDecode, answered, notModelled, requestedMap, type Answering } from './answering.ts';

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

  const map = (call: CallNamed<'map'>): CallAnswer =>
    answered(requestType1Map(container, requestedMap(call, memory, DMA_MAP_FLAGS, decodeOn), call));

  const unmap = (call: CallNamed<'unmap' | 'unmap-all'>): CallAnswer => {
    const range = { iova: iova(call.iova), size: call.size };
    const { errno, unmapped } = requestType1Unmap(container, range, call);
    // After an error the kernel leaves the field unchanged (host fact R1.5.1).
    return answered(errno, { unmapped: errno === 0 ? unmapped : call.size });
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
        return answerDecode(device);
      default:
        return notModelled(`${call.call} on a container of type1`);
    }
  };
}
