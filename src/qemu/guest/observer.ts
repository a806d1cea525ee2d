import { MsixControl, MsixRegister } from '../../pci-layout/index.ts';
import { toJsonLine } from '../../scenario/index.ts';
import type { DeviceState, State } from '../../trace/index.ts';
import type { VmmEvent } from '../../vfio/index.ts';
import { readAnswer } from '../process/qemu-error.ts';
import { withoutProgram } from '../process/qemu-names.ts';
import { runCycles } from './config-access.ts';
import { FlatViewReader, type ReadViews } from './flat-view-reader.ts';
import type { MachineParts } from './machine-parts.ts';
import type { PluggedDevice } from './plugged-device.ts';
import { barStates, findPciDevice, type QmpPciBus } from './query-pci.ts';

/** The state of a machine, and the events since the last observation. */
export interface Observation {
  readonly state: State;
  readonly events: readonly VmmEvent[];
}

/** The state before the first observation. */
export const NOTHING_SEEN: State = { flatView: [], dmaView: [], containers: [], memslots: [], devices: [] };

/**
 * What QEMU prints once in a process (warn_report_once of hw/vfio). A process serves many scenarios, and what one of them
 * shows must not depend on those before.
 */
const PRINTED_ONCE = /^(?:warning: )?VFIO dma-buf not supported in kernel/;

/** Observes a machine: its memory maps, its devices, their DMA requests, and QEMU's messages. */
export class Observer {
  readonly #parts: MachineParts;
  readonly #reader: FlatViewReader;
  #linesSeen: number;
  #last: State = NOTHING_SEEN;

  constructor(parts: MachineParts) {
    this.#parts = parts;
    this.#linesSeen = parts.qemu.output.count;
    this.#reader = new FlatViewReader(
      (text) => parts.names.rename(text),
      (id) => parts.names.idOf(id),
    );
  }

  /** Observes everything. QEMU then keeps a device that is unplugged later: `info mtree` takes a reference. */
  async observe(): Promise<Observation> {
    const { qmp } = this.#parts.qemu;
    const [views, buses, controls] = await Promise.all([
      qmp
        .monitor('info mtree -f -o')
        .then((text) => readAnswer('info mtree -f -o', text, () => this.#reader.read(text))),
      qmp.execute('query-pci'),
      this.#readMsixControls(),
    ]);
    return this.#observation(views, buses as QmpPciBus[], controls);
  }

  /** Observes everything but the memory maps. @param views the memory maps, from another run of the scenario. */
  async observeWithoutMaps(views: ReadViews): Promise<Observation> {
    const [buses, controls] = await Promise.all([
      this.#parts.qemu.qmp.execute('query-pci'),
      this.#readMsixControls(),
    ]);
    return this.#observation(views, buses as QmpPciBus[], controls);
  }

  /** The events before QEMU died or refused a device, with the memory maps and devices of the last observation. */
  observeEnd(): Observation {
    this.#settle();
    const { devices, host } = this.#parts;
    const events = this.#takeEvents({ memory: this.#last.flatView, dma: this.#last.dmaView });
    const containers = host.containers(devices.present);
    return { state: { ...this.#last, containers, memslots: host.memslots }, events };
  }

  /** The flat ranges of memory and I/O ports as QEMU prints them, in a fixed order. */
  async readMapText(): Promise<string> {
    const views = (await this.#parts.qemu.qmp.monitor('info mtree -f')).split(/^FlatView #\d+\s*$/m);
    return views
      .filter((view) => /^ AS "(?:memory|I\/O)", root/m.test(view))
      .flatMap((view) => view.split('\n').filter((line) => line.startsWith('  ')))
      .toSorted()
      .join('\n');
  }

  /** Forgets what was observed, so that the next scenario begins without events. */
  restart(): void {
    const { devices, driver, qemu } = this.#parts;
    // A retired device still gets the DMA requests for memory of others.
    for (const device of devices.retired.all) device.takeEvents([], driver.ram);
    this.#linesSeen = qemu.output.count;
    this.#last = NOTHING_SEEN;
  }

  /** The message control words of the devices with MSI-X. */
  async #readMsixControls(): Promise<ReadonlyMap<PluggedDevice, number>> {
    const { config, devices, qemu } = this.#parts;
    const reads = devices.present.flatMap((device) =>
      device.msix === undefined
        ? []
        : [{ device, cycle: config.read(device.at(device.msix.position + MsixRegister.CONTROL), 2) }],
    );
    if (reads.length === 0) return new Map();
    const values = await runCycles(
      qemu.qtest,
      reads.map(({ cycle }) => cycle),
    );
    return new Map(reads.map(({ device }, index) => [device, values[index]!]));
  }

  /** Answers the messages that QEMU has sent to the devices. */
  #settle(): void {
    for (const { server } of this.#parts.devices.observed) server.settle();
  }

  #takeEvents(views: ReadViews): readonly VmmEvent[] {
    const { devices, host, names, qemu } = this.#parts;
    const messages = qemu.output
      .since(this.#linesSeen)
      .map(withoutProgram)
      .filter((line) => !PRINTED_ONCE.test(line))
      .map((line): VmmEvent => ({ type: 'message', text: names.rename(line) }));
    this.#linesSeen = qemu.output.count;
    const requests = host.takeEvents(devices.observed, views);
    devices.retireUnplugged();
    return [...requests, ...messages];
  }

  /** Parts of the state that have not changed are the same objects as in the last observation. */
  #observation(
    views: ReadViews,
    buses: readonly QmpPciBus[],
    controls: ReadonlyMap<PluggedDevice, number>,
  ): Observation {
    this.#settle();
    const events = this.#takeEvents(views);
    const before = this.#last;
    const { memory, dma } = views;
    const { host } = this.#parts;
    const { present } = this.#parts.devices;
    const containers = host.containers(present);
    const sameContainers =
      containers.length === before.containers.length &&
      containers.every(({ mappings, name }, index) => {
        const old = before.containers[index]!;
        return old.name === name && old.mappings === mappings;
      });
    const devices = readAnswer('QMP query-pci', buses, () =>
      present.map((device) => this.#stateOf(device, buses, controls.get(device))),
    );
    this.#last = {
      flatView: memory,
      dmaView: dma,
      containers: sameContainers ? before.containers : containers,
      memslots: host.memslots,
      devices: toJsonLine(devices) === toJsonLine(before.devices) ? before.devices : devices,
    };
    return { state: this.#last, events };
  }

  /** @param control the message control word of a device with MSI-X. */
  #stateOf(device: PluggedDevice, buses: readonly QmpPciBus[], control: number | undefined): DeviceState {
    const { spec, msix, regions, place } = device;
    const found = findPciDevice(buses, place.qemuId);
    const bars = found === undefined ? [] : barStates(found, regions.layers);
    if (msix === undefined || control === undefined) return { id: spec.id, bars, msix: undefined };
    const view = {
      layout: msix.layout,
      enabled: (control & MsixControl.ENABLE) !== 0,
      functionMasked: (control & MsixControl.FUNCTION_MASK) !== 0,
      emulatedAt: this.#parts.optsOutOfMsixEmulation ? undefined : regions.emulatedAt,
    };
    return { id: spec.id, bars, msix: view };
  }
}
