import {
  MsixControl,
  MsixRegister,
  PciCommand,
  PciRegister,
  type AccessWidth,
} from '../../pci-layout/index.ts';
import { toJsonLine, type DeviceSpec, type Operation, type Scenario } from '../../scenario/index.ts';
import type { VmmEvent } from '../../vfio/index.ts';
import type { DeviceState, State, Step } from '../../trace/index.ts';
import { runCycles, type ConfigAccess, type ConfigCycle } from './config-access.ts';
import type { DeviceServer, ServeDevice } from './device-server.ts';
import { FlatViewReader, type ReadViews } from './flat-view-reader.ts';
import { Guest } from './guest.ts';
import type { QemuBus, MachineDriver } from './machine-driver.ts';
import { PluggedDevice } from './plugged-device.ts';
import type { QemuProcess } from '../process/qemu-process.ts';
import { QemuHangs, QmpRefusal } from '../process/qemu-error.ts';
import { RetiredDevices } from './retired-devices.ts';
import { renameDevices, withoutProgram } from '../process/qemu-names.ts';
import { barStates, findPciDevice, type QmpPciBus } from './query-pci.ts';
import { BRIDGE_SLOT, FIRST_SLOT, LAST_SLOT } from './slots.ts';

const UNPLUG_DEADLINE = 10_000;

/** An operation that cannot be carried out, although it looked as if it could. */
export class NotCarriedOut extends Error {
  override readonly name = 'NotCarriedOut';
}

/** What a machine is made with. */
export interface MachineParts {
  readonly qemu: QemuProcess;
  readonly driver: MachineDriver;
  readonly serve: ServeDevice;
}

/** What can be seen, and what happened since it was last looked at. */
export interface Observation {
  readonly state: State;
  readonly events: readonly VmmEvent[];
}

/** A QEMU with a machine that scenarios' operations are carried out on. */
export class RunningMachine {
  readonly qemu: QemuProcess;
  readonly driver: MachineDriver;
  readonly optsOutOfMsixEmulation: boolean;
  /** Plugged in for the present scenario, first come first. */
  readonly devices: PluggedDevice[] = [];
  /** Of scenarios before it. */
  readonly retired = new RetiredDevices();
  /**
   * Whether nobody asks for memory maps. Then a device that is unplugged really leaves; otherwise QEMU
   * keeps it, unplugged but connected.
   */
  unobserved = false;
  readonly #config: ConfigAccess;
  readonly #guest: Guest;
  readonly #serve: ServeDevice;
  readonly #reader: FlatViewReader;
  /** Names of sockets, and what the scenario calls the device behind them. */
  readonly #names: Map<string, { readonly name: string; readonly id: string }>;
  readonly #containersNamed = new Map<string, number>();
  #deviceCount = 0;
  #nextSlot = FIRST_SLOT;
  #linesSeen: number;
  #last: Observation | undefined;

