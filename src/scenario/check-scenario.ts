import { checkFaults } from './check-faults.ts';
import type { ScenarioDecoder } from './scenario-decoder.ts';
import { FIRST_IOMMUFD_KERNEL, isKernelBefore, isKernelVersion } from './host-kernel.ts';
import { ROM_SLOT } from '../pci-layout/index.ts';
import {
  BLOCK_SIZE,
  CPU_VENDORS,
  isAliasKind,
  isColdPlugged,
  type CpuVendor,
  type MachineSpec,
  type MachineType,
  type Operation,
  type Scenario,
} from './scenario.ts';

/**
 * Reports parts of a scenario that contradict one another. Examples: a machine that QEMU refuses to build, or an
 * operation on a device, region or transaction that does not exist at that point.
 *
 * @param path of the scenario in the document; empty where the scenario is the document.
 */
export function checkScenario(scenario: Scenario, decoder: ScenarioDecoder, path: string): void {
  const at = (place: string): string => (path === '' ? place : `${path}.${place}`);
  const { machine, host } = scenario;
  // Only QEMU's pseries machine has an sPAPR IOMMU, and with it DMA windows.
  if (host.iommu.type === 'spapr-tce-v2' && machine.type !== 'pseries') {
    decoder.report(at('host.iommu.type'), `spapr-tce-v2 is for pseries machines, not for ${machine.type}`);
  }
  // QEMU refuses a memory backend that is not a multiple of the host page size.
  if (machine.ram % machine.hostPageSize !== 0n) {
    decoder.report(at('machine.ram'), 'expected a multiple of hostPageSize');
  }
  checkHost(scenario, decoder, at);
  checkRoms(scenario, decoder, at);
  checkFaults(scenario, decoder, at('host.faults'));
  checkOperations(scenario, decoder, at('operations'));
}

/** The vendors of CPUs that each machine can have. `generic` can have any. */
const VENDORS: Readonly<Record<MachineType, readonly CpuVendor[]>> = {
  pc: ['intel', 'amd'],
  q35: ['intel', 'amd'],
  virt: ['arm'],
  pseries: ['power'],
  generic: CPU_VENDORS,
};

/** Reports what a machine of this type, or an IOMMU of this kind, does not have. */
function checkHost(
  { machine, host, devices }: Scenario,
  decoder: ScenarioDecoder,
  at: (place: string) => string,
): void {
  const { type, cpu, pciHole64Size, highmemMmioSize } = machine;
  const { kernel, iommu, memlock, unpinnableRam } = host;
  if (cpu !== undefined && !VENDORS[type].includes(cpu.vendor)) {
    decoder.report(at('machine.cpu.vendor'), `${type} has a CPU of ${VENDORS[type].join(' or ')}`);
  }
  if (pciHole64Size !== undefined && type !== 'pc' && type !== 'q35') {
    decoder.report(at('machine.pciHole64Size'), `pci-hole64-size is for pc and q35, not for ${type}`);
  }
  if (highmemMmioSize !== undefined && type !== 'virt') {
    decoder.report(at('machine.highmemMmioSize'), `highmem-mmio-size is for virt, not for ${type}`);
  }
  if (iommu.type === 'iommufd' && isKernelVersion(kernel) && isKernelBefore(kernel, FIRST_IOMMUFD_KERNEL)) {
    decoder.report(at('host.kernel'), `iommufd needs Linux ${FIRST_IOMMUFD_KERNEL} or later`);
  }
  if (iommu.type === 'vfio-user') {
    const needsKernel = 'needs a container of the kernel, not vfio-user';
    if (memlock !== undefined) decoder.report(at('host.memlock'), needsKernel);
    if (unpinnableRam !== undefined) decoder.report(at('host.unpinnableRam'), needsKernel);
    for (const [index, { bars }] of devices.entries()) {
      for (const [bar, { mmapError, p2p }] of bars.entries()) {
        const path = at(`devices[${index}].bars[${bar}]`);
        if (mmapError !== undefined) decoder.report(`${path}.mmapError`, needsKernel);
        if (p2p === false) decoder.report(`${path}.p2p`, needsKernel);
      }
    }
  }
}

/** vfio-pci reports all of a ROM or nothing, and a user who hides a ROM has no use for a file. */
function checkRoms(
  { host, devices }: Scenario,
  decoder: ScenarioDecoder,
  at: (place: string) => string,
): void {
  for (const [index, { rom, options }] of devices.entries()) {
    const path = at(`devices[${index}]`);
    const contents = rom?.contents;
    if (
      contents !== undefined &&
      contents !== 0n &&
      contents !== rom?.size &&
      host.iommu.type !== 'vfio-user'
    )
      decoder.report(`${path}.rom.contents`, 'vfio-pci reports all bytes of the ROM, or 0 without an image');
    if (options.romfile !== undefined && options.rombar === false)
      decoder.report(`${path}.options.romfile`, 'needs `rombar`: firmware gets the file then, and no BAR');
  }
}

/** QEMU's PHB offers dynamic DMA windows (`ddw`); on a host with one window the user has to switch them off. */
function checkDmaWindow({ machine, host }: Scenario, path: string, decoder: ScenarioDecoder): void {
  if (machine.type !== 'pseries') {
    decoder.report(path, `only guests of pseries make DMA windows, not those of ${machine.type}`);
  } else if (host.iommu.maxWindows === 1) {
    decoder.report(path, 'a host with one DMA window (`maxWindows` 1) has none for the guest to make');
  }
}

type AddRegion = Extract<Operation, { op: 'add-region' }>;

