import type { MsixLayout } from '../../pci-layout/index.ts';

/** A BAR, as far as a text shows it. */
export interface PastedBar {
  /** 0 to 5; `undefined` where the text does not say. */
  readonly index: number | undefined;
  readonly space: 'io' | 'memory';
  /** Bits of the register's address; `undefined` for a type that PCI does not define. */
  readonly width: 32 | 64 | undefined;
  readonly prefetchable: boolean;
  /** The address on the host; `undefined` where the host assigned none. */
  readonly address: bigint | undefined;
  /** In bytes. */
  readonly size: bigint | undefined;
  /** The words in brackets: `disabled`, `virtual`. */
  readonly marks: readonly string[];
}

/** MSI-X, as far as a text shows it. */
export interface PastedMsix {
  readonly vectors: number | undefined;
  /** BIR and offset of the table. */
  readonly table: MsixPlace | undefined;
  readonly pba: MsixPlace | undefined;
}

export interface MsixPlace {
  readonly bar: number;
  readonly offset: bigint;
}

/** How far a text shows the capabilities of a device. */
export type CapabilityView =
  /** Each with its contents: `lspci -vv`, or the raw bytes. */
  | 'in full'
  /** Their names alone: `lspci -v`. */
  | 'names'
  /** `<access denied>`: the user was not root. */
  | 'denied'
  /** The text has no line about capabilities. */
  | 'absent';

/** A PCI device, as far as a text shows it. */
export interface PastedDevice {
  /** `0000:05:00.0` or `05:00.0`, as the text has it; `undefined` for a fragment. */
  readonly address: string | undefined;
  /** The rest of the first line: class and name. */
  readonly title: string | undefined;
  readonly vendorId: number | undefined;
  readonly deviceId: number | undefined;
  readonly bars: readonly PastedBar[];
  readonly msix: PastedMsix | undefined;
  readonly capabilities: CapabilityView;
  /** Whether the device is a bridge, which VFIO does not pass through. */
  readonly isBridge: boolean;
  /** Whether reads of its configuration space return all ones. */
  readonly isSilent: boolean;
  /** BARs whose size can be changed, and the sizes: `BAR 2: 256MB 512MB`. */
  readonly resizable: readonly string[];
  readonly driver: string | undefined;
  readonly iommuGroup: string | undefined;
  /** Whether the indexes of the BARs are counted and not read: `lspci -v` prints none. */
  readonly countedIndexes: boolean;
  /** Whether the text has more than the first line of the device. */
  readonly hasDetails: boolean;
}

/** What a complete layout needs. */
export const fullLayout = ({ vectors, table, pba }: PastedMsix): MsixLayout | undefined =>
  vectors === undefined || table === undefined || pba === undefined
    ? undefined
    : ({
        vectors,
        tableBar: table.bar,
        tableOffset: table.offset,
        pbaBar: pba.bar,
        pbaOffset: pba.offset,
      } as MsixLayout);
