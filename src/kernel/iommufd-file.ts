import { iova, LAST_ADDRESS, smallestPage } from '../address/index.ts';
import {
  concatenate,
  DESTROY,
  HW_INFO,
  HWPT_ALLOC,
  IOAS_ALLOC,
  IOAS_IOVA_RANGES,
  IOAS_MAP,
  IOAS_MAP_FILE,
  IOAS_MAP_FLAGS,
  IOAS_UNMAP,
  RANGE,
} from '../host/abi/index.ts';
import {
  dmaBufPart,
  Errno,
  failedUnmap,
  kernelRules,
  type DmaMapRequest,
  type IommufdIoas,
} from '../host/index.ts';
import { makeHostIommu } from '../model/index.ts';
import { injectedMark } from '../vfio/index.ts';
import { DmaBufFile } from './dma-buf-file.ts';
import type { HostState } from './host-state.ts';
import type { OpenContainer } from './open-container.ts';
import { mapRequest } from './map-request.ts';
import { byNumber, iommufdNumber, type Handler, type IommufdHandlers } from './request-numbers.ts';
import {
  answered,
  KernelRefusal,
  type IoctlCall,
  type KernelAnswer,
  type KernelFile,
} from './system-call.ts';

const { FIXED_IOVA, WRITEABLE, READABLE } = IOAS_MAP_FLAGS;

/** iommufd: /dev/iommu. Its objects are devices, address spaces (IOAS) and page tables of an address space. */
export class IommufdFile implements KernelFile {
  readonly kind = 'iommufd';
  readonly #host: HostState;
  /** The address space of each object that has one, by id. */
  readonly #spaces = new Map<number, OpenContainer>();
  /** The ids of page tables, which share the address space of another object. */
  readonly #pageTables = new Set<number>();
  /** The IOVAs of areas that depend on the process, by address space: all but those of files with memory. */
  readonly #ofProcess = new Map<string, Set<bigint>>();
  #nextId = 1;
  readonly #requests: ReadonlyMap<number, Handler>;

  constructor(host: HostState) {
    this.#host = host;
    const handlers: IommufdHandlers = {
      DESTROY: (call) => this.#destroy(call),
      IOAS_ALLOC: (call) => this.#allocate(call),
      IOAS_IOVA_RANGES: (call) => this.#ranges(call),
      IOAS_MAP: (call) => this.#map(call),
      IOAS_MAP_FILE: (call) => this.#mapFile(call),
      IOAS_UNMAP: (call) => this.#unmap(call),
      HWPT_ALLOC: (call) => this.#allocatePageTable(call),
      GET_HW_INFO: (call) => this.#hardwareInfo(call),
      IOAS_CHANGE_PROCESS: () => answered(this.#changeProcess()),
    };
    this.#requests = byNumber(handlers, iommufdNumber);
  }

  /** Notes a device. @returns its id. */
  addDevice(): number {
    return this.#nextId++;
  }

  /** The address space with this id, or that of the page table with this id. */
  findAddressSpace(id: number): OpenContainer | undefined {
    return this.#spaces.get(id);
  }

  ioctl(call: IoctlCall): KernelAnswer | undefined {
    return this.#requests.get(call.number)?.(call);
  }

  close(): void {
    for (const id of this.#spaces.keys()) this.#remove(id);
  }

  /** @throws KernelRefusal with ENOENT where no address space has the id. */
  #space(id: number): { readonly name: string; readonly ioas: IommufdIoas } {
    const space = this.#spaces.get(id);
    if (space === undefined) throw new KernelRefusal(Errno.ENOENT);
    return { name: space.name, ioas: space.iommu as IommufdIoas };
  }

  #remove(id: number): void {
    const space = this.#spaces.get(id);
    if (space !== undefined && !this.#pageTables.has(id)) {
      this.#host.removeContainer(space);
      this.#ofProcess.delete(space.name);
    }
    this.#spaces.delete(id);
    this.#pageTables.delete(id);
  }

