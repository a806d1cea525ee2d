/** Which check or call ended the VMM; the last part of a finding's fingerprint. */
export type AbortSite =
  | 'dma-map-ram'
  | 'dma-map-device-memory'
  | 'dma-window'
  | 'memory-registration'
  | 'memslot'
  | 'bar-size-assertion'
  | 'msix-init-segfault'
  | 'hotplug-refusal-segfault'
  | 'msix-unplug-assertion'
  | 'eeh-container-cast'
  | 'relocation-without-msix'
  /** A patch may name sites of its own. */
  | (string & {});

/**
 * The VMM died: hw_error, a failed assertion, a signal. Thrown through the engine and caught by the
 * target. No `Error`: taking a stack would cost more than most scenarios do, and nobody reads it.
 */
export class VmmAbort {
  readonly site: AbortSite;
  readonly message: string;

  constructor(site: AbortSite, message: string) {
    this.site = site;
    this.message = message;
  }
}

/**
 * The VMM refused the device and lives on without it, or exits in good order if it was just
 * starting. Thrown and caught like `VmmAbort`.
 */
export class DeviceRefused {
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }
}
