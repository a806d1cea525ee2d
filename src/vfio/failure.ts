/** The check or call that ended the VMM; the last part of a finding's fingerprint. */
export type AbortSite =
  | 'dma-map-ram'
  | 'dma-map-device-memory'
  | 'dma-window'
  | 'memory-registration'
  | 'memslot'
  | 'bar-size-assertion'
  | 'rom-size-assertion'
  | 'msix-init-segfault'
  | 'hotplug-refusal-segfault'
  | 'bars-finalize-segfault'
  | 'msix-unplug-assertion'
  | 'eeh-container-cast'
  | 'relocation-without-msix'
  | 'ram-discard-granularity'
  | 'ram-discard-limit'
  /** The VMM waits for an answer that the host never gives. */
  | 'unanswered-request'
  /** A patch may name sites of its own. */
  | (string & {});

/**
 * The VMM died: hw_error, a failed assertion, a signal. The engine throws it, and the target catches it. Not
 * an `Error`: no caller reads the stack, and taking one costs more than running most scenarios.
 */
export class VmmAbort {
  readonly site: AbortSite;
  readonly message: string;

  constructor(site: AbortSite, message: string) {
    this.site = site;
    this.message = message;
  }
}

/** The VMM does not start, even without devices: the machine itself is not possible. Caught like `VmmAbort`. */
export class StartRefused {
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }
}

/**
 * The VMM refused a device. A running VMM goes on without the device; a VMM that is starting exits with an
 * error message. Thrown and caught like `VmmAbort`.
 */
export class DeviceRefused {
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }
}

/** A device is refused for its MSI-X capability: its BARs have sizes, and their regions are not made yet. */
export class MsixRefused extends DeviceRefused {}
