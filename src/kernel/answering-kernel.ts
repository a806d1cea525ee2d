import { Errno } from '../host/index.ts';
import { ContainerFile } from './container-file.ts';
import { DeviceFile } from './device-file.ts';
import { GroupFile } from './group-file.ts';
import type { HostState } from './host-state.ts';
import { IommufdFile } from './iommufd-file.ts';
import { KvmFile } from './kvm/kvm-file.ts';
import { answered, done, IoctlCall, KernelRefusal, NeverAnswered } from './system-call.ts';
import type { KernelAnswer, KernelFile, SystemCall } from './system-call.ts';

/** The kernel of a scenario's host: answers the system calls of one QEMU. */
export class AnsweringKernel {
  readonly #state: HostState;
  readonly #onUnanswered: (request: string) => void;

  /** @param onUnanswered learns of each request that gets no answer. */
  constructor(state: HostState, onUnanswered: (request: string) => void = () => undefined) {
    this.#state = state;
    this.#onUnanswered = onUnanswered;
  }

  /** Answers a system call of QEMU; nothing for one that never returns. */
  readonly answer = (call: SystemCall): KernelAnswer | undefined => {
    try {
      const answer = call.operation === 'open' ? this.#open(call) : this.#onFile(call);
      if (answer.opens !== undefined) this.#state.addFile(call.spare, answer.opens);
      return answer;
    } catch (error) {
      if (error instanceof NeverAnswered) {
        this.#onUnanswered(error.request);
        return undefined;
      }
      if (!(error instanceof KernelRefusal)) throw error;
      return answered(error.errno);
    }
  };

  #open({ data, second, spare }: SystemCall): KernelAnswer {
    this.#state.memory.process = Number(second);
    const path = Buffer.from(data).toString('latin1');
    const opens = this.#fileOf(path);
    if (opens === undefined) return answered(Errno.ENOENT);
    return done(spare, { opens });
  }

  /** The file at a path. @throws KernelRefusal with EBUSY for a group that is open. */
  #fileOf(path: string): KernelFile | undefined {
    const { iommu } = this.#state.scenario.host;
    if (path === '/dev/kvm') return new KvmFile(this.#state);
    if (path === '/dev/iommu') return this.#state.rules.iommufd && new IommufdFile(this.#state);
    if (path === '/dev/vfio/vfio') return new ContainerFile(this.#state);
    const [, devices, number] = /^\/dev\/vfio\/(devices\/vfio)?(\d+)$/.exec(path) ?? [];
    const device = number === undefined ? undefined : this.#state.findDevice(Number(number));
    if (device === undefined) return undefined;
    if (devices !== undefined)
      return iommu.type === 'iommufd' ? new DeviceFile(this.#state, device) : undefined;
    // Linux group.c:vfio_group_fops_open: one file at a time.
    const isOpen = this.#state.hasOpen((file) => file instanceof GroupFile && file.number === device.group);
    if (isOpen) throw new KernelRefusal(Errno.EBUSY);
    return new GroupFile(this.#state, device.group);
  }

  #onFile(call: SystemCall): KernelAnswer {
    const { operation, first, second, third } = call;
    if (operation === 'unmapped') {
      this.#state.memory.removeBar(first);
      return done();
    }
    const file = this.#state.fileAt(call.file);
    if (file === undefined)
      throw new Error(`QEMU uses descriptor ${call.file}, which is no file of the kernel`);
    switch (operation) {
      case 'close':
        this.#state.removeFile(call.file);
        file.close?.();
        return done();
      case 'ioctl':
        return this.#ioctl(file, new IoctlCall(call));
      case 'pread':
        return file.pread?.(first, Number(second)) ?? answered(Errno.EINVAL);
      case 'pwrite':
        return file.pwrite?.(first, call.data) ?? answered(Errno.EINVAL);
      case 'mmap':
        return file.mmap?.(first, second) ?? answered(Errno.ENODEV);
      case 'mapped':
        file.mapped?.(first, second, third);
        return done();
      case 'open':
        throw new Error('an open file is not opened again');
    }
  }

  #ioctl(file: KernelFile, call: IoctlCall): KernelAnswer {
    const answer = file.ioctl?.(call);
    if (answer !== undefined) return answer;
    this.#state.events.addUnknown(`ioctl 0x${call.request.toString(16)} on a file of the kind ${file.kind}`);
    return answered(Errno.ENOTTY);
  }
}
