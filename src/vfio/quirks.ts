import { offset, type Offset, type Size } from '../address/index.ts';
import type { BarAttributes } from '../pci-layout/index.ts';

/** What decides about the quirks of a BAR. */
export interface QuirkContext {
  readonly vendor: number;
  readonly isVga: boolean;
  /** Bytes of configuration space that the host gives access to: 256 or 4096. */
  readonly configSize: Size;
  readonly bar: number;
  /** Bytes of the BAR; 0 for a BAR that the device does not have. */
  readonly size: Size;
  readonly attributes: BarAttributes;
}

/** A part of a BAR in which QEMU answers in the device's place: a mirror of its configuration space. */
export interface Quirk {
  /** The region's name behind the device's: `nvidia-bar0-88000-mirror-quirk`. */
  readonly name: string;
  readonly offset: Offset;
  readonly size: Size;
}

const NVIDIA = 0x10de;
const ATI = 0x1002;
/** Configuration space that a function of PCI, rather than of PCI Express, has. */
const CONVENTIONAL_CONFIG: Size = 0x100n;

/**
 * The mirrors that QEMU puts over BARs of graphics cards (vfio_probe_nvidia_bar0_quirk, vfio_probe_ati_bar2_quirk,
 * vfio_probe_nvidia_bar5_quirk; vfio fact 5.19).
 */
export function quirksOf(context: QuirkContext): readonly Quirk[] {
  const { vendor, isVga, configSize, bar, size, attributes } = context;
  if (!isVga) return [];
  const quirk = (name: string, at: bigint, length: Size): readonly Quirk[] =>
    at + length <= size ? [{ name, offset: offset(at), size: length }] : [];
  if (vendor === NVIDIA && bar === 0) return quirk('nvidia-bar0-88000-mirror-quirk', 0x8_8000n, configSize);
  if (vendor === ATI && bar === 2 && attributes.type === 'mem64')
    return quirk('ati-bar2-4000-mirror-quirk', 0x4000n, CONVENTIONAL_CONFIG);
  // An index and a data register, in ports alone: older cards have memory there, or no BAR.
  if (vendor === NVIDIA && bar === 5 && attributes.type === 'io')
    return quirk('nvidia-bar5-window-quirk', 0x8n, 0x8n);
  return [];
}
