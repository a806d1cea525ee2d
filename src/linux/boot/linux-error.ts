import { QemuDied, type QemuHangs } from '../../qemu/process/qemu-error.ts';

/** How many lines of the console tell the end of a kernel: a panic prints about thirty. */
const CONSOLE_LINES = 40;

/** A kernel that stopped answering: it panicked, it hangs, or its QEMU is gone. */
export class LinuxStopped extends Error {
  override readonly name = 'LinuxStopped';
  /** The last lines of the kernel's console, and what QEMU printed. */
  readonly console: readonly string[];

  constructor(cause: QemuDied | QemuHangs, console: readonly string[]) {
    const lines = console.slice(-CONSOLE_LINES);
    const fatal = lines.find((line) => /Kernel panic|Oops|BUG:|Call trace/i.test(line));
    const reason =
      fatal?.replace(/^\[ *[\d.]+\] /, '') ??
      (cause instanceof QemuDied ? cause.message : `the kernel does not answer (${cause.what})`);
    super(reason, { cause });
    this.console = lines;
  }
}
