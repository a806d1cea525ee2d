/** A value of a property of `-device` and `device_add`. */
export type DeviceProperty = string | number | boolean | Readonly<Record<string, string>>;

/** A device that a host offers to one QEMU. */
export interface DeviceOffer {
  /** The driver and the properties with which QEMU finds the device. */
  readonly properties: Readonly<Record<string, DeviceProperty>>;
  /** Answers all messages that have arrived. @throws the error that ended the connection, if barproof had one. */
  settle(): void;
  /** Whether QEMU has let go of the device. */
  readonly disconnected: boolean;
  /** Whether the offer keeps this process alive. */
  keepAlive(whether: boolean): void;
  /** Takes the offer back. */
  close(): Promise<void>;
}
