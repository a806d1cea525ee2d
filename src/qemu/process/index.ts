/** QEMU as a process: where it is, how it is started, and how it ends without leaving anything behind. */
export {
  architectureOf,
  ARCHITECTURES,
  isQemuMachine,
  programName,
  type Architecture,
} from './architecture.ts';
export { findQemu, type QemuLocation } from './find-qemu.ts';
export { undoAtExit } from './leave-nothing-behind.ts';
export { LineConnection } from './line-connection.ts';
export { PrivateDirectory } from './private-directory.ts';
export { isEndOfQemu, QemuDied, QemuHangs, QemuNotFound, QmpRefusal } from './qemu-error.ts';
export { QemuProcess } from './qemu-process.ts';
export { QmpClient } from './qmp-client.ts';
export { QtestClient } from './qtest-client.ts';
export { runProgram } from './run-program.ts';
export { watchingQemu } from './qemu-watch.ts';
