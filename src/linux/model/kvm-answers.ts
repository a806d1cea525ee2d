import { gpa, offset, type HostAddress } from '../../address/index.ts';
import { Errno, KvmMemslots, kernelRules, userSpaceOf, type Memslot } from '../../host/index.ts';
import type { CallAnswer, CallNamed, HostCall } from '../session/host-call.ts';
import { KVM_ARCHITECTURE, type SessionOn } from '../session/host-session.ts';
import { SessionMemory } from '../session/memory-areas.ts';
import { answerDecode, answered, notModelled, type Answering } from './answering.ts';

/** KVM_MEM_LOG_DIRTY_PAGES and KVM_MEM_READONLY. */
const LOG_DIRTY_PAGES = 1;
const READONLY = 2;

/** Answers KVM_SET_USER_MEMORY_REGION from `KvmMemslots`. */
export function kvmAnswering(session: SessionOn<'kvm'>): Answering {
  const { info, areas, device, pageSize } = session;
  const memory = new SessionMemory(areas);
  const slots = new KvmMemslots({
    hostPageSize: pageSize,
    slotLimit: info.nrMemslots,
    // KVM reports 0 for a single address space.
    addressSpaces: info.addressSpaces === undefined ? undefined : Math.max(1, info.addressSpaces),
    architecture: KVM_ARCHITECTURE[session.arch],
    kernel: kernelRules(session.kernel),
    userSpaceEnd: userSpaceOf(KVM_ARCHITECTURE[session.arch], pageSize).end,
    lastGpa: gpa((1n << BigInt(info.gpaBits)) - 1n),
  });

  const memslot = ({ slot, flags, gpa: start, size, uaddr }: CallNamed<'memslot'>): CallAnswer => {
    // host fact K2
    if (flags > (LOG_DIRTY_PAGES | READONLY)) return answered(Errno.EINVAL);
    const address = memory.address(uaddr);
    const request: Memslot = {
      slot,
      gpa: gpa(start),
      size,
      hostAddress: address as HostAddress,
      readonly: (flags & READONLY) !== 0,
      logDirtyPages: (flags & LOG_DIRTY_PAGES) !== 0,
      deviceMemory: memory.meetsBar(address, size),
      backing: { region: uaddr.area, owner: undefined, offset: offset(uaddr.offset) },
    };
    return answered(slots.set(request));
  };

  return (call: HostCall): CallAnswer => {
    if (call.call === 'memslot') return memslot(call);
    // KVM does not look at the memory decode of a device.
    return call.call === 'decode' ? answerDecode(device) : notModelled(call.call);
  };
}
