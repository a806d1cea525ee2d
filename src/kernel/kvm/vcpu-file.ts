import { closeSync, ftruncateSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { KVM_NUMBERS, LIST_LENGTH } from '../../host/abi/index.ts';
import { LARGEST_PAGE } from '../../scenario/index.ts';
import { answered, done, type IoctlCall, type KernelAnswer, type KernelFile } from '../system-call.ts';
import { answerWithoutEffect } from './accepted-requests.ts';

/** Bytes that KVM shares with QEMU for each CPU: struct kvm_run, and pages for ports and coalesced writes. */
export const RUN_BYTES = 3 * 4096;
/** The answer to KVM_RUN: a signal came before the guest did anything. */
const EINTR = 4;
const RUN = 0x80;

/** A virtual CPU, which never runs. */
export class VcpuFile implements KernelFile {
  readonly kind = 'KVM CPU';
  readonly #path: string;

  /** @param folder where the file of the shared memory goes. */
  constructor(index: number, folder: string) {
    this.#path = join(folder, `cpu${index}`);
    const file = openSync(this.#path, 'w', 0o600);
    ftruncateSync(file, Number(LARGEST_PAGE));
    closeSync(file);
  }

  ioctl(call: IoctlCall): KernelAnswer | undefined {
    switch (call.number) {
      case KVM_NUMBERS.GET_MSRS:
      case KVM_NUMBERS.SET_MSRS:
        // All of the list was read or written.
        return done(call.read(LIST_LENGTH).count);
      case RUN:
        return answered(EINTR);
      default:
        return answerWithoutEffect('cpu', call);
    }
  }

  mmap(offset: bigint): KernelAnswer {
    return done(offset, { data: Buffer.from(this.#path) });
  }
}
