/** A real QEMU as a target, and what it takes to drive one. */
export {
  architectureOf,
  ARCHITECTURES,
  isQemuMachine,
  QEMU_MACHINES,
  type Architecture,
  type QemuMachineType,
} from './architecture.ts';
export { runBesideModel, whyNotOfModel } from './beside-model.ts';
export { findQemu, type QemuLocation } from './find-qemu.ts';
export { hotPlugged } from './hot-plugged.ts';
export { inspectQemu, type QemuInspection } from './inspect-qemu.ts';
export { overshoots } from './overshoot.ts';
export { QemuDied, QemuHangs, QemuNotFound, QemuUnusable, QmpRefusal } from './qemu-error.ts';
export { QemuProcess, type QemuProcessOptions } from './qemu-process.ts';
export { QemuTarget, type QemuTargetOptions } from './qemu-target.ts';
export { whyNotRunnable } from './runnable.ts';
export { findShim } from './shim.ts';
