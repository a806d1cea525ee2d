import { VFIO_EXTENSIONS, VFIO_IOMMU_TYPES } from '../host/abi/index.ts';
import { Errno, SpaprTceContainer, Type1Container } from '../host/index.ts';
import { makeHostIommu } from '../model/index.ts';
import type { HostState } from './host-state.ts';
import type { OpenContainer } from './open-container.ts';
import { byNumber, vfioNumber, type Handler } from './request-numbers.ts';
import { spaprHandlers } from './spapr-requests.ts';
import { answered, done, type IoctlCall, type KernelAnswer, type KernelFile } from './system-call.ts';
import { type1Handlers } from './type1-requests.ts';

/** VFIO_API_VERSION. */
const API_VERSION = 0;

/** A container of VFIO: /dev/vfio/vfio. */
export class ContainerFile implements KernelFile {
  readonly kind = 'container';
  readonly #host: HostState;
  #groups = 0;
  #open: OpenContainer | undefined;
  #requests: ReadonlyMap<number, Handler> = new Map();

  constructor(host: HostState) {
    this.#host = host;
  }

  /** The container once it has a type. */
  get open(): OpenContainer | undefined {
    return this.#open;
  }

  /** A group has joined. */
  attach(): void {
    this.#groups++;
  }

  /** A group has left. The last one takes the type and all mappings along. */
  detach(): void {
    this.#groups--;
    if (this.#groups === 0) this.#close();
  }

  close(): void {
    this.#close();
  }

  ioctl(call: IoctlCall): KernelAnswer | undefined {
    switch (call.number) {
      case vfioNumber('GET_API_VERSION'):
        return done(API_VERSION);
      case vfioNumber('CHECK_EXTENSION'):
        return done(this.#extensions().includes(Number(call.argument)) ? 1 : 0);
      case vfioNumber('SET_IOMMU'):
        return answered(this.#setType(Number(call.argument)));
      default:
        return this.#requests.get(call.number)?.(call);
    }
  }

  /** The types and extensions that the host has: Linux vfio_iommu_type1_check_extension and tce_iommu_ioctl. */
  #extensions(): readonly number[] {
    const { TYPE1, TYPE1v2, SPAPR_TCE, SPAPR_TCE_v2 } = VFIO_IOMMU_TYPES;
    switch (this.#host.scenario.host.iommu.type) {
      case 'type1':
        // ALL came with the flags that replace addresses (host fact 0.1).
        return this.#host.rules.type1.replacesAddresses
          ? [TYPE1, TYPE1v2, VFIO_EXTENSIONS.UNMAP_ALL]
          : [TYPE1, TYPE1v2];
      case 'spapr-tce-v2':
        return [SPAPR_TCE, SPAPR_TCE_v2];
      default:
        return [];
    }
  }

  /** VFIO_SET_IOMMU. Linux container.c:vfio_ioctl_set_iommu: the container has a group and no type yet. */
  #setType(type: number): Errno {
    if (this.#groups === 0 || this.#open !== undefined) return Errno.EINVAL;
    const isModelled = type === VFIO_IOMMU_TYPES.TYPE1v2 || type === VFIO_IOMMU_TYPES.SPAPR_TCE_v2;
    if (!isModelled || !this.#extensions().includes(type)) return Errno.ENODEV;
    const iommu = makeHostIommu(this.#host.scenario);
    this.#open = this.#host.addContainer(iommu);
    const context = { host: this.#host, name: this.#open.name };
    this.#requests = byNumber(
      iommu instanceof SpaprTceContainer
        ? spaprHandlers({ ...context, iommu })
        : type1Handlers({ ...context, iommu: iommu as Type1Container }),
      vfioNumber,
    );
    return 0;
  }

  #close(): void {
    if (this.#open !== undefined) this.#host.removeContainer(this.#open);
    this.#open = undefined;
    this.#requests = new Map();
  }
}
