import { concatenate, CPUID_ENTRY, CPUID_LIST, KVM_NUMBERS, LIST_LENGTH } from '../../host/abi/index.ts';
import type { HostState } from '../host-state.ts';
import { answered, done, type IoctlCall, type KernelAnswer, type KernelFile } from '../system-call.ts';
import { answerWithoutEffect } from './accepted-requests.ts';
import { capabilityOf } from './capabilities.ts';
import { CPUID } from './cpuid.ts';
import { RUN_BYTES } from './vcpu-file.ts';
import { VmFile } from './vm-file.ts';

const API_VERSION = 12;
/** The answer to a list that is too short for its contents. */
const E2BIG = 7;

/** The model-specific registers that QEMU must be able to save: TSC, SYSENTER and STAR. */
const MSRS: readonly number[] = [0x10, 0x174, 0x175, 0x176, 0xc000_0081];

/**
 * KVM of an x86 host: /dev/kvm. The CPUs of the guest never run, so their state is nowhere kept: QEMU may write all of
 * it and read zeros.
 */
export class KvmFile implements KernelFile {
  readonly kind = 'KVM';
  readonly #host: HostState;

  constructor(host: HostState) {
    this.#host = host;
  }

  ioctl(call: IoctlCall): KernelAnswer | undefined {
    switch (call.number) {
      case KVM_NUMBERS.GET_API_VERSION:
        return done(API_VERSION);
      case KVM_NUMBERS.CREATE_VM:
        return done(call.spare, { opens: new VmFile(this.#host) });
      case KVM_NUMBERS.GET_MSR_INDEX_LIST:
        return msrList(call, MSRS);
      case KVM_NUMBERS.GET_MSR_FEATURE_INDEX_LIST:
        return msrList(call, []);
      case KVM_NUMBERS.CHECK_EXTENSION:
        return done(capabilityOf(Number(call.argument), this.#host.rules));
      case KVM_NUMBERS.GET_VCPU_MMAP_SIZE:
        return done(RUN_BYTES);
      case KVM_NUMBERS.GET_SUPPORTED_CPUID:
        return supportedCpuid(call);
      case KVM_NUMBERS.GET_EMULATED_CPUID:
        return call.returns(CPUID_LIST.encode({ nent: 0 }));
      default:
        return answerWithoutEffect('system', call);
    }
  }
}

function msrList(call: IoctlCall, list: readonly number[]): KernelAnswer {
  const { count } = call.read(LIST_LENGTH);
  const head = call.write(LIST_LENGTH.encode({ count: list.length }));
  if (count < list.length) return answered(E2BIG, [head]);
  const bytes = concatenate(...list.map((msr) => LIST_LENGTH.encode({ count: msr })));
  return done(0, { writes: [head, call.write(bytes, LIST_LENGTH.bytes)] });
}

/** QEMU asks with longer and longer lists until all entries fit. */
function supportedCpuid(call: IoctlCall): KernelAnswer {
  if (call.read(CPUID_LIST).nent < CPUID.length) return answered(E2BIG);
  const head = call.write(CPUID_LIST.encode({ nent: CPUID.length }));
  const entries = concatenate(...CPUID.map((entry) => CPUID_ENTRY.encode(entry)));
  return done(0, { writes: [head, call.write(entries, CPUID_LIST.bytes)] });
}
