/**
 * Why cloud-hypervisor did not add a device (vmm/src/device_manager.rs: DeviceManagerError). Not an `Error`:
 * no caller reads the stack, and taking one costs more than running most scenarios.
 */
export class DeviceManagerError {
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }
}
