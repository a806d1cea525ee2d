/**
 * Why cloud-hypervisor did not add a device (vmm/src/device_manager.rs: DeviceManagerError). No `Error`:
 * taking a stack would cost more than most scenarios do.
 */
export class DeviceManagerError {
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }
}
