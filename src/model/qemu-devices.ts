import type { Reserve } from '../machine/index.ts';
import type { DeviceSpec } from '../scenario/index.ts';
import {
  DeviceRefused,
  MsixRefused,
  VfioDevice,
  VmmAbort,
  type AbortSite,
  type VfioContainer,
} from '../vfio/index.ts';
import { makeHostDevice } from './host-devices.ts';
import type { QemuContainers } from './qemu-containers.ts';
import { isVfioUser, type QemuEnvironment } from './qemu-environment.ts';

/** What `QemuDevices` needs in addition to the shared environment. */
export interface QemuDevicesOptions {
  readonly containers: QemuContainers;
  /** Gives mmaps of BARs their host addresses. */
  readonly reserve: Reserve;
  /** Whether the machine opts out of MSI-X emulation. */
  readonly optsOutOfMsixEmulation: boolean;
}

/** The vfio-pci devices of a QEMU, and the container that each is in. */
export class QemuDevices {
  /** The plugged-in devices, in the order of plugging. */
  readonly plugged: VfioDevice[] = [];
  readonly #environment: QemuEnvironment;
  readonly #options: QemuDevicesOptions;
  readonly #containerOf = new Map<VfioDevice, VfioContainer>();

  constructor(environment: QemuEnvironment, options: QemuDevicesOptions) {
    this.#environment = environment;
    this.#options = options;
  }

  /** The device with this id, which has to be plugged in: `checkScenario` makes sure of that. */
  get(id: string): VfioDevice {
    return this.plugged.find((device) => device.id === id)!;
  }

  /**
   * Plugs in a device of the scenario.
   *
   * @param isHotplug whether the machine runs already.
   * @throws DeviceRefused where QEMU refuses the device.
   * @throws VmmAbort where QEMU dies of the device, or of refusing it.
   */
  plug(spec: DeviceSpec, isHotplug: boolean): void {
    const container = this.#options.containers.connect(spec);
    try {
      const device = this.#realize(spec);
      // QEMU resets a device that is plugged into a running machine (vfio fact 5.25).
      if (isHotplug) device.askForReset();
      this.plugged.push(device);
      this.#containerOf.set(device, container);
    } catch (error) {
      if (!(error instanceof DeviceRefused)) throw error;
      this.#closeIfEmpty(container);
      const message = `vfio ${spec.name}: ${error.message}`;
      const site = isHotplug ? this.#deathAfterRefusal(spec, error) : undefined;
      if (site === undefined) throw new DeviceRefused(message);
      throw new VmmAbort(site, `SIGSEGV after refusing a hot-plugged device: ${message}`);
    }
  }

  /** Where a running QEMU dies of having refused a device. One without BARs has nothing that QEMU could release wrongly. */
  #deathAfterRefusal({ bars }: DeviceSpec, refusal: DeviceRefused): AbortSite | undefined {
    const { revision, scenario } = this.#environment;
    const { hotplugRefusal, hotplugMsixRefusal } = revision.device;
    if (bars.length === 0) return undefined;
    if (hotplugMsixRefusal === 'crash' && refusal instanceof MsixRefused) return 'bars-finalize-segfault';
    return hotplugRefusal === 'crash' && isVfioUser(scenario) ? 'hotplug-refusal-segfault' : undefined;
  }

  /** Unplugs a device, and closes its container if it was the last one in it. */
  unplug(device: VfioDevice): void {
    device.unplug();
    this.plugged.splice(this.plugged.indexOf(device), 1);
    const container = this.#containerOf.get(device)!;
    this.#containerOf.delete(device);
    this.#closeIfEmpty(container);
  }

  /**
   * Unplugs a device because the guest released it.
   *
   * @throws VmmAbort where QEMU dies of unplugging MSI-X. The crash applies only to an unplug by the guest,
   *   not to shutdown.
   */
  unplugByGuest(device: VfioDevice): void {
    this.unplug(device);
    const { scenario, revision } = this.#environment;
    if (!isVfioUser(scenario) || device.msixState === undefined) return;
    if (revision.device.msixUnplug !== 'crash') return;
    throw new VmmAbort(
      'msix-unplug-assertion',
      "memory_region_del_subregion: Assertion `subregion->container == mr' failed.",
    );
  }

  /** Resets all devices: the bus begins with the one that was plugged in last. */
  reset(): void {
    for (const device of this.plugged.toReversed()) device.reset();
  }

  #realize(spec: DeviceSpec): VfioDevice {
    const { scenario, revision, machine, emit, faults } = this.#environment;
    const { reserve, optsOutOfMsixEmulation } = this.#options;
    const { hostPageSize } = scenario.machine;
    return new VfioDevice(
      spec.id,
      makeHostDevice(spec, scenario.host, hostPageSize, revision.host),
      {
        msixRelocation: spec.options['x-msix-relocation'] ?? 'off',
        noMmap: spec.options['x-no-mmap'] ?? false,
        noMsixEmulation: spec.options['x-no-msix-emulation'],
        rombar: spec.options.rombar,
        romfile: spec.options.romfile,
      },
      {
        bus: machine.bus,
        rules: revision.device,
        pciRules: revision.pci,
        hostPageSize,
        machineOptsOutOfMsixEmulation: optsOutOfMsixEmulation,
        vfioUser: isVfioUser(scenario),
        romfileRegion: isVfioUser(scenario) ? 'vfio-user-pci.rom' : revision.romfileRegion,
        reserve,
        faults,
        emit,
      },
    );
  }

  #closeIfEmpty(container: VfioContainer): void {
    const { closes } = this.#environment.revision.container;
    if (closes === 'never' || (closes === 'with-last-device' && this.#isInUse(container))) return;
    this.#options.containers.close(container);
  }

  #isInUse(container: VfioContainer): boolean {
    for (const used of this.#containerOf.values()) if (used === container) return true;
    return false;
  }
}
