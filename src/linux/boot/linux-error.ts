import type { QemuDied, QemuHangs } from '../../qemu/process/index.ts';

/** How many lines of the console tell the end of a kernel: a panic with its call trace prints about fifty. */
const CONSOLE_LINES = 60;

/** What the console says of an end, the most telling first. */
const FATAL = [/Kernel panic - /, /\bOops\b|\bBUG: /];

/** A kernel that stopped answering: it panicked, it hangs, or its QEMU is gone. */
export class LinuxStopped extends Error {
  override readonly name = 'LinuxStopped';
  /** The last lines of the kernel's console, and what QEMU printed. */
  readonly console: readonly string[];

  /** @param console all lines that are known */
  constructor(cause: QemuDied | QemuHangs, console: readonly string[]) {
    const fatal = FATAL.map((pattern) => console.findLast((line) => pattern.test(line)));
    const reason = fatal.find((line) => line !== undefined)?.replace(/^\[ *[\d.]+\] /, '') ?? cause.message;
    super(reason, { cause });
    this.console = console.slice(-CONSOLE_LINES);
  }
}
