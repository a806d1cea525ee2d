import type { DeviceSpec } from '../../scenario/index.ts';
import { renameDevices } from '../process/qemu-names.ts';

/** The names of a machine's devices: in QEMU a device is called by its socket, in a trace as the scenario calls it. */
export class DeviceNames {
  readonly #specs = new Map<string, DeviceSpec>();
  readonly #containers = new Map<string, number>();

  /** Notes which device of the scenario has this id and this socket in QEMU. */
  add(qemuId: string, spec: DeviceSpec): void {
    this.#specs.set(qemuId, spec);
  }

  /** The scenario's id of a device of QEMU, if the device is of a scenario. */
  idOf(qemuId: string): string | undefined {
    return this.#specs.get(qemuId)?.id;
  }

  /** Puts the scenario's names in place of QEMU's, and a word in place of a pointer. */
  rename(text: string): string {
    return renameDevices(text, this.#specs);
  }

  /** Names a new container of a device. After `dev0` has left and come back, its container is `dev0#2`. */
  nameContainer(id: string): string {
    const before = this.#containers.get(id) ?? 0;
    this.#containers.set(id, before + 1);
    return before === 0 ? id : `${id}#${before + 1}`;
  }

  /** Names the containers of the next scenario from the beginning. */
  restartContainers(): void {
    this.#containers.clear();
  }
}
