import type { BarType } from '../../pci-layout/index.ts';
import type { BarState } from '../../trace/index.ts';
import type { BarLayer } from '../../vfio/index.ts';

/** A BAR in the answer to `query-pci`. */
interface QmpPciRegion {
  readonly bar: number;
  readonly type: 'io' | 'memory';
  readonly size: number | string;
  readonly address: number | string;
  readonly mem_type_64?: boolean;
}

/** A function in the answer to `query-pci`. */
export interface QmpPciDevice {
  readonly qdev_id: string;
  readonly regions: readonly QmpPciRegion[];
  readonly pci_bridge?: { readonly devices?: readonly QmpPciDevice[] };
}

/** An element of the answer to `query-pci`. */
export interface QmpPciBus {
  readonly devices: readonly QmpPciDevice[];
}

/** The function with this id in QEMU, on one of the buses or behind a bridge. */
export function findPciDevice(
  buses: readonly { readonly devices?: readonly QmpPciDevice[] }[],
  id: string,
): QmpPciDevice | undefined {
  for (const { devices = [] } of buses) {
    for (const device of devices) {
      if (device.qdev_id === id) return device;
      const behind = device.pci_bridge && findPciDevice([device.pci_bridge], id);
      if (behind !== undefined) return behind;
    }
  }
  return undefined;
}

/**
 * The BARs of a function and the addresses at which QEMU has mapped them.
 *
 * @param layers the regions that show the bytes of each BAR.
 */
export const barStates = (
  { regions }: QmpPciDevice,
  layers: ReadonlyMap<number, readonly BarLayer[]>,
): readonly BarState[] =>
  regions
    .map(({ bar, type, size, address, mem_type_64: wide }) => ({
      index: bar,
      type: (type === 'io' ? 'io' : wide === true ? 'mem64' : 'mem32') as BarType,
      size: BigInt(size),
      // PCI_BAR_UNMAPPED is -1 (hw/pci/pci.h).
      address: BigInt(address) === -1n ? undefined : BigInt.asUintN(64, BigInt(address)),
      layers: layers.get(bar) ?? [],
    }))
    .toSorted((a, b) => a.index - b.index);
