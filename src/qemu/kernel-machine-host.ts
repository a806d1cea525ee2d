import type { DmaMapping, Memslot } from '../host/index.ts';
import { toJsonLine, type DeviceSpec, type Scenario } from '../scenario/index.ts';
import {
  AnsweringKernel,
  DeviceFile,
  GroupFile,
  FIRST_CONTAINER,
  HostState,
  OfferedDevice,
  RAM_FILE,
  type OpenContainer,
} from '../kernel/index.ts';
import type { ContainerState, TraceMapping } from '../trace/index.ts';
import type { VmmEvent } from '../vfio/index.ts';
import { configurationSpace } from '../vfio-user/index.ts';
import { ContainerCreations } from './container-creations.ts';
import { deviceModel } from './guest/device-model.ts';
import type { ReadViews } from './guest/flat-view-reader.ts';
import { driverOf } from './guest/machine-driver.ts';
import type { DeviceOffer, DeviceProperty } from './guest/device-offer.ts';
import { romProperties } from './guest/rom-properties.ts';
import type { MachineHost } from './guest/machine-host.ts';
import type { QemuMachineType } from './process/architecture.ts';
import type { PrivateDirectory } from './process/private-directory.ts';
import { HOST_DEVICE_PREFIX } from './process/qemu-names.ts';
import { RUNS_KVM } from './runnable.ts';
import { KernelConnection } from './shim/kernel-connection.ts';

/** The socket of the shim, in the directory that QEMU runs in. */
const SOCKET = 'kernel';
/** QEMU_VMALLOC_ALIGN on x86 and Arm, in bytes. */
const RAM_ALIGNMENT = 0x20_0000;
/** QEMU's id of its iommufd backend. */
const IOMMUFD = 'iommufd0';

interface HostConnections {
  readonly connection: KernelConnection;
  readonly directory: PrivateDirectory;
  readonly unanswered: Promise<string>;
}

/** A host whose kernel offers devices by vfio-pci: the shim in QEMU asks, and the host model answers. */
export class KernelMachineHost implements MachineHost {
  readonly arguments: readonly string[];
  /** A file of the directory, so that /proc says where QEMU has mapped RAM; aligned as RAM without a file is. */
  readonly ramBackend = `memory-backend-file,mem-path=${RAM_FILE},share=on,align=${RAM_ALIGNMENT}`;
  readonly environment = { BARPROOF_KERNEL: SOCKET };
  readonly accelerator?: 'kvm';
  /** All share one container, so only the slots of the bus limit their number. */
  readonly maxRetired = Infinity;
  readonly unanswered: Promise<string>;
  readonly #host: HostState;
  readonly #connection: KernelConnection;
  readonly #directory: PrivateDirectory;
  readonly #offered = new Map<DeviceOffer, OfferedDevice>();
  readonly #creations = new ContainerCreations();
  /** The devices of the present scenario. */
  #present: OfferedDevice[] = [];
  /** The containers that earlier scenarios have made. */
  #old: readonly OpenContainer[] = [];
  /** What QEMU has asked of the host when it started. */
  #ofStart: readonly VmmEvent[] | undefined;
  /** Whether the next step is the start of a scenario that the process has not been started for. */
  #startsAgain = false;
  /** The memory slots before the first device, as text. */
  #firstSlots: string | undefined;
  #views: ReadViews = { memory: [], dma: [] };
  #slots: { readonly real: readonly Memslot[]; readonly named: readonly Memslot[] } = { real: [], named: [] };
  readonly #mappings = new WeakMap<readonly DmaMapping[], readonly TraceMapping[]>();

  private constructor(host: HostState, { connection, directory, unanswered }: HostConnections) {
    this.#host = host;
    this.#connection = connection;
    this.#directory = directory;
    this.unanswered = unanswered;
    const { host: spec, machine } = host.scenario;
    const withKvm = RUNS_KVM.includes(machine.type);
    if (withKvm) this.accelerator = 'kvm';
    this.arguments = spec.iommu.type === 'iommufd' ? ['-object', `iommufd,id=${IOMMUFD}`] : [];
  }

  /**
   * A host for one QEMU.
   *
   * @param directory that QEMU will run in.
   */
  static async make(scenario: Scenario, directory: PrivateDirectory): Promise<KernelMachineHost> {
    const { ram: ramName } = driverOf(scenario.machine.type as QemuMachineType);
    const state = new HostState(scenario, { folder: directory.path, ramName });
    let onUnanswered: (request: string) => void = () => undefined;
    const unanswered = new Promise<string>((resolve) => (onUnanswered = resolve));
    const kernel = new AnsweringKernel(state, onUnanswered);
    const connection = await KernelConnection.listen(directory.at(SOCKET), kernel.answer);
    return new KernelMachineHost(state, { connection, directory, unanswered });
  }

