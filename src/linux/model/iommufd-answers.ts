import { iova, LAST_ADDRESS } from '../../address/index.ts';
import { IOAS_MAP_FLAGS } from '../../host/abi/index.ts';
import { Errno, IommufdIoas, kernelRules } from '../../host/index.ts';
import type { CallAnswer, CallNamed, HostCall } from '../session/host-call.ts';
import type { SessionOn } from '../session/host-session.ts';
import { SessionMemory } from '../session/memory-areas.ts';
import { answerDecode, answered, notModelled, requestedMap, type Answering } from './answering.ts';
import { apertures } from './type1-answers.ts';

const { FIXED_IOVA, WRITEABLE, READABLE } = IOAS_MAP_FLAGS;
const KNOWN_FLAGS = FIXED_IOVA | WRITEABLE | READABLE;

/** Answers the calls on an address space of iommufd from `IommufdIoas`. */
export function iommufdAnswering(session: SessionOn<'iommufd'>): Answering {
  const { info, areas, device, pageSize } = session;
  const memory = new SessionMemory(areas);
  const ioas = new IommufdIoas({
    hostPageSize: pageSize,
    domainPageSizes: info.attached ? info.pageSizes : 0n,
    apertures: info.attached ? apertures(info.iovaRanges) : [],
    kernel: kernelRules(session.kernel),
  });
  let decodeOn = device.open;
  let attachedAnew = false;

  const map = (call: CallNamed<'ioas-map'>): CallAnswer => {
    // host facts I1 to I3
    if ((call.flags & ~KNOWN_FLAGS) !== 0) return answered(Errno.EOPNOTSUPP);
    const isTooLarge = call.iova === LAST_ADDRESS || call.size === LAST_ADDRESS;
    if (isTooLarge) return answered(Errno.EOVERFLOW);
    if ((call.flags & (READABLE | WRITEABLE)) === 0) return answered(Errno.EINVAL);
    if ((call.flags & FIXED_IOVA) === 0)
      return notModelled('an IOVA that the kernel chooses (host fact I12)');
    const errno = ioas.map(requestedMap(call, memory, { READ: READABLE, WRITE: WRITEABLE }, decodeOn));
    return answered(errno, errno === 0 ? { mapped: call.iova } : {});
  };

  return (call: HostCall): CallAnswer => {
    if (call.call === 'attach' || call.call === 'detach') {
      attachedAnew = true;
      return notModelled('attaching and detaching');
    }
    if (attachedAnew) return notModelled('an address space after an attach or detach');
    switch (call.call) {
      case 'ioas-map':
        return map(call);
      case 'ioas-unmap': {
        const { errno, unmapped } = ioas.unmap(iova(call.iova), call.size);
        return answered(errno, { unmapped: errno === 0 ? unmapped : call.size });
      }
      case 'decode':
        decodeOn = call.on;
        return answerDecode(device);
      default:
        return notModelled(call.call);
    }
  };
}