  #destroy(call: IoctlCall): KernelAnswer {
    this.#remove(call.read(DESTROY).id);
    return answered(0);
  }

  #allocate(call: IoctlCall): KernelAnswer {
    const request = call.read(IOAS_ALLOC);
    const fault = this.#host.faultOf('create-ioas', {});
    if (fault !== 0) return answered(fault);
    const id = this.#nextId++;
    this.#spaces.set(id, this.#host.addContainer(makeHostIommu(this.#host.scenario)));
    return call.returns(IOAS_ALLOC.encode({ ...request, out_ioas_id: id }));
  }

  #allocatePageTable(call: IoctlCall): KernelAnswer {
    const request = call.read(HWPT_ALLOC);
    const space = this.#spaces.get(request.pt_id);
    if (space === undefined) return answered(Errno.ENOENT);
    const id = this.#nextId++;
    this.#spaces.set(id, space);
    this.#pageTables.add(id);
    return call.returns(HWPT_ALLOC.encode({ ...request, out_hwpt_id: id }));
  }

  /** IOMMU_GET_HW_INFO: an IOMMU without a type and without capabilities. */
  #hardwareInfo(call: IoctlCall): KernelAnswer {
    const request = call.read(HW_INFO);
    const answer = HW_INFO.encode({ ...request, data_len: 0, out_data_type: 0, out_capabilities: 0n });
    return call.returns(answer.subarray(0, Math.min(request.size, answer.length)));
  }

  #ranges(call: IoctlCall): KernelAnswer {
    const request = call.read(IOAS_IOVA_RANGES);
    const { ioas } = this.#space(request.ioas_id);
    const apertures = this.#host.scenario.host.iommu.apertures ?? [{ start: 0n, end: LAST_ADDRESS }];
    const ranges = apertures.map(({ start, end }) => RANGE.encode({ first: start, second: end }));
    const shown = concatenate(...ranges.slice(0, request.num_iovas));
    const head = IOAS_IOVA_RANGES.encode({
      ...request,
      num_iovas: ranges.length,
      out_iova_alignment: smallestPage(ioas.pageSizes),
    });
    const writes = [call.write(head), { address: request.allowed_iovas, bytes: shown }];
    return answered(request.num_iovas < ranges.length ? Errno.EMSGSIZE : 0, writes);
  }

  #map(call: IoctlCall): KernelAnswer {
    const { flags, ioas_id: id, user_va: address, length: size, iova: at } = call.read(IOAS_MAP);
    const request = mapRequest({ iova: at, size, address, readonly: isReadonly(flags) }, this.#host.memory);
    return this.#answerMap(id, request, true);
  }

  #mapFile(call: IoctlCall): KernelAnswer {
    const { flags, ioas_id: id, fd, start, length: size, iova: at } = call.read(IOAS_MAP_FILE);
    const { memory } = this.#host;
    const file = this.#host.fileAt(fd);
    const buffer = file instanceof DmaBufFile ? file : undefined;
    const address =
      buffer === undefined
        ? memory.addressOfRam(start)
        : memory.addressOfBar(buffer.device, buffer.bar, buffer.offsetInBar(start));
    // A file of which QEMU has mmapped nothing is no memory of the guest.
    if (address === undefined) return answered(Errno.EINVAL);
    const request = mapRequest({ iova: at, size, address, readonly: isReadonly(flags) }, memory);
    const dmaBuf = buffer && dmaBufPart(buffer.areas, start);
    return this.#answerMap(id, { ...request, dmaBuf }, buffer !== undefined);
  }

  #answerMap(id: number, request: DmaMapRequest, isOfProcess: boolean): KernelAnswer {
    const { name, ioas } = this.#space(id);
    const fault = this.#host.faultOf('dma-map', { start: request.iova, size: request.size });
    const errno = fault || ioas.map(request);
    if (errno === 0 && isOfProcess) {
      const areas = this.#ofProcess.get(name) ?? new Set();
      this.#ofProcess.set(name, areas.add(request.iova));
    }
    const event = { type: 'dma-map', container: name, ...request, errno } as const;
    this.#host.events.add({ ...event, ...injectedMark(fault) });
    return answered(errno);
  }

  /** IOMMU_IOAS_CHANGE_PROCESS (host fact 2.6): nothing but the account of pinned memory changes. @returns its errno. */
  #changeProcess(): number {
    if (!kernelRules(this.#host.scenario.host.kernel).iommufd?.changesProcess) return Errno.ENOTTY;
    const hasAreas = [...this.#ofProcess.values()].some(({ size }) => size > 0);
    return hasAreas ? Errno.EINVAL : 0;
  }

  #unmap(call: IoctlCall): KernelAnswer {
    const request = call.read(IOAS_UNMAP);
    const { name, ioas } = this.#space(request.ioas_id);
    const { iova: at, length: size } = request;
    const fault = this.#host.faultOf('dma-unmap', { start: at, size });
    const { errno, unmapped } = fault === 0 ? ioas.unmap(iova(at), size) : failedUnmap(fault);
    const event = { type: 'dma-unmap', container: name, iova: iova(at), size, unmapped, errno } as const;
    this.#host.events.add({ ...event, ...injectedMark(fault) });
    const areas = this.#ofProcess.get(name) ?? new Set();
    // Also a call that fails may have removed some.
    const left = new Set(ioas.mappings().map((mapping) => mapping.iova as bigint));
    this.#ofProcess.set(name, new Set([...areas].filter((area) => left.has(area))));
    if (errno !== 0) return answered(errno);
    return call.returns(IOAS_UNMAP.encode({ ...request, length: unmapped }));
  }
}

/** @throws KernelRefusal for flags that QEMU never sets: the host model knows maps at a fixed IOVA alone. */
function isReadonly(flags: number): boolean {
  const isKnown = (flags & ~(FIXED_IOVA | WRITEABLE | READABLE)) === 0 && (flags & FIXED_IOVA) !== 0;
  // host facts I1 and I3
  if (!isKnown || (flags & (WRITEABLE | READABLE)) === 0) throw new KernelRefusal(Errno.EOPNOTSUPP);
  return (flags & WRITEABLE) === 0;
}
