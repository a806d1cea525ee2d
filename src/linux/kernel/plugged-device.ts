import type { DmaContainer } from '../../vfio-user/index.ts';
import { BAR_COUNT } from '../../pci-layout/index.ts';
import { command } from '../agent/commands.ts';
import type { LinuxMachine } from '../boot/linux-machine.ts';
import { portAddress } from '../boot/machine-arguments.ts';
import type { PageNeighbour, SessionBar, SessionDevice } from '../session/host-session.ts';
import { AgentCalls, PreparationFailed } from './agent-calls.ts';

/** A device that is bound to vfio-pci in a kernel. */
export interface BoundDevice {
  readonly bdf: string;
  /** The number of its IOMMU group. */
  readonly group: string;
  /** The device with its PCI address and the addresses of its BARs on this host. */
  readonly device: SessionDevice;
}

/** How often barproof looks for a plugged device. The kernel takes a second or two for a hot plug of PCI Express. */
const HOT_PLUG_ATTEMPTS = 600;
/** The milliseconds between two looks. */
const HOT_PLUG_PAUSE = 50;
const BIND_ATTEMPTS = 60;

const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Plugs a device into a machine, if the machine has no fixed one. @returns the device's PCI address in the kernel */
async function plug(
  machine: LinuxMachine,
  device: SessionDevice,
  container: DmaContainer | undefined,
): Promise<string> {
  if (machine.iommu.fixedDevice !== undefined) return machine.iommu.fixedDevice;
  const calls = new AgentCalls(machine);
  const port = await machine.plug(device, container);
  const { slot, function: number } = portAddress(port);
  const bridge = `/sys/bus/pci/devices/0000:00:${slot.toString(16).padStart(2, '0')}.${number}`;
  const bus = Number(await calls.readFile(`${bridge}/secondary_bus_number`));
  return `0000:${bus.toString(16).padStart(2, '0')}:00.0`;
}

/**
 * Plugs a device into a machine and binds it to vfio-pci.
 *
 * @param container takes the mappings that the kernel makes for the device; by default all are granted and none is kept
 * @throws PreparationFailed when the kernel does not find the device, or vfio-pci does not bind to it
 */
export async function plugAndBind(
  machine: LinuxMachine,
  device: SessionDevice,
  container?: DmaContainer,
): Promise<BoundDevice> {
  const calls = new AgentCalls(machine);
  const bdf = await plug(machine, device, container);
  const folder = `/sys/bus/pci/devices/${bdf}`;
  await untilFound(calls, folder);
  await calls.need(command.writeFile(`${folder}/driver_override`, 'vfio-pci'), 'driver_override');
  await untilBound(calls, folder, bdf);
  // With a device tree the kernel makes the group only when a driver binds to the device (of_dma_configure).
  const group = await calls.linkName(`${folder}/iommu_group`);
  if (group === undefined) throw new PreparationFailed(`${bdf} has no IOMMU group`);
  const resources = parseResources(await calls.readFile(`${folder}/resource`));
  if (!machine.iommu.acceptsVfioUser) {
    return { bdf, group, device: { ...device, bdf, bars: resources, msix: undefined } };
  }
  const start = (index: number): bigint | undefined => resources.find((bar) => bar.index === index)?.start;
  const bars = device.bars.map((bar) => ({ ...bar, start: start(bar.index) }));
  return { bdf, group, device: { ...device, bdf, bars } };
}

async function untilFound(calls: AgentCalls, folder: string): Promise<void> {
  for (let attempt = 0; attempt < HOT_PLUG_ATTEMPTS; attempt++) {
    if (await calls.exists(`${folder}/driver_override`)) return;
    await pause(HOT_PLUG_PAUSE);
  }
  throw new PreparationFailed(`the kernel does not find the device at ${folder}`);
}

/** sysfs shows a device before the kernel looks for its driver (pci_bus_add_device), so one probe may be too early. */
async function untilBound(calls: AgentCalls, folder: string, bdf: string): Promise<void> {
  for (let attempt = 0; attempt < BIND_ATTEMPTS; attempt++) {
    if ((await calls.linkName(`${folder}/driver`)) === 'vfio-pci') return;
    await calls.ask(command.writeFile('/sys/bus/pci/drivers_probe', bdf));
    await pause(HOT_PLUG_PAUSE);
  }
  throw new PreparationFailed(`vfio-pci does not bind to ${bdf}`);
}

/** Flags of a resource: Linux include/linux/ioport.h. */
const IORESOURCE_IO = 0x100n;
const IORESOURCE_PREFETCH = 0x2000n;
const IORESOURCE_MEM_64 = 0x10_0000n;

/** The BARs of a device, from the first lines of sysfs's `resource`: first address, last address and flags of each. */
export const parseResources = (text: string): SessionBar[] =>
  text
    .split('\n')
    .slice(0, BAR_COUNT)
    .flatMap((line, index): SessionBar[] => {
      const [start = 0n, last = 0n, bits = 0n] = line.split(' ').map((word) => BigInt(word || 0));
      if (bits === 0n || last === 0n) return [];
      const type =
        (bits & IORESOURCE_IO) !== 0n ? 'io' : (bits & IORESOURCE_MEM_64) !== 0n ? 'mem64' : 'mem32';
      return [
        {
          ...{ index, size: last - start + 1n, type, start },
          ...{ prefetch: (bits & IORESOURCE_PREFETCH) !== 0n, mmapFlag: undefined, othersInPage: [] },
        },
      ];
    });

/**
 * Adds the resources of `/proc/iomem` that share a page with a sub-page BAR. The device's file has to be open:
 * vfio-pci reserves the rest of such a page when the file is opened.
 */
export async function withPageNeighbours(
  machine: LinuxMachine,
  device: SessionDevice,
  pageSize: bigint,
): Promise<SessionDevice> {
  if (device.bars.every((bar) => bar.size >= pageSize || bar.type === 'io')) return device;
  const resources = parseIomem(await new AgentCalls(machine).readFile('/proc/iomem'));
  const neighbours = (bar: SessionBar): SessionBar => {
    if (bar.size >= pageSize || bar.type === 'io' || bar.start === undefined) return bar;
    const { start, size } = bar;
    const page = start - (start % pageSize);
    const inPage = resources.filter(
      ({ first, last }) =>
        first < page + pageSize &&
        last >= page &&
        // A range that covers the whole page is a bridge or a bus. A range inside the BAR is the BAR itself.
        !(first <= page && last >= page + pageSize - 1n) &&
        !(first >= start && last < start + size),
    );
    return { ...bar, othersInPage: inPage };
  };
  return { ...device, bars: device.bars.map(neighbours) };
}

/** The resources of `/proc/iomem`, with their names. */
export const parseIomem = (text: string): PageNeighbour[] =>
  text.split('\n').flatMap((line) => {
    const [, first, last, name] = /^ *([0-9a-f]+)-([0-9a-f]+) : (.*)$/.exec(line) ?? [];
    return first === undefined
      ? []
      : [{ first: BigInt(`0x${first}`), last: BigInt(`0x${last}`), name: name! }];
  });
