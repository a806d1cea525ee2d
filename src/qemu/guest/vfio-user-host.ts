import type { Memslot } from '../../host/index.ts';
import type { DeviceSpec, Scenario } from '../../scenario/index.ts';
import type { ContainerState } from '../../trace/index.ts';
import type { VmmEvent } from '../../vfio/index.ts';
import type { PrivateDirectory } from '../process/private-directory.ts';
import type { ReadViews } from './flat-view-reader.ts';
import type { MachineHost, RequestSource } from './machine-host.ts';
import { serveDevice, type DeviceServer } from './serve-device.ts';

/** A server can map guest RAM only from a file of which it gets the descriptor. */
export const SHARED_RAM = 'memory-backend-memfd,share=on';

/** Serves each device over a vfio-user socket of its own. QEMU runs without KVM. */
export class VfioUserHost implements MachineHost {
  readonly arguments = [];
  readonly ramBackend = SHARED_RAM;
  readonly environment = {};
  readonly memslots: readonly Memslot[] = [];
  readonly unknownRequests = [];
  readonly isAsNew = true;
  /** QEMU sends every mapping to each retired device. */
  readonly maxRetired = 7;
  readonly #directory: PrivateDirectory;
  readonly #ramName: string;

  /**
   * @param directory for the sockets, the one that QEMU runs in.
   * @param ramName QEMU's name of guest RAM.
   */
  constructor(directory: PrivateDirectory, ramName: string) {
    this.#directory = directory;
    this.#ramName = ramName;
  }

  offer(qemuId: string, spec: DeviceSpec, scenario: Scenario): Promise<DeviceServer> {
    return serveDevice(this.#directory, qemuId, spec, scenario);
  }

  takeEvents(devices: readonly RequestSource[], { dma }: ReadViews): readonly VmmEvent[] {
    return devices.flatMap((device) => device.takeEvents(dma, this.#ramName));
  }

  containers(devices: readonly RequestSource[]): readonly ContainerState[] {
    return devices.map(({ state }) => state);
  }

  restart(): void {
    // Each device has requests of its own.
  }

  keepAlive(): void {
    // The servers of the devices do.
  }

  close(): void {
    // Each device has a server of its own.
  }
}
