import { iova, isAligned, type HostAddress } from '../../address/index.ts';
import { SpaprTceContainer } from '../../host/index.ts';
import type { CallAnswer, CallNamed, HostCall } from '../session/host-call.ts';
import type { SessionOn } from '../session/host-session.ts';
import { SessionMemory } from '../session/memory-areas.ts';
import { answered, notModelled, requestedMap, VFIO_FLAGS, type Answering } from './answering.ts';

const LARGEST_SHIFT = 63;

/** Answers the calls on a container of sPAPR TCE v2 from `SpaprTceContainer`, the model of a bare-metal host. */
export function spaprAnswering(session: SessionOn<'spapr-tce-v2'>): Answering {
  const { info, areas, pageSize } = session;
  const memory = new SessionMemory(areas);
  const container = new SpaprTceContainer({
    hostPageSize: pageSize,
    pageSizes: info.pageSizes,
    dma32: { start: iova(info.defaultWindow.start), size: info.defaultWindow.size },
    maxWindows: info.maxDynamicWindows,
    maxLevels: info.levels,
  });

  const map = (call: CallNamed<'map'>): CallAnswer => {
    if (call.flags < 1 || call.flags > 3) return notModelled('these flags (host facts T2 and T6)');
    const map = requestedMap(call, memory, VFIO_FLAGS, false);
    if (map === undefined) return notModelled('a BAR that the session could not mmap');
    const { returned, errno } = container.answerMap(map.request);
    return { ret: returned, errno, returned: {} };
  };

  const register = ({ vaddr, size, flags }: CallNamed<'register'>): CallAnswer => {
    if (flags !== 0) return notModelled('flags (host fact G1)');
    const address = memory.address(vaddr);
    if (address === undefined) return notModelled('a BAR that the session could not mmap');
    const { readable, writable, bar } = memory.at(address, size === 0n ? 1n : size, true);
    const checked = isAligned(address | size, pageSize) && size > 0n;
    // The kernel pins the pages between other checks, so the model would have to guess the errno.
    if (checked && !readable) return notModelled('memory that is not there (host fact G6)');
    const readonly = readable && !writable;
    if (readonly && memory.at(address, 1n, true).writable) {
      return notModelled('a block that is only partly writable (host fact D13)');
    }
    const hostAddress = address as HostAddress;
    const answer = container.answerRegisterMemory({
      hostAddress,
      size,
      readonly,
      deviceMemory: bar !== undefined,
    });
    return { ret: answer.returned, errno: answer.errno, returned: {} };
  };

  const unregister = ({ vaddr, size, flags }: CallNamed<'unregister'>): CallAnswer => {
    if (flags !== 0) return notModelled('flags (host fact G1)');
    const address = memory.address(vaddr);
    if (address === undefined) return notModelled('a BAR that the session could not mmap');
    return answered(container.unregisterMemory(address as HostAddress, size));
  };

  const createWindow = ({ pageShift, size, levels, flags }: CallNamed<'create-window'>): CallAnswer => {
    if (flags !== 0) return notModelled('flags (host fact C2)');
    if (pageShift > LARGEST_SHIFT) return notModelled('a page of 2^64 bytes or more');
    const { errno, window } = container.createWindow({ pageSize: 1n << BigInt(pageShift), size, levels });
    return answered(errno, window === undefined ? {} : { start: window.start });
  };

  return (call: HostCall): CallAnswer => {
    switch (call.call) {
      case 'map':
        return map(call);
      case 'unmap': {
        if (call.flags !== 0) return notModelled('flags (host fact 3.5)');
        // The kernel leaves the size as it is (host fact 3.5).
        const { returned, errno } = container.answerUnmap(iova(call.iova), call.size);
        return { ret: returned, errno, returned: { unmapped: call.size } };
      }
      case 'register':
        return register(call);
      case 'unregister':
        return unregister(call);
      case 'create-window':
        return createWindow(call);
      case 'remove-window':
        return call.flags === 0
          ? answered(container.removeWindow(iova(call.start)))
          : notModelled('flags of TCE_REMOVE');
      default:
        return notModelled(`${call.call} on a container of sPAPR TCE`);
    }
  };
}
