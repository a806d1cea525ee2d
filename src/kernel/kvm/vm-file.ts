import { gpa, hostAddress } from '../../address/index.ts';
import {
  CREATE_DEVICE,
  KVM_DEVICE_TYPES,
  KVM_NUMBERS,
  MEMORY_REGION,
  MEMORY_REGION_FLAGS,
} from '../../host/abi/index.ts';
import { Errno, type KvmMemslots, type Memslot } from '../../host/index.ts';
import { injectedMark } from '../../vfio/index.ts';
import { makeHostKvm } from '../../model/index.ts';
import { UNKNOWN } from '../host-events.ts';
import type { HostState } from '../host-state.ts';
import { answered, done, type IoctlCall, type KernelAnswer, type KernelFile } from '../system-call.ts';
import { answerWithoutEffect } from './accepted-requests.ts';
import { capabilityOf } from './capabilities.ts';
import { KvmDeviceFile } from './kvm-device-file.ts';
import { VcpuFile } from './vcpu-file.ts';

/** In the number of a slot, the address space is above these bits (host fact D17). */
const SLOT_BITS = 16;

/** A virtual machine of KVM. Its memory slots are those of the host model. */
export class VmFile implements KernelFile {
  readonly kind = 'KVM machine';
  readonly #host: HostState;
  readonly #slots: KvmMemslots;

  constructor(host: HostState) {
    this.#host = host;
    this.#slots = makeHostKvm(host.scenario);
    host.watchSlots(() => this.#slots.slots());
  }

  ioctl(call: IoctlCall): KernelAnswer | undefined {
    switch (call.number) {
      case KVM_NUMBERS.CHECK_EXTENSION:
        return done(capabilityOf(Number(call.argument), this.#host.rules));
      case KVM_NUMBERS.CREATE_VCPU: {
        const opens = new VcpuFile(Number(call.argument), this.#host.folder);
        return done(call.spare, { opens });
      }
      case KVM_NUMBERS.SET_USER_MEMORY_REGION:
      case KVM_NUMBERS.SET_USER_MEMORY_REGION2:
        return this.#setSlot(call);
      case KVM_NUMBERS.CREATE_DEVICE:
        return createDevice(call);
      default:
        return answerWithoutEffect('machine', call);
    }
  }

  #setSlot(call: IoctlCall): KernelAnswer {
    const {
      slot,
      flags,
      guest_phys_addr: start,
      memory_size: size,
      userspace_addr: address,
    } = call.read(MEMORY_REGION);
    const { LOG_DIRTY_PAGES, READONLY } = MEMORY_REGION_FLAGS;
    // host fact K2
    if ((flags & ~(LOG_DIRTY_PAGES | READONLY)) !== 0) return answered(Errno.EINVAL);
    const { backing, deviceMemory } = this.#host.memory.at(address);
    const request: Memslot = {
      slot,
      gpa: gpa(start),
      size,
      hostAddress: hostAddress(address),
      readonly: (flags & READONLY) !== 0,
      logDirtyPages: (flags & LOG_DIRTY_PAGES) !== 0,
      deviceMemory,
      backing: backing ?? UNKNOWN,
    };
    // The second address space is that of system management mode, which a trace does not show.
    const isShown = slot >>> SLOT_BITS === 0;
    const fault = isShown && size > 0n ? this.#host.faultOf('memslot', { start, size }) : 0;
    const errno = fault || this.#slots.set(request);
    if (isShown) this.#host.events.add({ type: 'memslot', slot: request, errno, ...injectedMark(fault) });
    return answered(errno);
  }
}

/** KVM_CREATE_DEVICE: the device of VFIO alone. */
function createDevice(call: IoctlCall): KernelAnswer {
  const request = call.read(CREATE_DEVICE);
  if (request.type !== KVM_DEVICE_TYPES.VFIO) return answered(Errno.ENODEV);
  return call.returns(CREATE_DEVICE.encode({ ...request, fd: call.spare }), { opens: new KvmDeviceFile() });
}
