import { offset } from '../address/index.ts';
import {
  ATTACH_IOMMUFD_PT,
  BIND_IOMMUFD,
  DEVICE_FEATURE,
  DEVICE_FEATURES,
  DEVICE_FLAGS,
  DEVICE_INFO,
  DMA_BUF_FEATURE,
  IRQ_INFO,
  IRQ_INFO_FLAGS,
  IRQ_SET,
  PCI_IRQS,
  PCI_REGIONS,
  RANGE,
  REGION_SHIFT,
} from '../host/abi/index.ts';
import { Errno, type SparseArea } from '../host/index.ts';
import { BAR_COUNT } from '../pci-layout/index.ts';
import { injectedMark } from '../vfio/index.ts';
import { DmaBufFile } from './dma-buf-file.ts';
import type { HostState } from './host-state.ts';
import type { OpenContainer } from './open-container.ts';
import { IommufdFile } from './iommufd-file.ts';
import type { OfferedDevice } from './offered-device.ts';
import { answerRegionInfo, CONFIG_BYTES } from './region-info.ts';
import { byNumber, vfioNumber, type Handler, type VfioHandlers } from './request-numbers.ts';
import { answered, done, type IoctlCall, type KernelAnswer, type KernelFile } from './system-call.ts';

/** The lowest bits of a device feature's flags are its number. */
const FEATURE_MASK = 0xffff;
const REGION_MASK = (1n << REGION_SHIFT) - 1n;

/** A device of vfio-pci: the file that a group hands out, or /dev/vfio/devices/vfioNUMBER. */
export class DeviceFile implements KernelFile {
  readonly kind = 'device';
  readonly device: OfferedDevice;
  readonly #host: HostState;
  readonly #requests: ReadonlyMap<number, Handler>;
  #iommufd: IommufdFile | undefined;
  #addressSpace: OpenContainer | undefined;

  constructor(host: HostState, device: OfferedDevice) {
    this.#host = host;
    this.device = device;
    const handlers: VfioHandlers = {
      DEVICE_GET_INFO: (call) => this.#getInfo(call),
      DEVICE_GET_REGION_INFO: (call) => answerRegionInfo(device, call),
      DEVICE_GET_IRQ_INFO: (call) => this.#getIrqInfo(call),
      DEVICE_SET_IRQS: (call) => this.#setIrqs(call),
      DEVICE_RESET: () => this.#reset(),
      // Linux vfio_pci_core.c: ENODEV for a device that neither its slot nor its bus can reset.
      DEVICE_GET_PCI_HOT_RESET_INFO: () => answered(Errno.ENODEV),
      DEVICE_IOEVENTFD: () => answered(Errno.ENOTTY),
      DEVICE_FEATURE: (call) => this.#feature(call),
      DEVICE_BIND_IOMMUFD: (call) => this.#bind(call),
      DEVICE_ATTACH_IOMMUFD_PT: (call) => this.#attach(call),
      DEVICE_DETACH_IOMMUFD_PT: () => this.#detach(),
    };
    this.#requests = byNumber(handlers, vfioNumber);
  }

  ioctl(call: IoctlCall): KernelAnswer | undefined {
    return this.#requests.get(call.number)?.(call);
  }

  /** Reads configuration space; the memory of a BAR holds zeros. */
  pread(at: bigint, length: number): KernelAnswer {
    const [index, start] = placeOf(at);
    const data = new Uint8Array(length);
    if (index === PCI_REGIONS.CONFIG) {
      const end = Math.min(start + length, CONFIG_BYTES);
      for (let byte = start; byte < end; byte++) data[byte - start] = this.device.config.read(byte, 1);
    } else if (index === PCI_REGIONS.ROM) {
      // Linux vfio_pci_rdwr.c: a read ends with the ROM.
      const left = Number(this.device.host.rom?.contents ?? 0n) - start;
      const count = Math.max(0, Math.min(length, left));
      return done(count, { data: data.subarray(0, count) });
    } else if (!this.#hasBar(index)) return answered(Errno.EINVAL);
    return done(length, { data });
  }

  pwrite(at: bigint, data: Uint8Array): KernelAnswer {
    const [index, start] = placeOf(at);
    if (index === PCI_REGIONS.CONFIG) {
      for (const [byte, value] of data.entries()) {
        if (start + byte < CONFIG_BYTES) this.device.config.write(start + byte, 1, value);
      }
    } else if (!this.#hasBar(index)) return answered(Errno.EINVAL);
    return done(data.length);
  }

  mmap(at: bigint, length: bigint): KernelAnswer {
    const [bar, start] = placeOf(at);
    if (bar >= BAR_COUNT) return answered(Errno.EINVAL);
    const area: SparseArea = { offset: offset(BigInt(start)), size: length };
    const { id: device } = this.device.spec;
    const fault = this.#host.faultOf('mmap', { device });
    const errno = fault || this.device.host.mmap(bar, area);
    this.#host.events.add({ type: 'mmap', device, bar, ...area, errno, ...injectedMark(fault) });
    if (errno !== 0) return answered(errno);
    return done(start, { data: Buffer.from(this.device.fileOf(bar)) });
  }

  mapped(at: bigint, length: bigint, address: bigint): void {
    const [bar, start] = placeOf(at);
    const { device } = this;
    const { memory } = this.#host;
    const region = `${device.spec.name} BAR ${bar} mmaps[${memory.countOf(device, bar)}]`;
    memory.addBar({
      start: address,
      end: address + length,
      device,
      bar,
      offset: BigInt(start),
      region,
    });
  }

  containerOf(device: OfferedDevice): OpenContainer | undefined {
    return device === this.device ? this.#addressSpace : undefined;
  }

  close(): void {
    this.device.config.clearWritten(0x04, 2);
  }

  #hasBar(index: number): boolean {
    return index < BAR_COUNT && this.device.host.region(index).size > 0n;
  }

  #getInfo(call: IoctlCall): KernelAnswer {
    const { argsz } = call.read(DEVICE_INFO);
    const info = DEVICE_INFO.encode({
      ...{ argsz, flags: DEVICE_FLAGS.RESET | DEVICE_FLAGS.PCI },
      ...{ num_regions: PCI_REGIONS.COUNT, num_irqs: PCI_IRQS.COUNT },
    });
    return call.returns(info.subarray(0, Math.min(argsz, info.length)));
  }

