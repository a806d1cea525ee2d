import {
  kernelRules,
  type Errno,
  type HostFaults,
  type IommuContainer,
  type KernelRules,
  type Memslot,
  type NamedByRequest,
} from '../host/index.ts';
import { makeHostFaults } from '../model/index.ts';
import type { FaultRequest, Scenario } from '../scenario/index.ts';
import { HostEvents } from './host-events.ts';
import { HostMemory } from './host-memory.ts';
import type { OpenContainer } from './open-container.ts';
import type { OfferedDevice } from './offered-device.ts';
import { NeverAnswered, type KernelFile } from './system-call.ts';

/** The name of the first container of a scenario. */
export const FIRST_CONTAINER = 'container';

/** The state of a scenario's host, as far as one QEMU has made it: open files, containers, devices. */
export class HostState {
  readonly scenario: Scenario;
  readonly rules: KernelRules;
  readonly memory: HostMemory;
  readonly events = new HostEvents();
  /** The containers that have a type, oldest first. */
  readonly containers: OpenContainer[] = [];
  /** The folder for files that stand for memory. */
  readonly folder: string;
  readonly #faults: HostFaults;
  readonly #files = new Map<number, KernelFile>();
  readonly #devices: OfferedDevice[] = [];
  #containersMade = 0;
  #slots: () => readonly Memslot[] = () => [];

  constructor(
    scenario: Scenario,
    { folder, ramName }: { readonly folder: string; readonly ramName: string },
  ) {
    this.scenario = scenario;
    this.rules = kernelRules(scenario.host.kernel);
    this.folder = folder;
    this.#faults = makeHostFaults(scenario);
    this.memory = new HostMemory(ramName);
  }

  /** The slots of the guest's CPUs; none without KVM. */
  get memslots(): readonly Memslot[] {
    return this.#slots();
  }

  /** Says where the slots of KVM are. */
  watchSlots(slots: () => readonly Memslot[]): void {
    this.#slots = slots;
  }

  /**
   * What a fault of the host makes of a request.
   *
   * @returns the error; 0 for a request that the kernel looks at.
   * @throws NeverAnswered for a request without an answer.
   */
  faultOf(request: FaultRequest, named: NamedByRequest): Errno {
    const answer = this.#faults.answer(request, named);
    if (answer === 'never') throw new NeverAnswered(request);
    return answer;
  }

  addDevice(device: OfferedDevice): void {
    this.#devices.push(device);
  }

  /** Notes a container that has got its type, and gives it a name: `container`, then `container#2`. */
  addContainer(iommu: IommuContainer): OpenContainer {
    this.#containersMade++;
    const name = this.#containersMade === 1 ? FIRST_CONTAINER : `${FIRST_CONTAINER}#${this.#containersMade}`;
    const container = { name, iommu };
    this.containers.push(container);
    return container;
  }

  /** Names the next containers as the first ones. There must be none at the moment. */
  restartNames(): void {
    this.#containersMade = 0;
  }

  removeContainer(container: OpenContainer): void {
    const index = this.containers.indexOf(container);
    if (index >= 0) this.containers.splice(index, 1);
  }

  /** Notes that QEMU has opened a file with this descriptor. */
  addFile(descriptor: number, file: KernelFile): void {
    this.#files.set(descriptor, file);
  }

  /** Forgets a file that QEMU has closed. */
  removeFile(descriptor: number): void {
    this.#files.delete(descriptor);
  }

  /** The open file with this descriptor. */
  fileAt(descriptor: number): KernelFile | undefined {
    return this.#files.get(descriptor);
  }

  /** Whether any open file satisfies the condition. */
  hasOpen(condition: (file: KernelFile) => boolean): boolean {
    return [...this.#files.values()].some(condition);
  }

  /** The containers and I/O address spaces that a device is in. */
  containersOf(device: OfferedDevice): readonly OpenContainer[] {
    return [...this.#files.values()].flatMap((file) => {
      if (file.containerOf === undefined) return [];
      const container = file.containerOf(device);
      return container === undefined ? [] : [container];
    });
  }

  /** The device of a group that has this name. */
  findDevice(group: number, name?: string): OfferedDevice | undefined {
    return this.#devices.find(
      (device) => device.group === group && (name === undefined || device.name === name),
    );
  }
}
