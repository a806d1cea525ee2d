import type { DeviceSpec, Scenario } from '../../scenario/index.ts';
import type { State } from '../../trace/index.ts';
import { QemuHangs, QmpRefusal } from '../process/qemu-error.ts';
import type { QemuBus } from './machine-driver.ts';
import type { DeviceOffer, DeviceProperty } from './device-offer.ts';
import type { MachineParts } from './machine-parts.ts';
import { PluggedDevice } from './plugged-device.ts';
import { findPciDevice, type QmpPciBus } from './query-pci.ts';
import { FIRST_SLOT, LAST_SLOT } from './slots.ts';

const UNPLUG_DEADLINE_MS = 10_000;
const POLL_INTERVAL_MS = 2;

/** A device that QEMU was started with. */
export interface ColdPluggedDevice {
  readonly spec: DeviceSpec;
  /** The device's id in QEMU. */
  readonly qemuId: string;
  readonly server: DeviceOffer;
}

/** Plugs devices into a running machine, and unplugs them. */
export class Plugging {
  /**
   * Whether the memory maps of this machine are read. QEMU 11.1 then keeps a device that is unplugged, and its
   * connection: `info mtree` takes a reference to what it shows.
   */
  readsMemoryMaps = true;
  readonly #parts: MachineParts;
  #devicesPlugged = 0;
  #nextSlot = FIRST_SLOT;

  constructor(parts: MachineParts) {
    this.#parts = parts;
  }

  /** How many devices can still be plugged in. A slot is used once: the device in it may never really leave. */
  get freeSlots(): number {
    return LAST_SLOT - this.#nextSlot + 1;
  }

  /** Notes the devices that QEMU was started with. They are in slots from `FIRST_SLOT` on. */
  async addColdPlugged(devices: readonly ColdPluggedDevice[], bus: QemuBus): Promise<void> {
    for (const device of devices) {
      this.#parts.names.add(device.qemuId, device.spec);
      await this.#add(device, bus);
    }
  }

  /**
   * Plugs a device in while the machine runs.
   *
   * @throws QmpRefusal with QEMU's text, the scenario's names in it; QemuDied, QemuHangs.
   */
  async plug(spec: DeviceSpec, scenario: Scenario): Promise<void> {
    const { driver, host, names, qemu } = this.#parts;
    const { bus } = driver.hotplug;
    const qemuId = `d${this.#devicesPlugged++}`;
    names.add(qemuId, spec);
    const server = await host.offer(qemuId, spec, scenario);
    try {
      await qemu.qmp.execute('device_add', deviceArguments(server, qemuId, bus, this.#nextSlot));
    } catch (error) {
      await server.close();
      if (!(error instanceof QmpRefusal)) throw error;
      throw new QmpRefusal(error.command, error.errorClass, names.rename(error.message));
    }
    await this.#add({ spec, qemuId, server }, bus);
  }

  /**
   * Unplugs a device: `device_del`, and then the guest's part.
   *
   * @param view system memory before the unplug.
   * @throws QmpRefusal, QemuDied, QemuHangs.
   */
  async unplug(device: PluggedDevice, view: State['flatView']): Promise<void> {
    const { config, driver, qemu } = this.#parts;
    const { qmp } = qemu;
    const { qemuId, slot } = device.place;
    const deleted = qmp.event(
      ({ event, data }) => event === 'DEVICE_DELETED' && data?.['device'] === qemuId,
      `DEVICE_DELETED of ${device.spec.id}`,
      UNPLUG_DEADLINE_MS,
    );
    // Where the memory maps are read, the event does not come and its deadline is no error.
    deleted.catch(() => undefined);
    await qmp.execute('device_del', { id: qemuId });
    await driver.eject(qemu, slot, config, view);
    if (this.readsMemoryMaps) {
      await until(async () => {
        const find = (buses: readonly QmpPciBus[]) => findPciDevice(buses, qemuId);
        return (await qmp.query('query-pci', undefined, find)) === undefined;
      }, `query-pci without ${device.spec.id}`);
    } else {
      await deleted;
      await until(async () => {
        device.server.settle();
        return device.server.disconnected;
      }, `the end of the connection to ${device.spec.id}`);
    }
    this.#parts.devices.unplug(device);
  }

  async #add({ spec, qemuId, server }: ColdPluggedDevice, bus: QemuBus): Promise<void> {
    const { config, devices, names, qemu } = this.#parts;
    const container = names.nameContainer(spec.id);
    const place = { qemuId, bus: bus.number, slot: this.#nextSlot++, container };
    const device = new PluggedDevice(spec, place, server);
    devices.present.push(device);
    await device.inspect(qemu, config, (text) => names.rename(text));
  }
}

/** The arguments of `-device` and `device_add`. */
export const deviceArguments = (
  { properties }: DeviceOffer,
  qemuId: string,
  bus: QemuBus,
  slot: number,
): Readonly<Record<string, DeviceProperty>> => ({
  ...properties,
  id: qemuId,
  bus: bus.name,
  addr: `0x${slot.toString(16)}`,
});

/** The argument of `-device`: JSON for a property with parts, which no QEMU before 6.2 has, else `name=value`. */
export const deviceWord = (properties: Readonly<Record<string, DeviceProperty>>): string => {
  const { driver, ...others } = properties;
  const values = Object.values(properties);
  if (values.some((value) => typeof value === 'object')) return JSON.stringify(properties);
  const text = (value: DeviceProperty) => (value === true ? 'on' : value === false ? 'off' : String(value));
  return [driver, ...Object.entries(others).map(([name, value]) => `${name}=${text(value)}`)].join(',');
};

/** Polls for a change of which QEMU sends no event. @throws QemuHangs after the deadline of an unplug. */
async function until(condition: () => Promise<boolean>, what: string): Promise<void> {
  const end = Date.now() + UNPLUG_DEADLINE_MS;
  while (!(await condition())) {
    if (Date.now() > end) throw new QemuHangs(what, UNPLUG_DEADLINE_MS);
    await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL_MS));
  }
}
