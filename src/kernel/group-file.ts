import { GENERIC_IOCTLS, GROUP_FLAGS, GROUP_STATUS, vfioRequest } from '../host/abi/index.ts';
import { Errno } from '../host/index.ts';
import { ContainerFile } from './container-file.ts';
import { DeviceFile } from './device-file.ts';
import type { HostState } from './host-state.ts';
import type { OpenContainer } from './open-container.ts';
import type { OfferedDevice } from './offered-device.ts';
import {
  answered,
  done,
  KernelRefusal,
  type IoctlCall,
  type KernelAnswer,
  type KernelFile,
} from './system-call.ts';

const numberOf = (name: Parameters<typeof vfioRequest>[0]): number =>
  vfioRequest(name, GENERIC_IOCTLS) & 0xff;
const GET_STATUS = numberOf('GROUP_GET_STATUS');
const SET_CONTAINER = numberOf('GROUP_SET_CONTAINER');
const UNSET_CONTAINER = numberOf('GROUP_UNSET_CONTAINER');
const GET_DEVICE_FD = numberOf('GROUP_GET_DEVICE_FD');

/** An IOMMU group: /dev/vfio/NUMBER. */
export class GroupFile implements KernelFile {
  readonly kind = 'group';
  readonly number: number;
  readonly #host: HostState;
  #container: ContainerFile | undefined;

  constructor(host: HostState, number: number) {
    this.#host = host;
    this.number = number;
  }

  ioctl(call: IoctlCall): KernelAnswer | undefined {
    switch (call.number) {
      case GET_STATUS: {
        const { argsz } = call.read(GROUP_STATUS);
        if (argsz < GROUP_STATUS.bytes) return answered(Errno.EINVAL);
        const set = this.#container === undefined ? 0 : GROUP_FLAGS.CONTAINER_SET;
        return call.returns(GROUP_STATUS.encode({ argsz, flags: GROUP_FLAGS.VIABLE | set }));
      }
      case SET_CONTAINER:
        return this.#setContainer(call.readInt());
      case UNSET_CONTAINER:
        if (this.#container === undefined) return answered(Errno.EINVAL);
        this.#leave();
        return done();
      case GET_DEVICE_FD:
        return this.#openDevice(call);
      default:
        return undefined;
    }
  }

  containerOf({ group }: OfferedDevice): OpenContainer | undefined {
    return group === this.number ? this.#container?.open : undefined;
  }

  close(): void {
    this.#leave();
  }

  #setContainer(descriptor: number): KernelAnswer {
    const container = this.#host.fileAt(descriptor);
    if (!(container instanceof ContainerFile) || this.#container !== undefined) return answered(Errno.EINVAL);
    const fault = this.#host.faultOf('attach', { device: this.#host.findDevice(this.number)!.spec.id });
    if (fault !== 0) return answered(fault);
    this.#container = container;
    container.attach();
    return done();
  }

  #openDevice(call: IoctlCall): KernelAnswer {
    if (this.#container?.open === undefined) throw new KernelRefusal(Errno.EINVAL);
    const device = this.#host.findDevice(this.number, call.readText());
    if (device === undefined) return answered(Errno.ENODEV);
    return done(call.spare, { opens: new DeviceFile(this.#host, device) });
  }

  #leave(): void {
    this.#container?.detach();
    this.#container = undefined;
  }
}
