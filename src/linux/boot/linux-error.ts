import type { QemuDied, QemuHangs } from '../../qemu/process/index.ts';

/** How many console lines an error keeps: a panic prints about fifty lines with its call trace. */
export const CONSOLE_LINES = 60;

/** Console lines that name the reason of a stop. A panic is preferred to an oops. */
const FATAL = [/Kernel panic - /, /\bOops\b|\bBUG: /];

/** The kernel no longer answers: it panicked or hangs, or its QEMU has ended. */
export class LinuxStopped extends Error {
  override readonly name = 'LinuxStopped';
  /** The last lines of the kernel's console, and what QEMU printed. */
  readonly console: readonly string[];

  /** @param console all lines of the console and of QEMU that `OutputTail` has kept */
  constructor(cause: QemuDied | QemuHangs, console: readonly string[]) {
    const fatal = FATAL.map((pattern) => console.findLast((line) => pattern.test(line)));
    const reason = fatal.find((line) => line !== undefined)?.replace(/^\[ *[\d.]+\] /, '') ?? cause.message;
    super(reason, { cause });
    this.console = console.slice(-CONSOLE_LINES);
  }
}
