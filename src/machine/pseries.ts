import { END_OF_SPACE, offset, type Size } from '../address/index.ts';
import { MemoryRegion, type AddressSpace } from '../memory/index.ts';
import type { Machine, MachineOptions } from './machine.ts';
import { addIoRows, makeIoSpace, makeMemorySpaces, makeRam, makeSystem, type IoRow } from './memory-map.ts';

const GIB = 1n << 30n;
const TIB = 1n << 40n;
/** Name of the first PHB's regions: its BUID. */
const PHB = 'pci@800000020000000';
const PHB_WINDOWS = 32n * TIB;
const DEFAULT_DMA_WINDOW: Size = GIB;
const MSI_WINDOW_START = 1n << 42n;

const XIVE: readonly IoRow[] = [
  [0x6_0100_4000_0000n, GIB, 'xive.end'],
  [0x6_0302_0318_0000n, 0x4_0000n, 'xive.tima'],
];

/**
 * The POWER machine `pseries` with its first PCI host bridge (vfio fact 7.5, machine fact 11.3). Devices do
 * not see RAM but what the guest maps in the bridge's DMA windows; MSI-X is set up by firmware calls.
 */
export function buildPseries(options: MachineOptions): Machine {
  const { topology, rules } = options;
  const system = makeSystem();
  topology.addSubregion(system, makeRam(options, 'ppc_spapr.ram'), offset(0n));
  if (rules.xive) addXive(options, system);

  const mmio = MemoryRegion.container(`${PHB}.mmio`, END_OF_SPACE);
  const io = MemoryRegion.container(`${PHB}.io`, 0x1_0000n);
  const addAlias = (name: string, target: MemoryRegion, from: bigint, size: Size, at: bigint): void =>
    topology.addSubregion(
      system,
      MemoryRegion.alias(`${PHB}.${name}`, target, offset(from), size),
      offset(at),
    );
  const [low, high] = [PHB_WINDOWS + 2n * GIB, PHB_WINDOWS + TIB];
  addAlias('io-alias', io, 0n, 0x1_0000n, PHB_WINDOWS);
  addAlias('mmio32-alias', mmio, 2n * GIB, 2n * GIB, low);
  addAlias('mmio64-alias', mmio, high, TIB, high);

  const memory = makeMemorySpaces(options, system);
  makeIoSpace(options);
  const { dmaSpace, resetWindow } = makeDmaSpace(options, mmio);
  return {
    system,
    memory,
    bus: { topology, memory: mmio, io, dmaSpace, addressZeroAllowed: true },
    optsOutOfMsixEmulation: true,
    reset: resetWindow,
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
 * What devices behind the bridge see: the TCE windows, the MSI doorbell and, by a proposal, MMIO. A reset
 * takes all windows away and makes the default one anew (spapr_phb_dma_reset).
 */
function makeDmaSpace(
  { topology, rules, hostPageSize }: MachineOptions,
  mmio: MemoryRegion,
): { readonly dmaSpace: AddressSpace; readonly resetWindow: () => void } {
  const root = MemoryRegion.container(`${PHB}.iommu-root`, END_OF_SPACE);
  const windows = ['80000000', '80000001'].map((liobn) =>
    MemoryRegion.container(`tce-root-${liobn}`, END_OF_SPACE),
  );
  const defaultWindow = MemoryRegion.iommu('tce-iommu-80000000', DEFAULT_DMA_WINDOW);
  topology.addSubregion(windows[0]!, defaultWindow, offset(0n));
  topology.addSubregion(root, MemoryRegion.io('msi', hostPageSize), offset(MSI_WINDOW_START));
  for (const window of windows) topology.addSubregion(root, window, offset(0n));
  if (rules.mmioInPhbDmaSpace) {
    const high = PHB_WINDOWS + TIB;
    const alias = MemoryRegion.alias(`${PHB}.mmio-dma-alias`, mmio, offset(high), TIB);
    topology.addSubregion(root, alias, offset(high));
  }
  const resetWindow = (): void => {
    topology.removeSubregion(defaultWindow);
    topology.addSubregion(windows[0]!, defaultWindow, offset(0n));
  };
  return { dmaSpace: topology.createAddressSpace(PHB, root), resetWindow };
}
