import type { OtherRegions } from '../../host/index.ts';
import type { SessionBar } from './host-session.ts';

/** One of QEMU's own devices, as a session shows it. */
interface QemuDevice {
  /** The vendor in configuration space. */
  readonly vendor: bigint;
  /** The sizes of its memory BARs, in order. */
  readonly memoryBars: readonly bigint[];
  readonly regions: OtherRegions;
}

/** A device of PCI Express without an expansion ROM: barproof's own devices, and most of QEMU's. */
const PCI_EXPRESS: OtherRegions = { configSize: 0x1000n, romSize: 0n };
/** A conventional PCI device without an expansion ROM. */
const CONVENTIONAL: OtherRegions = { configSize: 0x100n, romSize: 0n };

/** The devices of QEMU 11 that differ from `PCI_EXPRESS`, among those that the recorded sessions used, by their names. */
const QEMU_DEVICES: Readonly<Record<string, QemuDevice>> = {
  'sdhci-pci': { vendor: 0x1b36n, memoryBars: [0x100n], regions: CONVENTIONAL },
  edu: { vendor: 0x1234n, memoryBars: [0x10_0000n], regions: CONVENTIONAL },
  e1000e: {
    vendor: 0x8086n,
    memoryBars: [0x2_0000n, 0x2_0000n, 0x4000n],
    regions: { configSize: 0x1000n, romSize: 0x4_0000n },
  },
};

/**
 * The regions beside the BARs of a device that does not state them: a session names a device by its vendor, and the
 * BARs tell which of QEMU's devices it is.
 */
export function regionsOfDevice(vendor: bigint | undefined, bars: readonly SessionBar[]): OtherRegions {
  const sizes = bars.filter(({ type }) => type !== 'io').map(({ size }) => size);
  const device = Object.values(QEMU_DEVICES).find(
    (one) => one.vendor === vendor && one.memoryBars.join() === sizes.join(),
  );
  return device?.regions ?? PCI_EXPRESS;
}