/** A virtio-mem is made of whole blocks of at least a host page, at an address that is a multiple of their size. */
function checkBlockSize(
  { kind, address, size, blockSize }: AddRegion,
  { type, hostPageSize }: MachineSpec,
  at: string,
  decoder: ScenarioDecoder,
): void {
  if (kind !== 'virtio-mem') {
    if (blockSize !== undefined) decoder.report(`${at}.blockSize`, `is for virtio-mem, not for ${kind}`);
    return;
  }
  if (type === 'pseries') decoder.report(`${at}.kind`, 'pseries has no virtio-mem');
  const block = blockSize ?? BLOCK_SIZE;
  // QEMU virtio_mem_device_realize; blocks of guest_memfd are host pages.
  if (block < hostPageSize) decoder.report(`${at}.blockSize`, 'expected at least a page of the host');
  if (address % block !== 0n) decoder.report(`${at}.address`, 'expected a multiple of blockSize');
  if (size % block !== 0n) decoder.report(`${at}.size`, 'expected a multiple of blockSize');
}

/** Blocks lie whole in a virtio-mem. */
function checkBlocks(
  { offset, size }: Extract<Operation, { op: 'plug-blocks' | 'unplug-blocks' }>,
  memory: AddRegion | undefined,
  at: string,
  decoder: ScenarioDecoder,
): void {
  if (memory?.kind !== 'virtio-mem') {
    decoder.report(`${at}.name`, 'no region of the kind virtio-mem has this name');
    return;
  }
  const block = memory.blockSize ?? BLOCK_SIZE;
  if (offset % block !== 0n) decoder.report(`${at}.offset`, 'expected a multiple of blockSize');
  if (size % block !== 0n) decoder.report(`${at}.size`, 'expected a multiple of blockSize');
  if (offset + size > memory.size) decoder.report(`${at}.size`, 'expected blocks inside the region');
}

function checkOperations(scenario: Scenario, decoder: ScenarioDecoder, path: string): void {
  const devices = new Map(scenario.devices.map((device) => [device.id, device]));
  const plugged = new Set([...devices.keys()].filter((id) => isColdPlugged(scenario, id)));
  const overlays = new Map<string, AddRegion>();
  let depth = 0;
  let isLogging = false;

  const checkDevice = (operation: Extract<Operation, { device: string }>, at: string): void => {
    const device = devices.get(operation.device);
    if (device === undefined) {
      decoder.report(`${at}.device`, `no device has the id ${JSON.stringify(operation.device)}`);
      return;
    }
    if (operation.op === 'hotplug') {
      if (plugged.has(device.id)) decoder.report(at, `${device.id} is plugged in already`);
      plugged.add(device.id);
    } else if (!plugged.has(device.id)) {
      decoder.report(at, `${device.id} is not plugged in`);
    }
    if (operation.op === 'unplug') plugged.delete(device.id);
    const ofRom = operation.op === 'set-rom' || ('bar' in operation && operation.bar === ROM_SLOT);
    if (ofRom && device.rom === undefined && device.options.romfile === undefined)
      decoder.report(at, `${device.id} has no expansion ROM`);
    if (operation.op === 'mask-vector' && operation.vector >= (device.msix?.vectors ?? 0)) {
      decoder.report(`${at}.vector`, `${device.id} has ${device.msix?.vectors ?? 0} vectors`);
    }
  };

  for (const [index, operation] of scenario.operations.entries()) {
    const at = `${path}[${index}]`;
    switch (operation.op) {
      case 'add-region':
        if (overlays.has(operation.name))
          decoder.report(`${at}.name`, 'a region with this name exists already');
        overlays.set(operation.name, operation);
        checkBlockSize(operation, scenario.machine, at, decoder);
        break;
      case 'remove-region':
        if (!overlays.delete(operation.name)) decoder.report(`${at}.name`, 'no region with this name exists');
        break;
      case 'show-registers':
      case 'show-contents':
        if (overlays.get(operation.name)?.kind !== 'rom-device')
          decoder.report(`${at}.name`, 'no region of the kind rom-device has this name');
        break;
      case 'make-readonly':
      case 'make-writable':
        if (!['ram', 'rom'].includes(overlays.get(operation.name)?.kind ?? ''))
          decoder.report(`${at}.name`, 'no region of the kind ram or rom has this name');
        break;
      case 'shift-alias':
        if (!isAliasKind(overlays.get(operation.name)?.kind))
          decoder.report(`${at}.name`, 'no region that shows RAM again has this name');
        break;
      case 'create-dma-window':
        checkDmaWindow(scenario, at, decoder);
        break;
      case 'plug-blocks':
      case 'unplug-blocks':
        checkBlocks(operation, overlays.get(operation.name), at, decoder);
        if (depth > 0) decoder.report(at, 'the guest plugs no blocks inside a transaction');
        break;
      case 'start-dirty-log':
      case 'stop-dirty-log': {
        const starts = operation.op === 'start-dirty-log';
        if (starts === isLogging)
          decoder.report(at, `dirty pages are ${starts ? 'logged already' : 'not logged'}`);
        if (depth > 0) decoder.report(at, 'no migration begins or ends inside a transaction');
        isLogging = starts;
        break;
      }
      case 'begin':
        depth++;
        break;
      case 'commit':
        if (depth === 0) decoder.report(at, 'no transaction is open');
        else depth--;
        break;
      case 'reset':
        break;
      default:
        checkDevice(operation, at);
    }
  }
  if (depth > 0) decoder.report(path, 'a transaction is left open');
}
