import { END_OF_SPACE, offset, type Size } from '../address/index.ts';
import { MemoryRegion, type AddressSpace } from '../memory/index.ts';
import type { Machine, MachineOptions } from './machine.ts';
import {
  addAlias,
  addIoRows,
  makeIoSpace,
  makeMemorySpaces,
  makeRam,
  makeSystem,
  type AliasRow,
  type IoRow,
} from './memory-map.ts';

const GIB = 1n << 30n;
const TIB = 1n << 40n;
/** Prefix of the regions of the first PCI host bridge (PHB): its BUID. */
const PHB = 'pci@800000020000000';
/** Where the windows of the first PHB begin in system memory. */
const PHB_WINDOWS = 32n * TIB;
/** Bytes of the default DMA window. */
const DEFAULT_DMA_WINDOW: Size = GIB;
const MSI_WINDOW_START = 1n << 42n;
/** Where the window begins that a guest makes beside the default one (the PHB's property `dma64_win_addr`). */
const SECOND_DMA_WINDOW = 1n << 59n;
/** QEMU keeps the number of a window's pages in 32 bits. */
const END_OF_PAGE_COUNT = 1n << 32n;

const XIVE: readonly IoRow[] = [
  [0x6_0100_4000_0000n, GIB, 'xive.end'],
  [0x6_0302_0318_0000n, 0x4_0000n, 'xive.tima'],
];

/**
 * The POWER machine `pseries` with its first PCI host bridge (vfio fact 7.5, machine fact 11.3). Devices see
 * no RAM, only what the guest maps into the bridge's DMA windows. The guest sets up MSI-X by firmware calls.
 */
export function buildPseries(options: MachineOptions): Machine {
  const { topology, rules } = options;
  const system = makeSystem();
  topology.addSubregion(system, makeRam(options, 'ppc_spapr.ram'), offset(0n));
  if (rules.xive) addXive(options, system);

  const mmio = MemoryRegion.container(`${PHB}.mmio`, END_OF_SPACE);
  const io = MemoryRegion.container(`${PHB}.io`, 0x1_0000n);
  const show = (row: AliasRow): MemoryRegion => addAlias(options, system, row);
  const [low, high] = [PHB_WINDOWS + 2n * GIB, PHB_WINDOWS + TIB];
  show({ name: `${PHB}.io-alias`, target: io, from: 0n, size: 0x1_0000n, at: PHB_WINDOWS });
  show({ name: `${PHB}.mmio32-alias`, target: mmio, from: 2n * GIB, size: 2n * GIB, at: low });
  show({ name: `${PHB}.mmio64-alias`, target: mmio, from: high, size: TIB, at: high });

  const memory = makeMemorySpaces(options, system);
  makeIoSpace(options);
  const { dmaSpace, createDmaWindow, reset } = makeDmaSpace(options, mmio);
  return {
    system,
    memory,
    bus: { topology, memory: mmio, io, dmaSpace, addressZeroAllowed: true },
    optsOutOfMsixEmulation: true,
    createDmaWindow,
    reset,
  };
}

function addXive(options: MachineOptions, system: MemoryRegion): void {
  const { topology } = options;
  const esb = MemoryRegion.io('xive.esb', GIB);
  topology.addSubregion(esb, MemoryRegion.io('xive.esb-emulated', GIB), offset(0n));
  topology.addSubregion(system, esb, offset(0x6_0100_0000_0000n));
  addIoRows(options, system, XIVE);
}

/**
 * The address space for DMA behind the bridge: the TCE windows, the MSI doorbell and, in one proposal,
 * MMIO. The first reset adds the default window; a later one removes the windows and adds the default one again
 * (spapr_phb_dma_reset, machine fact 11.3). A guest makes a second window (vfio fact 7.6).
 */
function makeDmaSpace(
  options: MachineOptions,
  mmio: MemoryRegion,
): Required<Pick<Machine, 'reset' | 'createDmaWindow'>> & { readonly dmaSpace: AddressSpace } {
  const { topology, rules, hostPageSize } = options;
  const root = MemoryRegion.container(`${PHB}.iommu-root`, END_OF_SPACE);
  const windows = ['80000000', '80000001'].map((liobn) =>
    MemoryRegion.container(`tce-root-${liobn}`, END_OF_SPACE),
  );
  const defaultWindow = MemoryRegion.iommu('tce-iommu-80000000', DEFAULT_DMA_WINDOW);
  topology.addSubregion(root, MemoryRegion.io('msi', hostPageSize), offset(MSI_WINDOW_START));
  for (const window of windows) topology.addSubregion(root, window, offset(0n));
  if (rules.mmioInPhbDmaSpace) {
    const high = PHB_WINDOWS + TIB;
    addAlias(options, root, { name: `${PHB}.mmio-dma-alias`, target: mmio, from: high, size: TIB, at: high });
  }
  let second: MemoryRegion | undefined;
  const reset = (): void => {
    if (defaultWindow.container !== undefined) topology.removeSubregion(defaultWindow);
    if (second !== undefined) topology.removeSubregion(second);
    second = undefined;
    topology.addSubregion(windows[0]!, defaultWindow, offset(0n));
  };
  const createDmaWindow = (pageSize: Size, size: Size): void => {
    if (second !== undefined || size / pageSize >= END_OF_PAGE_COUNT) return;
    second = MemoryRegion.iommu('tce-iommu-80000001', size, { iommuPageSize: pageSize });
    topology.addSubregion(windows[1]!, second, offset(SECOND_DMA_WINDOW));
  };
  return { dmaSpace: topology.createAddressSpace(PHB, root), createDmaWindow, reset };
}
