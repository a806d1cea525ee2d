import type { Size } from '../address/index.ts';
import type { MsixRelocation } from './msix-relocation.ts';

/** Properties of the device that the user or the machine sets. */
export interface DeviceOptions {
  /** `x-msix-relocation` (vfio fact 5.10). */
  readonly msixRelocation: MsixRelocation;
  /** `x-no-mmap`: every access is trapped. */
  readonly noMmap: boolean;
  /** The device's own opt-out from MSI-X emulation, in the revisions that have one; `undefined`: not set. */
  readonly noMsixEmulation: boolean | undefined;
  /** `rombar`: whether the guest sees the device's expansion ROM; `undefined`: not set (vfio fact 5.23). */
  readonly rombar?: boolean | undefined;
  /** `romfile`: bytes of a file that the guest sees in place of the device's ROM; `undefined` without one. */
  readonly romfile?: Size | undefined;
}
