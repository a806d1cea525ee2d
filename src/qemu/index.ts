/** A real QEMU as a target. */
export {
  architectureOf,
  ARCHITECTURES,
  isQemuMachine,
  QEMU_MACHINES,
  type Architecture,
  type QemuMachineType,
} from './process/architecture.ts';
export { runBesideModel } from './beside-model.ts';
export { wordsOfDeath } from './death.ts';
export { revisionOfVersion, whyNotOfModel } from './revision-of-version.ts';
export { findQemu, type QemuLocation } from './process/find-qemu.ts';
export { deviceModel } from './guest/device-model.ts';
export { servedStart, type ServedStart } from './served-start.ts';
export { hotPlugged } from './hot-plugged.ts';
export { inspectQemu, type QemuInspection } from './process/inspect-qemu.ts';
export { openQemu, openQemuRunner, type OpenQemu, type QemuUse } from './open-qemu.ts';
export { openQemuPair, type QemuPair } from './open-qemu-pair.ts';
export { overshoots } from './overshoot.ts';
export { QemuDied, QemuHangs, QemuNotFound, QemuUnusable, QmpRefusal } from './process/qemu-error.ts';
export { QemuProcess, type QemuProcessOptions } from './process/qemu-process.ts';
export { QemuTarget, type QemuInterface, type QemuTargetOptions } from './qemu-target.ts';
export { whyNotRunnable } from './runnable.ts';
export { trivialScenario } from './trivial-scenario.ts';
export { findShim } from './shim/shim.ts';
