import { offset, type Offset, type Size } from '../address/index.ts';
import type { BarAttributes, MsixLayout } from '../pci-layout/index.ts';
import type { RegionInfo } from './region-info.ts';

/** A BAR of a served device. */
export interface ServedBar {
  readonly attributes: BarAttributes;
  /** The region info that the server reports for the BAR. */
  readonly info: RegionInfo;
}

/** The PCI device behind the socket. The server shows odd values as they are: a client must cope with them. */
export interface ServedDevice {
  /** Names the memory of the BARs in /proc, and serves no other purpose. */
  readonly id: string;
  /** PCI vendor and device id, 16 bits each. */
  readonly vendor: number;
  readonly device: number;
  /** Subsystem ids, 16 bits each; 0 where left out. */
  readonly subsystemVendor?: number;
  readonly subsystem?: number;
  /** Base class, sub-class and interface, 24 bits. Where left out: 0x088000, "other system peripheral". */
  readonly classCode?: number;
  /** The BARs by index, at most six; `undefined` at an index without a BAR. */
  readonly bars: readonly (ServedBar | undefined)[];
  /** The expansion ROM: bytes that its register decodes, and bytes of its region. Absent for a device without one. */
  readonly rom?: { readonly size: Size; readonly contents: Size } | undefined;
  /** Absent for a device without MSI-X. */
  readonly msix: MsixLayout | undefined;
  /** Whether the device is a PCI Express endpoint: its configuration space has 4096 bytes instead of 256. */
  readonly pciExpress?: boolean;
}

/** Where the part of a BAR ends that the client may mmap: at the BAR's end, or at the end of an area beyond it. */
export function endOfMmaps({ size, capabilities }: RegionInfo): Offset {
  let end = offset(size);
  for (const capability of capabilities) {
    if (capability.id !== 1) continue;
    for (const area of capability.areas)
      if (area.offset + area.size > end) end = offset(area.offset + area.size);
  }
  return end;
}
