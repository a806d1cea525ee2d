import { MsixControl, MsixRegister, PciCommand, PciRegister } from '../../pci-layout/index.ts';
import { toJsonLine, type Operation, type Scenario } from '../../scenario/index.ts';
import type { State, Step } from '../../trace/index.ts';
import { QmpRefusal } from '../process/qemu-error.ts';
import type { QemuProcess } from '../process/qemu-process.ts';
import { DeviceNames } from './device-names.ts';
import { Guest } from './guest.ts';
import { openBridgeWindows } from './hotplug-bridge.ts';
import { MachineDevices } from './machine-devices.ts';
import type { MachineDriver } from './machine-driver.ts';
import type { MachineHost } from './machine-host.ts';
import type { MachineParts } from './machine-parts.ts';
import { Observer } from './observer.ts';
import { Plugging } from './plugging.ts';

/** A QEMU with a machine that carries out the operations of scenarios. */
export class RunningMachine {
  readonly observer: Observer;
  readonly plugging: Plugging;
  readonly #parts: MachineParts;
  readonly #guest: Guest;

  private constructor(parts: MachineParts) {
    this.#parts = parts;
    this.#guest = new Guest(parts.qemu.qtest, parts.config, parts.driver.lowWindowOffset);
    this.observer = new Observer(parts);
    this.plugging = new Plugging(parts);
  }

  /** Takes over a machine that has just started. */
  static async adopt(qemu: QemuProcess, driver: MachineDriver, host: MachineHost): Promise<RunningMachine> {
    const config = await driver.config(qemu);
    const optsOut = await qemu.qmp
      .execute('qom-get', { path: '/machine', property: 'vfio-no-msix-emulation' })
      .catch((error: unknown) => {
        // Only machines that may opt out have the property.
        if (error instanceof QmpRefusal) return false;
        throw error;
      });
    const names = new DeviceNames();
    const devices = new MachineDevices();
    const optsOutOfMsixEmulation = optsOut === true;
    const parts = { qemu, driver, host, config, names, devices, optsOutOfMsixEmulation };
    await openBridgeWindows(qemu, config, driver);
    return new RunningMachine(parts);
  }

  get qemu(): QemuProcess {
    return this.#parts.qemu;
  }

  get host(): MachineHost {
    return this.#parts.host;
  }

  get devices(): MachineDevices {
    return this.#parts.devices;
  }

  get optsOutOfMsixEmulation(): boolean {
    return this.#parts.optsOutOfMsixEmulation;
  }

  /** Puts the scenario's names in place of QEMU's. */
  rename(text: string): string {
    return this.#parts.names.rename(text);
  }

  /**
   * Carries out one operation.
   *
   * @param view system memory before the operation. It decides whether an access reaches an MSI-X table.
   * @throws QemuDied, QemuHangs, QmpRefusal.
   */
  async perform(operation: Operation, scenario: Scenario, view: State['flatView']): Promise<void> {
    const device = 'device' in operation ? this.devices.find(operation.device) : undefined;
    switch (operation.op) {
      case 'set-bar':
        return this.#guest.setBar(device!, operation.bar, operation.address);
      case 'set-rom':
        return this.#guest.setRom(device!, operation.address, operation.enabled);
      case 'size-bar':
        return this.#guest.sizeBar(device!, operation.bar, operation.probe);
      case 'enable-memory':
      case 'disable-memory': {
        const enable = operation.op === 'enable-memory';
        return this.#guest.setBit(device!, PciRegister.COMMAND, PciCommand.MEMORY, enable);
      }
      case 'enable-msix':
      case 'disable-msix': {
        const { msix } = device!;
        if (msix === undefined) return;
        const enable = operation.op === 'enable-msix';
        return this.#guest.setBit(device!, msix.position + MsixRegister.CONTROL, MsixControl.ENABLE, enable);
      }
      case 'mask-vector':
        return this.#guest.maskVector(device!, operation.vector, operation.masked, view);
      case 'access-bar':
        return this.#guest.accessBar(device!, operation, view);
      case 'hotplug':
        return this.plugging.plug(
          scenario.devices.find(({ id }) => id === operation.device)!,
          scenario,
        );
      case 'unplug':
        return this.plugging.unplug(device!, view);
      case 'reset':
        return this.#reset();
      default:
        // whyNotRunnable refuses a scenario with any other operation.
        throw new Error(`${operation.op} cannot be carried out on a running QEMU`);
    }
  }

  /**
   * Retires the devices of a scenario. They decode nothing any more and stay plugged in, because QEMU 11.1 does not
   * survive the unplug of a vfio-user device with MSI-X.
   */
  async retireDevices(): Promise<void> {
    for (const device of this.devices.present) {
      await this.#guest.restore(device);
      device.server.settle();
    }
    this.devices.retirePresent();
    this.#parts.host.restart([]);
    this.observer.restart();
    this.#parts.names.restartContainers();
  }

  /** Unplugs the devices of a scenario, whose memory maps were not read, so that nothing is left of them. */
  async unplugDevices(): Promise<void> {
    for (const device of [...this.devices.present]) {
      await this.#guest.restore(device);
      await this.plugging.unplug(device, []);
    }
    this.devices.forgetUnplugged();
    this.#parts.host.restart([]);
    this.observer.restart();
    this.#parts.names.restartContainers();
  }

  /**
   * Keeps the devices of the present scenario for other scenarios with the same hardware. From now on they may only
   * be retired.
   *
   * @param steps from the start of the machine to the last plug.
   */
  keepDevices(hardware: string, steps: readonly Step[]): void {
    const devices = this.devices.present.slice(0, steps.length - 1);
    this.devices.retired.keep(hardware, { devices, steps });
  }

  /**
   * Uses kept devices again, if the machine has the same state as after their plug.
   *
   * @returns the steps that led to that state, or `undefined` if the state differs, or the host is not as at the start.
   */
  async reinstateDevices(hardware: string): Promise<readonly Step[] | undefined> {
    const { devices, steps } = this.devices.retired.takeBack(hardware);
    this.devices.present.push(...devices);
    this.#parts.host.restart(devices.map(({ server }) => server));
    const { state, events } = await this.observer.observe();
    const asBefore = events.length === 0 && toJsonLine(state) === toJsonLine(steps.at(-1)!.state);
    return asBefore && this.#parts.host.isAsNew ? steps : undefined;
  }

  /** Whether QEMU and the servers of its devices keep this process alive. */
  keepAlive(whether: boolean): void {
    this.qemu.keepAlive(whether);
    this.#parts.host.keepAlive(whether);
    for (const { server } of this.devices.all) server.keepAlive(whether);
  }

  /** Ends QEMU and the servers of its devices. */
  async end(): Promise<void> {
    await this.qemu.end();
    await Promise.all(this.devices.all.map(({ server }) => server.close()));
    this.#parts.host.close();
  }

  async #reset(): Promise<void> {
    const { config, driver, qemu } = this.#parts;
    const done = qemu.qmp.event(({ event }) => event === 'RESET', 'the event RESET');
    await Promise.all([qemu.qmp.execute('system_reset'), done]);
    // QEMU sends the event before the reset is complete, and answers the next command afterwards.
    await qemu.qmp.execute('query-status');
    await openBridgeWindows(qemu, config, driver);
  }
}
