import { bytes, hex } from '../address/index.ts';
import {
  isKernelVersion,
  slotName,
  type DeviceSpec,
  type FaultSpec,
  type Operation,
  type Scenario,
} from '../scenario/index.ts';
import { count } from './count.ts';

/** The column, from 0, in which the texts of a described scenario begin. */
export const DESCRIPTION_COLUMN = 9;

/**
 * A scenario in a few lines for people: machine, host, devices, operations.
 *
 * @param markedStep number of the operation to mark, from 1; 0 marks the start of the machine.
 */
export function describeScenario(
  { machine, host, devices, operations }: Scenario,
  markedStep?: number,
): string[] {
  const { iommu } = host;
  const policy =
    machine.msixEmulation === 'machine-default' ? '' : `, MSI-X emulation ${machine.msixEmulation}`;
  const pages = `host page ${bytes(machine.hostPageSize)}, guest page ${bytes(machine.guestPageSize)}`;
  const limits = [
    ...(iommu.apertures ?? []).map(({ start, end }) => `aperture ${hex(start)}-${hex(end)}`),
    ...(iommu.maxMappings === undefined ? [] : [`at most ${iommu.maxMappings} mappings`]),
    ...(iommu.maxWindows === undefined ? [] : [`at most ${iommu.maxWindows} windows`]),
    ...(host.memlock === undefined ? [] : [`${bytes(host.memlock)} lockable`]),
    ...(host.unpinnableRam ?? []).map(({ start, end }) => `RAM ${hex(start)}-${hex(end)} not pinnable`),
    ...(host.faults ?? []).map(describeFault),
  ];
  const { cpu, pciHole64Size, highmemMmioSize } = machine;
  const windows = [
    ...(cpu === undefined ? [] : [`${cpu.vendor} CPU with ${cpu.physBits} address bits`]),
    ...(pciHole64Size === undefined ? [] : [`pci-hole64-size ${bytes(pciHole64Size)}`]),
    ...(highmemMmioSize === undefined ? [] : [`highmem-mmio-size ${bytes(highmemMmioSize)}`]),
  ]
    .map((part) => `, ${part}`)
    .join('');
  const kernel = isKernelVersion(host.kernel) ? `Linux ${host.kernel}` : `${host.kernel} kernel`;
  const mark = (step: number): string => (step === markedStep ? '   <-- here' : '');
  return [
    `machine  ${machine.type}, ${bytes(machine.ram)} RAM, ${pages}${windows}${policy}${mark(0)}`,
    `host     ${kernel}, ${iommu.type} with pages of ${pageList(iommu.pageSizes)}${limits.map((limit) => `, ${limit}`).join('')}`,
    ...devices.flatMap(describeDevice),
    ...operations.map((operation, index) => {
      const label = index === 0 ? 'steps' : '';
      return `${label.padEnd(8)} ${index + 1} ${describeOperation(operation)}${mark(index + 1)}`;
    }),
  ];
}

/** `dma-map at 0xe0000000 fails with ENOMEM`. */
function describeFault({ request, answer, at, device, nth }: FaultSpec): string {
  const which = [
    ...(nth === undefined ? [] : [`number ${nth}`]),
    ...(device === undefined ? [] : [`of ${device}`]),
    ...(at === undefined ? [] : [`at ${hex(at)}`]),
  ];
  const end = answer === 'never' ? 'is never answered' : `fails with ${answer}`;
  return [request, ...which, end].join(' ');
}

/** Page sizes; of more than four, the first four and how many more there are. */
function pageList(sizes: readonly bigint[]): string {
  const shown = sizes.slice(0, 4).map(bytes).join(', ');
  return sizes.length > 4 ? `${shown} and ${sizes.length - 4} more sizes` : shown;
}

