import { gpa, offset, type HostAddress } from '../../address/index.ts';
import { Errno, KvmMemslots, type Memslot } from '../../host/index.ts';
import type { Answer, CallNamed, HostCall } from '../session/host-call.ts';
import type { SessionOn } from '../session/host-session.ts';
import { SessionMemory } from '../session/memory-areas.ts';
import { answered, notModelled, type Answering } from './answering.ts';

/** KVM_MEM_LOG_DIRTY_PAGES and KVM_MEM_READONLY. */
const LOG_DIRTY_PAGES = 1;
const READONLY = 2;

/** Below this address all architectures have user space; where it ends differs (host fact D16). */
const SURELY_USER_SPACE = 1n << 47n;

/** Answers KVM_SET_USER_MEMORY_REGION from `KvmMemslots`. */
export function kvmAnswering(session: SessionOn<'kvm'>): Answering {
  const { info, arch, areas, pageSize } = session;
  const memory = new SessionMemory(areas);
  const slots = new KvmMemslots({
    hostPageSize: pageSize,
    slotLimit: info.nrMemslots,
    supportsReadonly: info.readonlyMem,
    lastGpa: gpa((1n << BigInt(info.gpaBits)) - 1n),
    aboveLastGpa: arch === 'aarch64' ? Errno.EFAULT : Errno.EINVAL,
  });

  const memslot = ({ slot, flags, gpa: start, size, uaddr }: CallNamed<'memslot'>): Answer => {
    if (slot > 0xffff) return notModelled('a second address space (host fact D17)');
    if (flags > (LOG_DIRTY_PAGES | READONLY)) return notModelled('these flags (host fact K2)');
    const address = memory.address(uaddr);
    if (address === undefined) return notModelled('a BAR that the session could not mmap');
    if (address + size > SURELY_USER_SPACE) return notModelled('the end of user space (host fact D16)');
    const request: Memslot = {
      slot,
      gpa: gpa(start),
      size,
      hostAddress: address as HostAddress,
      readonly: (flags & READONLY) !== 0,
      logDirtyPages: (flags & LOG_DIRTY_PAGES) !== 0,
      backing: { region: uaddr.area, owner: undefined, offset: offset(uaddr.offset) },
    };
    const before = slots.slots().find((one) => one.slot === slot);
    const errno = slots.set(request);
    // EEXIST and EFAULT come first (host fact D15).
    const refusedOnArm = arch === 'aarch64' && request.logDirtyPages && memory.meetsBar(address, size);
    if (errno !== 0 || !refusedOnArm) return answered(errno);
    slots.delete(slot);
    if (before !== undefined) slots.set(before);
    return notModelled('the dirty log of a BAR on arm64 (host fact D15)');
  };

  return (call: HostCall): Answer =>
    call.call === 'memslot' ? memslot(call) : notModelled('writes to configuration space');
}