  /** Linux vfio_pci_core.c:vfio_pci_ioctl_get_irq_info: a conventional function with MSI-X and no pin. */
  #getIrqInfo(call: IoctlCall): KernelAnswer {
    const { argsz, index } = call.read(IRQ_INFO);
    const count = { [PCI_IRQS.MSIX]: this.device.spec.msix?.vectors ?? 0, [PCI_IRQS.REQ]: 1 }[index] ?? 0;
    // Errors are reported by PCI Express alone.
    if (index >= PCI_IRQS.COUNT || index === PCI_IRQS.ERR) return answered(Errno.EINVAL);
    const { EVENTFD, MASKABLE, AUTOMASKED, NORESIZE } = IRQ_INFO_FLAGS;
    const flags = EVENTFD | (index === PCI_IRQS.INTX ? MASKABLE | AUTOMASKED : NORESIZE);
    return call.returns(IRQ_INFO.encode({ argsz, flags, index, count }));
  }

  /** No interrupt ever comes, so it does not matter where one should go. */
  #setIrqs(call: IoctlCall): KernelAnswer {
    const isMsix = call.read(IRQ_SET).index === PCI_IRQS.MSIX;
    return answered(isMsix ? this.#host.faultOf('set-irqs', { device: this.device.spec.id }) : 0);
  }

  #reset(): KernelAnswer {
    const fault = this.#host.faultOf('reset', { device: this.device.spec.id });
    if (fault !== 0) return answered(fault);
    this.device.config.clearWritten(0x04, 2);
    return done();
  }

  /** VFIO_DEVICE_FEATURE: the device has none but the export of a BAR as a dma-buf (host fact B1). */
  #feature(call: IoctlCall): KernelAnswer {
    const { flags } = call.read(DEVICE_FEATURE);
    if (flags !== (DEVICE_FEATURES.GET | DEVICE_FEATURES.DMA_BUF)) {
      const isDmaBuf = (flags & FEATURE_MASK) === DEVICE_FEATURES.DMA_BUF;
      return answered(isDmaBuf ? Errno.EINVAL : Errno.ENOTTY);
    }
    const head = DEVICE_FEATURE.bytes + DMA_BUF_FEATURE.bytes;
    const { region_index: bar, nr_ranges: count } = call.read(DMA_BUF_FEATURE, DEVICE_FEATURE.bytes);
    if (count === 0) return answered(Errno.EINVAL);
    const areas = Array.from({ length: count }, (_, index) => {
      const { first, second } = call.read(RANGE, head + index * RANGE.bytes);
      return { offset: offset(first), size: second };
    });
    const errno = this.device.host.exportDmaBuf?.(bar, areas) ?? Errno.ENOTTY;
    if (errno !== 0) return answered(errno);
    return done(call.spare, { opens: new DmaBufFile(this.device, bar, areas) });
  }

  #bind(call: IoctlCall): KernelAnswer {
    const request = call.read(BIND_IOMMUFD);
    const iommufd = this.#host.fileAt(request.iommufd);
    if (!(iommufd instanceof IommufdFile)) return answered(Errno.EINVAL);
    this.#iommufd = iommufd;
    return call.returns(BIND_IOMMUFD.encode({ ...request, out_devid: iommufd.addDevice() }));
  }

  #attach(call: IoctlCall): KernelAnswer {
    const { pt_id: id } = call.read(ATTACH_IOMMUFD_PT);
    const space = this.#iommufd?.findAddressSpace(id);
    if (space === undefined) return answered(Errno.ENOENT);
    const fault = this.#host.faultOf('attach', { device: this.device.spec.id });
    if (fault !== 0) return answered(fault);
    this.#addressSpace = space;
    return done();
  }

  #detach(): KernelAnswer {
    this.#addressSpace = undefined;
    return done();
  }
}

/** The region that an offset of the device's file lies in, and the place there. */
const placeOf = (at: bigint): readonly [region: number, start: number] => [
  Number(at >> REGION_SHIFT),
  Number(at & REGION_MASK),
];