  get memslots(): readonly Memslot[] {
    const real = this.#host.memslots;
    if (real !== this.#slots.real) {
      const { memory } = this.#views;
      const named = real.map((slot) => {
        const backing = this.#host.events.name({ ...slot, iova: slot.gpa }, memory);
        return { ...slot, backing };
      });
      this.#slots = { real, named };
    }
    return this.#slots.named;
  }

  get unknownRequests(): readonly string[] {
    return this.#host.events.unknownRequests;
  }

  get isAsNew(): boolean {
    return (
      this.unknownRequests.length === 0 &&
      // The next device joins the container that is open. The first container of a scenario is called `container`, so one that
      // was made again cannot serve another scenario.
      this.#host.containers.every(({ name }) => name === FIRST_CONTAINER) &&
      this.#creations.areAsMade &&
      (this.#firstSlots === undefined || this.#firstSlots === toJsonLine(this.#host.memslots))
    );
  }

  offer(qemuId: string, spec: DeviceSpec, scenario: Scenario): Promise<DeviceOffer> {
    const host = this.#host;
    const group = this.#offered.size;
    this.#firstSlots ??= toJsonLine(host.memslots);
    const { vendor, device: id } = spec;
    const device = new OfferedDevice(spec, scenario, {
      folder: this.#directory.path,
      name: `${HOST_DEVICE_PREFIX}${qemuId}`,
      group,
      config: configurationSpace({ ...deviceModel(scenario, spec), vendor, device: id }),
    });
    host.addDevice(device);
    const properties: Record<string, DeviceProperty> = { driver: 'vfio-pci', sysfsdev: device.path };
    const { rombar: _, romfile: __, ...options } = spec.options;
    Object.assign(properties, romProperties(spec, qemuId, this.#directory));
    for (const [name, value] of Object.entries(options)) {
      // An older QEMU may lack a property that has its default.
      if (value !== false && value !== 'off') properties[name] = value;
    }
    if (scenario.host.iommu.type === 'iommufd') properties['iommufd'] = IOMMUFD;
    const offer: DeviceOffer = {
      properties,
      settle: () => this.#connection.throwFailure(),
      get disconnected() {
        return !host.hasOpen(
          (file) =>
            (file instanceof DeviceFile && file.device === device) ||
            (file instanceof GroupFile && file.number === group),
        );
      },
      keepAlive: () => undefined,
      close: () => Promise.resolve(),
    };
    this.#present.push(device);
    this.#offered.set(offer, device);
    return Promise.resolve(offer);
  }

  takeEvents(_: unknown, views: ReadViews): readonly VmmEvent[] {
    this.#connection.throwFailure();
    this.#views = views;
    const events = this.#host.events.take(views.dma, views.memory);
    this.#ofStart ??= events;
    if (!this.#startsAgain) return this.#creations.complete(events, this.#containers());
    this.#startsAgain = false;
    return [...this.#ofStart, ...events];
  }

  restart(offers: readonly DeviceOffer[]): void {
    this.#host.events.take([], []);
    this.#startsAgain = offers.length === 0;
    this.#present = offers.map((offer) => this.#offered.get(offer)!);
    this.#old = [...this.#host.containers];
    this.#creations.restart(this.#old, this.#containers());
    if (this.#old.length === 0) this.#host.restartNames();
  }

  containers(): readonly ContainerState[] {
    return this.#containers().map(({ name, iommu }) => ({
      name,
      mappings: this.#named(iommu.mappings()),
    }));
  }

  keepAlive(whether: boolean): void {
    this.#connection.keepAlive(whether);
  }

  close(): void {
    this.#connection.close();
  }

  /** The containers of the present scenario. */
  #containers(): readonly OpenContainer[] {
    const { containers } = this.#host;
    if (this.#old.length === 0) return containers;
    const joined = this.#present.flatMap((device) => this.#host.containersOf(device));
    return containers.filter((container) => !this.#old.includes(container) || joined.includes(container));
  }

  /** Mappings with names for all memory: the same array for the same mappings. */
  #named(mappings: readonly DmaMapping[]): readonly TraceMapping[] {
    let named = this.#mappings.get(mappings);
    if (named === undefined) {
      named = mappings.map((mapping) => ({
        ...mapping,
        backing: this.#host.events.name(mapping, this.#views.dma),
      }));
      this.#mappings.set(mappings, named);
    }
    return named;
  }
}
