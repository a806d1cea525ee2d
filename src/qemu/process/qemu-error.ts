import { TargetUnavailable } from '../../trace/index.ts';
import type { Architecture } from './architecture.ts';

/** There is no QEMU to test: which program was looked for, and where. */
export class QemuNotFound extends TargetUnavailable {
  override readonly name = 'QemuNotFound';
  readonly program: string;
  readonly architecture: Architecture;

  constructor(architecture: Architecture, program: string, looked: readonly string[]) {
    super(
      `${program} was not found: looked at ${looked.join(', ')}. ` +
        'Name a program or a folder with --qemu or BARPROOF_QEMU, or install QEMU 10.1 or later.',
    );
    this.program = program;
    this.architecture = architecture;
  }
}

/** A QEMU that is there but cannot be tested: what it lacks. */
export class QemuUnusable extends TargetUnavailable {
  override readonly name = 'QemuUnusable';
  readonly binary: string;

  constructor(binary: string, what: string) {
    super(`${binary} cannot be tested: ${what}`);
    this.binary = binary;
  }
}

/** How a process came to its end. */
export interface Ending {
  /** What it returned, unless a signal ended it. */
  readonly code: number | undefined;
  readonly signal: string | undefined;
}

/** The process is gone. */
export class QemuDied extends Error {
  override readonly name = 'QemuDied';
  readonly ending: Ending;
  /** The last lines that it printed. */
  readonly lastWords: readonly string[];

  constructor(ending: Ending, lastWords: readonly string[]) {
    const how = ending.signal === undefined ? `with status ${ending.code}` : `of ${ending.signal}`;
    super(`QEMU ended ${how}: ${lastWords.at(-1) ?? 'it said nothing'}`);
    this.ending = ending;
    this.lastWords = lastWords;
  }
}

/** The process is there and does not answer. */
export class QemuHangs extends Error {
  override readonly name = 'QemuHangs';
  /** What was waited for. */
  readonly what: string;

  constructor(what: string, milliseconds: number) {
    super(`QEMU did not answer within ${milliseconds} ms: ${what}`);
    this.what = what;
  }
}

/** Whether an error says that nothing more is to be had from a QEMU. */
export const isEndOfQemu = (error: unknown): error is QemuDied | QemuHangs =>
  error instanceof QemuDied || error instanceof QemuHangs;

/** QEMU refused a QMP command; the text is its own. */
export class QmpRefusal extends Error {
  override readonly name = 'QmpRefusal';
  readonly command: string;
  readonly errorClass: string;

  constructor(command: string, errorClass: string, text: string) {
    super(text);
    this.command = command;
    this.errorClass = errorClass;
  }
}