function describeDevice({ id, vga, configSize, bars, rom, msix, options }: DeviceSpec): string[] {
  const lines = bars.map(({ index, size, type, mmap, sparse, mmapError, p2p, writable }) => {
    const areas = sparse?.map((area) => `${hex(area.offset)}+${hex(area.size)}`).join(' ') || 'none';
    const faults = `${mmapError === undefined ? '' : `, mmap fails with ${mmapError}`}${p2p === false ? ', no P2P' : ''}${writable === false ? ', read-only' : ''}`;
    return `BAR ${index}  ${bytes(size)} ${type}${mmap || type === 'io' ? '' : ', no mmap'}${faults}${sparse === undefined ? '' : `, sparse areas ${areas}`}`;
  });
  if (msix !== undefined) {
    const { vectors, tableBar, tableOffset, pbaBar, pbaOffset } = msix;
    lines.push(
      `MSI-X  ${count(vectors, 'vector')}, table BAR ${tableBar}+${hex(tableOffset)}, PBA BAR ${pbaBar}+${hex(pbaOffset)}`,
    );
  }
  if (rom !== undefined) {
    const { size, contents = size } = rom;
    const part = contents === size ? '' : contents === 0n ? ', no image' : `, image of ${bytes(contents)}`;
    lines.push(`ROM    ${bytes(size)}${part}`);
  }
  if (vga === true) lines.push('VGA controller');
  if (configSize !== undefined) lines.push(`${bytes(configSize)} of configuration space`);
  for (const [name, value] of Object.entries(options))
    lines.push(typeof value === 'bigint' ? `${name} of ${bytes(value)}` : `${name}=${String(value)}`);
  if (lines.length === 0) lines.push('no BARs');
  return lines.map((line, index) => `${(index === 0 ? id : '').padEnd(8)} ${line}`);
}

/** An operation in a few words. */
export function describeOperation(operation: Operation): string {
  switch (operation.op) {
    case 'set-bar':
      return `set-bar ${operation.device} BAR ${operation.bar} to ${hex(operation.address)}`;
    case 'set-rom':
      return `set-rom ${operation.device} to ${hex(operation.address)}, ${operation.enabled ? 'enabled' : 'disabled'}`;
    case 'size-bar':
      return `size-bar ${operation.device} ${slotName(operation.bar)}${operation.probe === undefined ? '' : ` with ${hex(operation.probe)}`}`;
    case 'mask-vector':
      return `${operation.masked ? 'mask' : 'unmask'}-vector ${operation.device} ${operation.vector}`;
    case 'resize-bar':
      return `resize-bar ${operation.device} BAR ${operation.bar} to ${bytes(operation.size)}`;
    case 'create-dma-window':
      return `create-dma-window of ${bytes(operation.size)} in pages of ${bytes(operation.pageSize)}`;
    case 'set-power-state':
      return `set-power-state ${operation.device} to ${operation.state}`;
    case 'access-bar': {
      const { device, bar, offset, width, write } = operation;
      return `access-bar ${write ? 'write' : 'read'} ${bytes(BigInt(width))} at ${device} ${slotName(bar)}+${hex(offset)}`;
    }
    case 'add-region': {
      const { name, kind, address, size, priority, blockSize } = operation;
      const level = priority === 0 ? '' : `, priority ${priority}`;
      const blocks = blockSize === undefined ? '' : `, blocks of ${bytes(blockSize)}`;
      return `add-region ${name}: ${bytes(size)} of ${kind} at ${hex(address)}${level}${blocks}`;
    }
    case 'remove-region':
    case 'show-registers':
    case 'show-contents':
    case 'make-readonly':
    case 'make-writable':
      return `${operation.op} ${operation.name}`;
    case 'shift-alias':
      return `shift-alias ${operation.name} by ${bytes(operation.by)}`;
    case 'plug-blocks':
    case 'unplug-blocks':
      return `${operation.op} of ${operation.name}: ${bytes(operation.size)} from ${hex(operation.offset)} on`;
    case 'start-dirty-log':
    case 'stop-dirty-log':
    case 'reset':
    case 'begin':
    case 'commit':
      return operation.op;
    default:
      return `${operation.op} ${operation.device}`;
  }
}
