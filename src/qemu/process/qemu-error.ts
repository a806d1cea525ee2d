import { printable } from '../../input/index.ts';
import { TargetUnavailable } from '../../trace/index.ts';

/** No QEMU was found for an architecture. */
export class QemuNotFound extends TargetUnavailable {
  override readonly name = 'QemuNotFound';

  constructor(program: string, searched: readonly string[]) {
    super(
      `${program} was not found in ${searched.join(', ')}. ` +
        'Name a program or a folder with --qemu or BARPROOF_QEMU, or install QEMU 10.1 or later.',
    );
  }
}

/** A program was found, but barproof cannot run scenarios on it. */
export class QemuUnusable extends TargetUnavailable {
  override readonly name = 'QemuUnusable';
  readonly binary: string;

  constructor(binary: string, reason: string) {
    super(`${binary} cannot be used: ${reason}`);
    this.binary = binary;
  }
}

/** QEMU runs, but sent a text that is no answer. No verdict follows, neither on QEMU nor on the model. */
export class QemuError extends TargetUnavailable {
  override readonly name = 'QemuError';

  /**
   * @param what such as `a line that is no QMP message`.
   * @param sent QEMU's text. The message quotes its first 100 characters.
   * @param awaited the command or line that waits for an answer, if one does.
   */
  constructor(what: string, sent: string, awaited?: string) {
    const quoted = JSON.stringify(sent.length > MAX_QUOTED ? `${sent.slice(0, MAX_QUOTED)}…` : sent);
    super(`QEMU sent ${what}: ${quoted}${awaited === undefined ? '' : `, in answer to ${awaited}`}`);
  }
}

/** Length of QEMU's text in a message, in characters. */
const MAX_QUOTED = 100;

/**
 * Reads an answer of QEMU.
 *
 * @param command the command that QEMU answered.
 * @param read must not do anything else: every exception of it counts as a fault of the answer.
 * @throws QemuError when the answer does not have the form that `read` expects.
 */
export function readAnswer<Answer, T>(command: string, answer: Answer, read: (answer: Answer) => T): T {
  try {
    return read(answer);
  } catch {
    const text = typeof answer === 'string' ? answer : (JSON.stringify(answer) ?? 'nothing');
    throw new QemuError('an answer without the fields that it should have', text, command);
  }
}

/** How a process ended. */
export interface Ending {
  /** The exit status, unless a signal ended the process. */
  readonly code: number | undefined;
  /** The signal that ended the process. */
  readonly signal: string | undefined;
}

/** The QEMU process has ended. */
export class QemuDied extends Error {
  override readonly name = 'QemuDied';
  readonly ending: Ending;
  /** The last lines that QEMU printed. */
  readonly lastLines: readonly string[];

  constructor(ending: Ending, lastLines: readonly string[]) {
    const how = ending.signal === undefined ? `with status ${ending.code}` : `by ${ending.signal}`;
    super(`QEMU ended ${how}: ${lastLines.at(-1) ?? 'no output'}`);
    this.ending = ending;
    this.lastLines = lastLines;
  }
}

/** The QEMU process runs and does not answer. */
export class QemuHangs extends Error {
  override readonly name = 'QemuHangs';

  /** @param what the awaited answer. */
  constructor(what: string, milliseconds: number) {
    super(`QEMU did not answer for ${milliseconds / 1000} s at ${what}`);
  }
}

/** QEMU waits for an answer that the host of the scenario never gives (`host.faults`). */
export class HostNeverAnswers extends QemuHangs {
  /** @param request as `host.faults` names it. */
  constructor(request: string, milliseconds: number) {
    super(`the request ${request}, which the host never answers`, milliseconds);
  }
}

/** Whether QEMU has ended or no longer answers. */
export const isEndOfQemu = (error: unknown): error is QemuDied | QemuHangs =>
  error instanceof QemuDied || error instanceof QemuHangs;

/** QEMU refused a QMP command. The message is QEMU's text. */
export class QmpRefusal extends Error {
  override readonly name = 'QmpRefusal';
  readonly command: string;
  readonly errorClass: string;

  constructor(command: string, errorClass: string, text: string) {
    super(printable(text));
    this.command = command;
    this.errorClass = errorClass;
  }
}
