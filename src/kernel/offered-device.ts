import { closeSync, ftruncateSync, mkdirSync, openSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { alignUp } from '../address/index.ts';
import { makeHostDevice } from '../model/index.ts';
import type { ConfigSpace } from '../pci-layout/index.ts';
import type { DeviceSpec, Scenario } from '../scenario/index.ts';
import type { HostDevice } from '../vfio/index.ts';

/** The character device that a file of the kernel really is in QEMU: /dev/null. QEMU compares numbers (fstat). */
const DEV_NULL = '1:3';

/** How a host shows a device. */
export interface OfferedAs {
  /** An existing folder. The device's files go there, under names that begin with `name`. */
  readonly folder: string;
  readonly name: string;
  readonly group: number;
  /** The configuration space as the device itself has it. */
  readonly config: ConfigSpace;
}

/** A device that the host offers to QEMU: what vfio-pci says of it, and its folder in sysfs. */
export class OfferedDevice {
  readonly spec: DeviceSpec;
  /** The name of its folder in sysfs, from which QEMU takes the device's name. */
  readonly name: string;
  /** The number of its group, and of its file in /dev/vfio/devices. */
  readonly group: number;
  readonly config: ConfigSpace;
  readonly host: HostDevice;
  /** The path of its folder in sysfs, for QEMU's property `sysfsdev`. */
  readonly path: string;
  readonly #folder: string;
  readonly #hostPageSize: bigint;
  readonly #backed = new Set<number>();

  constructor(spec: DeviceSpec, scenario: Scenario, { folder, name, group, config }: OfferedAs) {
    this.spec = spec;
    this.name = name;
    this.group = group;
    this.config = config;
    this.#folder = folder;
    this.#hostPageSize = scenario.machine.hostPageSize;
    this.host = makeHostDevice(spec, scenario.host, this.#hostPageSize);
    this.path = this.#makeSysfs(scenario.host.iommu.type === 'iommufd');
  }

  /** The file that stands for the memory of a BAR: whole pages of zeros. */
  fileOf(bar: number): string {
    const path = join(this.#folder, `${this.name}.bar${bar}`);
    if (!this.#backed.has(bar)) {
      const file = openSync(path, 'w', 0o600);
      ftruncateSync(file, Number(alignUp(this.host.region(bar).size, this.#hostPageSize)));
      closeSync(file);
      this.#backed.add(bar);
    }
    return path;
  }

  /**
   * What QEMU reads about a device in /sys/bus/pci/devices: its group and its bus, and with iommufd the number of its
   * character device. Each file costs time for every plug.
   */
  #makeSysfs(hasCharacterDevice: boolean): string {
    const path = join(this.#folder, this.name);
    mkdirSync(path);
    symlinkSync(`../iommu_groups/${this.group}`, join(path, 'iommu_group'));
    symlinkSync('../bus/pci', join(path, 'subsystem'));
    if (hasCharacterDevice) {
      const character = join(path, 'vfio-dev', `vfio${this.group}`);
      mkdirSync(character, { recursive: true });
      writeFileSync(join(character, 'dev'), `${DEV_NULL}\n`);
    }
    return path;
  }
}
