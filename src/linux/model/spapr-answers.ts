import { iova, type HostAddress } from '../../address/index.ts';
import { DMA_MAP_FLAGS } from '../../host/abi/index.ts';
import {
  Errno,
  requestSpaprCreate,
  requestSpaprMap,
  requestSpaprRegister,
  requestSpaprRemove,
  requestSpaprUnmap,
  requestSpaprUnregister,
  SpaprTceContainer,
  type PowerPlatform,
  type SystemCallAnswer,
} from '../../host/index.ts';
import type { CallAnswer, CallNamed, FieldValue, HostCall } from '../session/host-call.ts';
import type { SessionOn, SpaprInfo } from '../session/host-session.ts';
import { SessionMemory } from '../session/memory-areas.ts';
import { answered, notModelled, requestedMap, type Answering } from './answering.ts';

/** A POWER CPU shifts by the lowest 7 bits of a number, so a larger page shift names another page. */
const LARGEST_SHIFT = 127;

/** In bytes: a block of 2^43 has a list of pages as large as the memory of a host of 1 GiB with pages of 64K. */
const REFUSED_BLOCK = 1n << 43n;

/** Whether a block of `size` bytes may use up the memory of such a host, so that the kernel stops (host fact R3.6.6). */
export const mayUseUpMemory = (size: bigint): boolean => size > REFUSED_BLOCK / 2n && size < REFUSED_BLOCK;

/** A pseries guest has tables of one level, bare metal of up to five (host fact 3.1). */
const platformOf = ({ levels }: SpaprInfo): PowerPlatform => (levels === 1 ? 'pseries' : 'powernv');

/** Answers the calls on a container of sPAPR TCE v2 from `SpaprTceContainer`. */
export function spaprAnswering(session: SessionOn<'spapr-tce-v2'>): Answering {
  const { info, areas, pageSize } = session;
  const memory = new SessionMemory(areas);
  const container = new SpaprTceContainer({
    platform: platformOf(info),
    hostPageSize: pageSize,
    pageSizes: info.pageSizes,
    dma32: { start: iova(info.defaultWindow.start), size: info.defaultWindow.size },
    maxWindows: info.maxDynamicWindows,
    maxLevels: info.levels,
  });

  const register = (call: CallNamed<'register'>): CallAnswer => {
    const { vaddr, size } = call;
    if (size >= REFUSED_BLOCK) return registerTooLarge(call);
    if (mayUseUpMemory(size)) return notModelled('a block whose list of pages may use up the memory');
    const hostAddress = memory.address(vaddr) as HostAddress;
    // host facts G6 and D13: the kernel pins every page for writing, up to the first that it cannot.
    const pinnable = memory.writableBytes(hostAddress, size);
    const request = {
      hostAddress,
      size,
      unusable: pinnable < size,
      pinnablePages: Number(pinnable / pageSize),
    };
    return answerOf(requestSpaprRegister(container, request, call));
  };

  /** The kernel tests the header and the alignment first (host facts G1 and G2). */
  const registerTooLarge = ({ vaddr, size, ...header }: CallNamed<'register'>): CallAnswer => {
    const request = { hostAddress: memory.address(vaddr) as HostAddress, size, unusable: true };
    const { errno } = requestSpaprRegister(container, request, header);
    return answered(errno === Errno.EINVAL ? errno : Errno.ENOMEM);
  };

  const createWindow = (call: CallNamed<'create-window'>): CallAnswer => {
    const { pageShift, size, levels } = call;
    if (pageShift > LARGEST_SHIFT) return notModelled('a page shift above 127');
    const request = { pageSize: 1n << BigInt(pageShift), size, levels };
    const { errno, window } = requestSpaprCreate(container, request, call);
    return answered(errno, window === undefined ? {} : { start: window.start });
  };

  return (call: HostCall): CallAnswer => {
    switch (call.call) {
      case 'map':
        return answerOf(requestSpaprMap(container, requestedMap(call, memory, DMA_MAP_FLAGS, false), call));
      case 'unmap': {
        const answer = requestSpaprUnmap(container, { iova: iova(call.iova), size: call.size }, call);
        // The kernel leaves the size as it is (host fact 3.5).
        return answerOf(answer, { unmapped: call.size });
      }
      case 'register':
        return register(call);
      case 'unregister': {
        const block = { start: memory.address(call.vaddr) as HostAddress, size: call.size };
        return answered(requestSpaprUnregister(container, block, call));
      }
      case 'create-window':
        return createWindow(call);
      case 'remove-window':
        return answered(requestSpaprRemove(container, iova(call.start), call));
      default:
        return notModelled(`${call.call} on a container of sPAPR TCE`);
    }
  };
}

/** The answer of a call that may return a positive number (host facts D4 and D13). */
const answerOf = (
  { returned: ret, errno }: SystemCallAnswer,
  returned: Readonly<Record<string, FieldValue>> = {},
): CallAnswer => ({ ret, errno, returned });
