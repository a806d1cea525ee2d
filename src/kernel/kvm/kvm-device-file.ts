import type { IoctlCall, KernelAnswer, KernelFile } from '../system-call.ts';
import { answerWithoutEffect } from './accepted-requests.ts';

/** The device of KVM that is told of VFIO's groups. */
export class KvmDeviceFile implements KernelFile {
  readonly kind = 'KVM device';

  ioctl(call: IoctlCall): KernelAnswer | undefined {
    return answerWithoutEffect('device', call);
  }
}
