import { iova, offset } from '../../address/index.ts';
import type { AccessWidth } from '../../pci-layout/index.ts';
import type { DeviceSpec } from '../../scenario/index.ts';
import type { ContainerState, TraceMapping, TraceRange } from '../../trace/index.ts';
import type { VmmEvent } from '../../vfio/index.ts';
import type { QemuProcess } from '../process/qemu-process.ts';
import { readBarRegions, type BarRegions } from './bar-regions.ts';
import type { ConfigAccess, ConfigRegister } from './config-access.ts';
import { findMsix, type FoundMsix } from './msix-capability.ts';
import type { DeviceOffer } from './device-offer.ts';
import type { ServedRequest } from './serve-device.ts';

/** A register of configuration space that the guest has written. */
export interface ChangedRegister {
  readonly width: AccessWidth;
  /** The value after the device was plugged in. */
  readonly original: number;
  readonly value: number;
}

/** Where a device is in the machine, and its names. */
export interface DevicePlace {
  /** The device's id in QEMU. One process never uses an id twice. */
  readonly qemuId: string;
  readonly bus: number;
  readonly slot: number;
  /** The trace's name for the container of the device. */
  readonly container: string;
}

/** A device of the scenario that was plugged into QEMU. */
export class PluggedDevice {
  readonly spec: DeviceSpec;
  readonly server: DeviceOffer & { takeRequests?(): readonly ServedRequest[] };
  readonly place: DevicePlace;
  regions: BarRegions = { layers: new Map(), emulatedAt: undefined };
  msix: FoundMsix | undefined;
  /** The registers of configuration space that the guest has written since the plug, by offset. */
  readonly registers = new Map<number, ChangedRegister>();
  #live: readonly TraceMapping[] = [];

  constructor(spec: DeviceSpec, place: DevicePlace, server: PluggedDevice['server']) {
    this.spec = spec;
    this.place = place;
    this.server = server;
  }

  /** A register of the device's configuration space. */
  at(register: number): ConfigRegister {
    const { bus, slot } = this.place;
    return { bus, slot, register };
  }

  /** The container of the device, with the mappings in force after the last call of `takeEvents`. */
  get state(): ContainerState {
    return { name: this.place.container, mappings: this.#live };
  }

  /** Reads what never changes while the device is plugged in: the regions of its BARs, and the MSI-X capability. */
  async inspect(qemu: QemuProcess, config: ConfigAccess, rename: (text: string) => string): Promise<void> {
    [this.regions, this.msix] = await Promise.all([
      readBarRegions(qemu, this.place.qemuId, rename),
      findMsix(qemu.qtest, config, this.place),
    ]);
  }

  /**
   * The DMA requests since the last call.
   *
   * @param view the flat view for the device's DMA now; it names the memory behind a request without a file.
   * @param ram the name of guest RAM, the only memory for which QEMU sends a file.
   */
  takeEvents(view: readonly TraceRange[], ram: string): readonly VmmEvent[] {
    const requests = this.server.takeRequests?.() ?? [];
    if (requests.length === 0) return [];
    const { container } = this.place;
    let live: readonly TraceMapping[] = this.#live;
    const events = requests.map((request): VmmEvent => {
      const { kind, iova: at, size, errno } = request;
      if (kind === 'map') {
        const mapping = { iova: at, size, readonly: request.readonly, ...backingOf(request, view, ram) };
        if (errno === 0) live = [...live, mapping];
        return { type: 'dma-map', container, ...mapping, errno };
      }
      const gone = errno === 0 ? live.filter((mapping) => isWithin(mapping, request)) : [];
      live = live.filter((mapping) => !gone.includes(mapping));
      const unmapped = gone.reduce((sum, mapping) => sum + mapping.size, 0n);
      return { type: 'dma-unmap', container, iova: at, size, unmapped, errno };
    });
    this.#live = live.toSorted((a, b) => (a.iova < b.iova ? -1 : 1));
    return events;
  }
}

const isWithin = (
  inner: { readonly iova: bigint; readonly size: bigint },
  outer: { readonly iova: bigint; readonly size: bigint },
): boolean => inner.iova >= outer.iova && inner.iova + inner.size <= outer.iova + outer.size;

/** The memory behind a map: guest RAM for a request with a file, otherwise the region of the flat view there. */
function backingOf(
  { iova: at, size, readonly, fileOffset }: ServedRequest,
  view: readonly TraceRange[],
  ram: string,
): Pick<TraceMapping, 'backing' | 'deviceMemory' | 'hostAddress'> {
  if (fileOffset !== undefined) {
    const backing = { region: ram, owner: undefined, offset: offset(fileOffset) };
    return { backing, deviceMemory: false, hostAddress: undefined };
  }
  const shown = view.find(({ start, end }) => start <= at && at + size <= end);
  if (shown === undefined) {
    // QEMU has removed the memory before the map was read, or the map never showed it.
    const backing = { region: '(not in the memory map)', owner: undefined, offset: offset(0n) };
    return { backing, deviceMemory: !readonly, hostAddress: undefined };
  }
  const { region, start } = shown;
  const backing = {
    region: region.name,
    owner: region.owner,
    offset: offset(shown.offset + (iova(at) - start)),
  };
  return { backing, deviceMemory: region.kind === 'ram-device', hostAddress: undefined };
}
