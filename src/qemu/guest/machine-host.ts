import type { Memslot } from '../../host/index.ts';
import type { DeviceSpec, Scenario } from '../../scenario/index.ts';
import type { ContainerState } from '../../trace/index.ts';
import type { VmmEvent } from '../../vfio/index.ts';
import type { DeviceOffer } from './device-offer.ts';
import type { ReadViews } from './flat-view-reader.ts';

/** What tells by itself what QEMU has asked of it: a device with a server of its own. */
export interface RequestSource {
  takeEvents(view: ReadViews['dma'], ramName: string): readonly VmmEvent[];
  readonly state: ContainerState;
}

/** The host of a machine: vfio-user servers, one for each device, or the kernel's own interface. */
export interface MachineHost {
  /** QEMU's arguments beside the machine and its devices. */
  readonly arguments: readonly string[];
  /** QEMU's object for guest RAM, with its options, but without its id and size. */
  readonly ramBackend: string;
  /** QEMU's environment variables. */
  readonly environment: Readonly<Record<string, string>>;
  /** What runs the guest's CPUs; where left out, an accelerator with which no guest runs. */
  readonly accelerator?: 'kvm';
  /**
   * Offers a device.
   *
   * @param qemuId the device's id in QEMU.
   */
  offer(qemuId: string, spec: DeviceSpec, scenario: Scenario): Promise<DeviceOffer>;
  /**
   * What QEMU has asked of the host since the last call.
   *
   * @param devices whose messages are of interest, where each has its own.
   * @param views the memory maps now; they name memory of which nothing else says what it is.
   */
  takeEvents(devices: readonly RequestSource[], views: ReadViews): readonly VmmEvent[];
  /**
   * Begins another scenario in the same process, and forgets what QEMU has asked until now.
   *
   * @param offers the devices that the scenario begins with.
   */
  restart(offers: readonly DeviceOffer[]): void;
  /** Whether the host is as it was before the first scenario, as far as a scenario without devices can tell. */
  readonly isAsNew: boolean;
  /** How many devices may stay plugged in after their scenario, before it is cheaper to start another process. */
  readonly maxRetired: number;
  /** The containers, with the mappings in force after the last call of `takeEvents`. */
  containers(devices: readonly RequestSource[]): readonly ContainerState[];
  /** The memory slots after the last call of `takeEvents`; a constant array without KVM. */
  readonly memslots: readonly Memslot[];
  /** The requests that barproof does not know, each once. */
  readonly unknownRequests: readonly string[];
  /** Resolves with the first request that the host leaves without an answer; never where left out. */
  readonly unanswered?: Promise<string>;
  /** Whether the host keeps this process alive, its devices apart. */
  keepAlive(whether: boolean): void;
  close(): void;
}