  private constructor(parts: MachineParts, config: ConfigAccess, optsOut: boolean) {
    this.qemu = parts.qemu;
    this.driver = parts.driver;
    this.#serve = parts.serve;
    this.#config = config;
    this.#guest = new Guest(parts.qemu.qtest, config, parts.driver.lowWindowOffset);
    this.optsOutOfMsixEmulation = optsOut;
    this.#names = new Map();
    this.#linesSeen = parts.qemu.output.count;
    this.#reader = new FlatViewReader(
      (text) => this.rename(text),
      (id) => this.#names.get(id)?.id,
    );
  }

  /** Looks at a machine that has just started. */
  static async adopt(parts: MachineParts): Promise<RunningMachine> {
    const { qemu, driver } = parts;
    const config = await driver.config(qemu);
    const optsOut = await qemu.qmp
      .execute('qom-get', { path: '/machine', property: 'vfio-no-msix-emulation' })
      .catch((error: unknown) => {
        // Only machines that may opt out have the property.
        if (error instanceof QmpRefusal) return false;
        throw error;
      });
    const machine = new RunningMachine(parts, config, optsOut === true);
    await machine.openBridge();
    return machine;
  }

  /** QEMU's text with the names of the scenario: a device is called by its socket, and a pointer is no name. */
  rename(text: string): string {
    return renameDevices(text, this.#names);
  }

  /** Slots that are still free. */
  get freeSlots(): number {
    return LAST_SLOT - this.#nextSlot + 1;
  }

  /** Takes note of devices that were there from the start, in slots from the first on. */
  async admit(
    devices: readonly { readonly spec: DeviceSpec; readonly qemuId: string; readonly server: DeviceServer }[],
    bus: QemuBus,
  ): Promise<void> {
    for (const { spec, qemuId, server } of devices) {
      this.#names.set(qemuId, spec);
      await this.#take(spec, qemuId, bus, server);
    }
  }

  /**
   * Plugs a device in while the machine runs.
   *
   * @throws QmpRefusal with QEMU's words, the scenario's names in them. QemuDied.
   */
  async plug(spec: DeviceSpec, scenario: Scenario): Promise<void> {
    const { bus } = this.driver.hotplug;
    const qemuId = `d${this.#deviceCount++}`;
    this.#names.set(qemuId, spec);
    const server = await this.#serve(this.qemu.directory.at(qemuId), spec, scenario);
    try {
      await this.qemu.qmp.execute('device_add', deviceArguments(qemuId, bus, this.#nextSlot));
    } catch (error) {
      await server.close();
      if (!(error instanceof QmpRefusal)) throw error;
      throw new QmpRefusal(error.command, error.errorClass, this.rename(error.message));
    }
    await this.#take(spec, qemuId, bus, server);
  }

  /**
   * Carries out one operation on a device or the machine.
   *
   * @param view of system memory before it; decides what an access to an MSI-X table reaches.
   * @throws QemuDied, QemuHangs, QmpRefusal.
   */
  async perform(operation: Operation, scenario: Scenario, view: State['flatView']): Promise<void> {
    switch (operation.op) {
      case 'set-bar':
        return this.#guest.setBar(this.#device(operation.device), operation.bar, operation.address);
      case 'size-bar':
        return this.#guest.sizeBar(this.#device(operation.device), operation.bar);
      case 'enable-memory':
      case 'disable-memory':
        return this.#guest.setBit(
          this.#device(operation.device),
          PciRegister.COMMAND,
          PciCommand.MEMORY,
          operation.op === 'enable-memory',
        );
      case 'enable-msix':
      case 'disable-msix': {
        const device = this.#device(operation.device);
        if (device.msix === undefined) return;
        const enable = operation.op === 'enable-msix';
        return this.#guest.setBit(
          device,
          device.msix.position + MsixRegister.CONTROL,
          MsixControl.ENABLE,
          enable,
        );
      }
      case 'mask-vector':
        return this.#guest.maskVector(
          this.#device(operation.device),
          operation.vector,
          operation.masked,
          view,
        );
      case 'hotplug':
        return this.plug(
          scenario.devices.find(({ id }) => id === operation.device)!,
          scenario,
        );
      case 'unplug':
        return this.#unplug(this.#device(operation.device), view);
      case 'reset':
        return this.#reset();
      default:
        throw new NotCarriedOut(`${operation.op} cannot be carried out on a running QEMU`);
    }
  }

  /** Looks at everything that can be seen. */
  async observe(): Promise<Observation> {
    const { qmp } = this.qemu;
    const [views, buses, controls] = await Promise.all([
      qmp.monitor('info mtree -f -o').then((text) => this.#reader.read(text)),
      qmp.execute('query-pci'),
      this.#readMsixControls(),
    ]);
    return this.#observation(views, buses as QmpPciBus[], controls);
  }

  /** The requests and messages since the last observation, and the devices; the memory map as it was. */
  async observeRequests(views: ReadViews): Promise<Observation> {
    const [buses, controls] = await Promise.all([
      this.qemu.qmp.execute('query-pci'),
      this.#readMsixControls(),
    ]);
    return this.#observation(views, buses as QmpPciBus[], controls);
  }

  /** What arrived before QEMU died: no view, and the devices as they were. */
  observeRemains(): Observation {
    this.#settle();
    const view = this.#last?.state.dmaView ?? [];
    const events = this.#takeEvents(view);
    const containers = this.devices.map(({ state }) => state);
    const before = this.#last?.state ?? NOTHING_SEEN;
    return { state: { ...before, containers }, events };
  }

  /** The ranges of memory and ports, as QEMU prints them now. */
  async mapText(): Promise<string> {
    const views = (await this.qemu.qmp.monitor('info mtree -f')).split(/^FlatView #\d+\s*$/m);
    return views
      .filter((view) => /^ AS "(?:memory|I\/O)", root/m.test(view))
      .flatMap((view) => view.split('\n').filter((line) => line.startsWith('  ')))
      .toSorted()
      .join('\n');
  }

  /**
   * Has done with the devices of a scenario: they decode nothing any more and stay where they are, for
   * QEMU 11.1 does not survive that a device with MSI-X is taken away. Their slots are not used again.
   */
  async retireDevices(): Promise<void> {
    for (const device of this.devices) {
      await this.#guest.restore(device);
      device.server.settle();
    }
    for (const device of this.devices.splice(0)) this.retired.add(device);
    // They hear of everything that is mapped for others, too.
    for (const device of this.retired.all) device.takeEvents([], this.driver.ram);
    this.#linesSeen = this.qemu.output.count;
    this.#containersNamed.clear();
    this.#last = undefined;
  }

  /**
   * Keeps the devices of the present scenario for others with the same hardware. Nothing may happen to them
   * any more but that they are retired.
   *
   * @param steps from the start of the machine to the last plug.
   */
  remember(hardware: string, steps: readonly Step[]): void {
    this.retired.remember(hardware, { devices: this.devices.slice(0, steps.length - 1), steps });
  }

  /**
   * Puts devices back into use that were remembered, if everything is as it was when they had been plugged in.
   *
   * @returns the steps that led there, or nothing where something is not as it was.
   */
  async reinstate(hardware: string): Promise<readonly Step[] | undefined> {
    const { devices, steps } = this.retired.takeBack(hardware);
    this.devices.push(...devices);
    const { state, events } = await this.observe();
    const asBefore = events.length === 0 && toJsonLine(state) === toJsonLine(steps.at(-1)!.state);
    return asBefore ? steps : undefined;
  }

  /** Whether the machine, idle as it may be, keeps this process alive. */
  keepAlive(whether: boolean): void {
    this.qemu.keepAlive(whether);
    for (const { server } of this.#all()) server.keepAlive(whether);
  }

  /** Ends QEMU and everything that was served to it. */
  async end(): Promise<void> {
    await this.qemu.end();
    await Promise.all(this.#all().map(({ server }) => server.close()));
  }

  /** Lets the bridge pass every memory address on to the bus behind it, as often as a reset forgets it. */
  async openBridge(): Promise<void> {
    const { bridged, bus } = this.driver.hotplug;
    if (!bridged || !this.#hasBridge()) return;
    const write = (register: number, width: AccessWidth, value: number) =>
      this.#config.write({ bus: 0, slot: BRIDGE_SLOT, register }, width, value);
    await this.#run([
      // Primary, secondary and subordinate bus.
      write(0x18, 4, (bus.number << 16) | (bus.number << 8)),
      // Memory below 4 GiB, prefetchable memory above.
      write(0x20, 4, 0xfff0_0000),
      write(0x24, 4, 0xfff1_0001),
      write(0x28, 4, 1),
      write(0x2c, 4, 0xffff_ffff),
      write(PciRegister.COMMAND, 2, PciCommand.IO | PciCommand.MEMORY | PciCommand.BUS_MASTER),
    ]);
  }

  #all(): readonly PluggedDevice[] {
    return [...this.devices, ...this.#leaving, ...this.retired.all];
  }

  #hasBridge(): boolean {
    return this.qemu.arguments.some((argument) => argument.startsWith('pci-bridge,'));
  }

  async #take(spec: DeviceSpec, qemuId: string, bus: QemuBus, server: DeviceServer): Promise<void> {
    const device = new PluggedDevice(
      spec,
      { qemuId, bus: bus.number, slot: this.#nextSlot++, container: this.#nameContainer(spec.id) },
      server,
    );
    this.devices.push(device);
    await device.inspect(this.qemu, this.#config, (text) => this.rename(text));
  }

  /** A container that is made after another was closed is another one, and called so. */
  #nameContainer(id: string): string {
    const before = this.#containersNamed.get(id) ?? 0;
    this.#containersNamed.set(id, before + 1);
    return before === 0 ? id : `${id}#${before + 1}`;
  }

  #device(id: string): PluggedDevice {
    return this.devices.find(({ spec }) => spec.id === id)!;
  }

  #run(cycles: readonly ConfigCycle[]): Promise<number[]> {
    return cycles.length === 0 ? Promise.resolve([]) : runCycles(this.qemu.qtest, cycles);
  }

  async #unplug(device: PluggedDevice, view: State['flatView']): Promise<void> {
    const { qmp } = this.qemu;
    const deleted = qmp.event(
      ({ event, data }) => event === 'DEVICE_DELETED' && data?.['device'] === device.qemuId,
      `DEVICE_DELETED of ${device.spec.id}`,
      UNPLUG_DEADLINE,
    );
    // Nobody waits for it where it may not come.
    deleted.catch(() => undefined);
    await qmp.execute('device_del', { id: device.qemuId });
    await this.driver.eject(this.qemu, device.slot, this.#config, view);
    if (this.unobserved) {
      await deleted;
      await until(async () => {
        device.server.settle();
        return device.server.disconnected;
      }, 'the end of the connection');
    } else {
      await until(async () => {
        const buses = (await qmp.execute('query-pci')) as QmpPciBus[];
        return findPciDevice(buses, device.qemuId) === undefined;
      }, `the end of ${device.spec.id}`);
    }
    this.#leaving.push(device);
    this.devices.splice(this.devices.indexOf(device), 1);
  }

  async #reset(): Promise<void> {
    const { qmp } = this.qemu;
    const done = qmp.event(({ event }) => event === 'RESET', 'the event RESET');
    await Promise.all([qmp.execute('system_reset'), done]);
    // The answer to another command comes after what the reset still does.
    await qmp.execute('query-status');
    await this.openBridge();
  }

  async #readMsixControls(): Promise<ReadonlyMap<PluggedDevice, number>> {
    const having = this.devices.filter(({ msix }) => msix !== undefined);
    const values = await this.#run(
      having.map((device) => this.#config.read(device.at(device.msix!.position + MsixRegister.CONTROL), 2)),
    );
    return new Map(having.map((device, index) => [device, values[index]!]));
  }

  #settle(): void {
    for (const { server } of [...this.devices, ...this.#leaving]) server.settle();
  }

  /** Devices that were unplugged since the last observation. */
  readonly #leaving: PluggedDevice[] = [];

  #takeEvents(dmaView: State['dmaView']): readonly VmmEvent[] {
    const leaving = this.#leaving.splice(0);
    const requests = [...this.devices, ...leaving].flatMap((device) =>
      device.takeEvents(dmaView, this.driver.ram),
    );
    for (const device of leaving) this.retired.add(device);
    const { output } = this.qemu;
    const messages = output
      .since(this.#linesSeen)
      .map((line): VmmEvent => ({ type: 'message', text: this.rename(withoutProgram(line)) }));
    this.#linesSeen = output.count;
    return [...requests, ...messages];
  }

  #observation(
    { memory, dma }: ReadViews,
    buses: readonly QmpPciBus[],
    controls: ReadonlyMap<PluggedDevice, number>,
  ): Observation {
    this.#settle();
    const events = this.#takeEvents(dma);
    const before = this.#last?.state ?? NOTHING_SEEN;
    const containers = this.devices.map(({ state }) => state);
    const sameContainers =
      containers.length === before.containers.length &&
      containers.every(({ mappings, name }, index) => {
        const old = before.containers[index]!;
        return old.name === name && old.mappings === mappings;
      });
    const devices = this.devices.map((device) => this.#stateOf(device, buses, controls.get(device)));
    const state: State = {
      flatView: memory,
      dmaView: dma,
      containers: sameContainers ? before.containers : containers,
      memslots: before.memslots,
      devices: toJsonLine(devices) === toJsonLine(before.devices) ? before.devices : devices,
    };
    this.#last = { state, events };
    return this.#last;
  }

  #stateOf(device: PluggedDevice, buses: readonly QmpPciBus[], control: number | undefined): DeviceState {
    const { spec, msix } = device;
    const found = findPciDevice(buses, device.qemuId);
    const bars = found === undefined ? [] : barStates(found, device.layers);
    const view = msix &&
      control !== undefined && {
        layout: msix.layout,
        enabled: (control & MsixControl.ENABLE) !== 0,
        functionMasked: (control & MsixControl.FUNCTION_MASK) !== 0,
        emulatedAt: this.optsOutOfMsixEmulation ? undefined : msix.emulatedAt,
      };
    return { id: spec.id, bars, msix: view || undefined };
  }
}

/** Of a machine that nobody has looked at. */
export const NOTHING_SEEN: State = { flatView: [], dmaView: [], containers: [], memslots: [], devices: [] };

/**
 * The arguments of `-device` and `device_add`. The device's socket is called by its id, in the directory
 * that QEMU runs in: the shorter the path, the sooner has QEMU read what has it in.
 */
export const deviceArguments = (qemuId: string, bus: QemuBus, slot: number) => ({
  driver: 'vfio-user-pci',
  id: qemuId,
  bus: bus.name,
  addr: `0x${slot.toString(16)}`,
  socket: { type: 'unix', path: qemuId },
});

/** Waits for something that nobody announces. */
async function until(condition: () => Promise<boolean>, what: string): Promise<void> {
  const end = Date.now() + UNPLUG_DEADLINE;
  while (!(await condition())) {
    if (Date.now() > end) throw new QemuHangs(what, UNPLUG_DEADLINE);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
