import {
  needsOf,
  type DeviceSpec,
  type MachineType,
  type Operation,
  type Scenario,
} from '../src/scenario/index.ts';

/** What a thing weighs that no real machine shows (`needsOf`): more than a few devices and all their operations. */
export const WEIGHT_OF_A_NEED = 10_000;

const OF_MACHINE: Readonly<Record<MachineType, number>> = {
  generic: 0,
  q35: 40,
  virt: 41,
  pseries: 44,
  pc: 45,
};

/**
 * How much a scenario asks of its reader. The unit is half a hexadecimal digit of a number. A device, BAR or
 * operation weighs so much that no rounder number makes up for one more of them. A scenario that a real machine can
 * show weighs less than any that no machine can show.
 */
export function weigh(scenario: Scenario): number {
  const { machine, host, devices, operations } = scenario;
  const { iommu } = host;
  let weight = WEIGHT_OF_A_NEED * needsOf(scenario).length;
  weight += 2000 * devices.length + 200 * operations.length;
  weight += OF_MACHINE[machine.type];
  weight += machine.msixEmulation === 'machine-default' ? 0 : 10;
  weight += digits(machine.ram) + 3 * digits(machine.hostPageSize) + 2 * digits(machine.guestPageSize);
  weight += machine.guestPageSize === machine.hostPageSize ? 0 : 3;
  weight += host.kernel === 'msix-mappable' ? 0 : 5;
  weight += machine.cpu === undefined ? 0 : 10;
  weight += machine.pciHole64Size === undefined ? 0 : 10;
  weight += machine.highmemMmioSize === undefined ? 0 : 10;
  weight += host.memlock === undefined ? 0 : 10;
  weight += 10 * (host.unpinnableRam?.length ?? 0);
  for (const { at, nth } of host.faults ?? [])
    weight += 30 + (at === undefined ? 0 : 5 + digits(at)) + (nth === undefined ? 0 : 5 + nth);
  weight += iommu.type === 'type1' ? 0 : 20;
  for (const size of iommu.pageSizes) weight += 10 + digits(size) + (size === machine.hostPageSize ? 0 : 3);
  for (const { start, end } of iommu.apertures ?? []) weight += 10 + digits(start) + digits(end + 1n);
  if (iommu.maxMappings !== undefined) weight += 10 + iommu.maxMappings;
  if (iommu.maxWindows !== undefined) weight += 10;
  for (const device of devices) weight += weighDevice(device);
  for (const operation of operations) weight += weighOperation(operation);
  return weight;
}

function weighDevice({
  id,
  name,
  vendor,
  device,
  vga,
  configSize,
  bars,
  rom,
  msix,
  options,
}: DeviceSpec): number {
  let weight =
    (id === 'dev0' ? 0 : 4) +
    (name === id ? 0 : 5) +
    (vendor === 0 && device === 0 ? 0 : 5) +
    (vga === undefined ? 0 : 5) +
    (configSize === undefined ? 0 : 5) +
    30 * Object.keys(options).length +
    digits(options.romfile ?? 0n);
  if (rom !== undefined)
    weight += 80 + 4 * digitsOfSize(rom.size) + (rom.contents === undefined ? 0 : 10 + digits(rom.contents));
  for (const { index, type, size, mmap, sparse, mmapError, p2p, writable } of bars) {
    weight += writable === undefined ? 0 : 10;
    weight += (mmapError === undefined ? 0 : 10) + (p2p === undefined ? 0 : 10);
    weight +=
      150 +
      4 * digitsOfSize(size) +
      index / 2 +
      (type === 'mem32' || type === 'io' ? 0 : type === 'mem64' ? 2 : 4);
    weight += mmap || type === 'io' ? 0 : 5;
    if (sparse !== undefined) weight += 20;
    for (const area of sparse ?? []) weight += 10 + digits(area.offset) + digits(area.size);
  }
  if (msix === undefined) return weight;
  const { vectors, tableBar, tableOffset, pbaBar, pbaOffset } = msix;
  weight += 60 + 2 * digits(BigInt(vectors)) + vectors / 1000 + 3 * (digits(tableOffset) + digits(pbaOffset));
  return weight + (tableBar === 0 ? 0 : 2) + (pbaBar === tableBar ? 0 : 4);
}

function weighOperation(operation: Operation): number {
  switch (operation.op) {
    case 'set-bar':
      return digits(operation.address);
    case 'set-rom':
      return digits(operation.address) + (operation.enabled ? 0 : 1);
    case 'add-region':
      return (
        20 +
        digits(operation.address) +
        2 * digitsOfSize(operation.size) +
        (operation.priority === 0 ? 0 : 3) +
        (operation.blockSize === undefined ? 0 : 5) +
        operation.name.length / 10
      );
    case 'create-dma-window':
      return 20 + digits(operation.pageSize) + 2 * digitsOfSize(operation.size);
    case 'shift-alias':
      return 5 + 2 * digitsOfSize(operation.by);
    case 'plug-blocks':
    case 'unplug-blocks':
      return 10 + digits(operation.offset) + 2 * digitsOfSize(operation.size);
    case 'mask-vector':
      return 5 + digits(BigInt(operation.vector));
    case 'access-bar':
      return 5 + 2 * digits(operation.offset) + (operation.write ? 1 : 0) + (operation.width === 4 ? 0 : 1);
    case 'start-dirty-log':
    case 'stop-dirty-log':
    case 'hotplug':
    case 'unplug':
    case 'reset':
      return 10;
    default:
      return 0;
  }
}

/** The weight of a size: a size below 4 KiB weighs 4 more, since it is no simpler than a page. */
const digitsOfSize = (size: bigint): number => digits(size) + (size < 0x1000n ? 4 : 0);

/** The weight of a number: 2 for each hexadecimal digit without trailing zeros, and 1/4 for each digit in all. */
export function digits(value: bigint): number {
  if (value === 0n) return 0;
  const text = value.toString(16);
  const significant = text.replace(/0+$/, '');
  // Of two numbers with as many digits, the one with the smaller last digit weighs less.
  return 2 * significant.length + text.length / 4 + Number.parseInt(significant.at(-1)!, 16) / 32;
}
