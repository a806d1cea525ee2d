import { withinDeadline } from './answer-deadline.ts';
import type { LineConnection } from './line-connection.ts';
import { QemuError, QmpRefusal, readAnswer } from './qemu-error.ts';

/** An event of QEMU (qapi/run-state.json, qapi/qdev.json). */
export interface QmpEvent {
  readonly event: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

interface Pending {
  readonly command: string;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

interface Expected {
  readonly matches: (event: QmpEvent) => boolean;
  readonly resolve: (event: QmpEvent) => void;
  readonly reject: (error: Error) => void;
}

/** A client of QMP, QEMU's monitor for programs: one JSON object a line (docs/interop/qmp-spec). */
export class QmpClient {
  readonly #connection: LineConnection;
  readonly #deadline: number;
  readonly #pending: Pending[] = [];
  readonly #expected = new Set<Expected>();
  #greeted!: () => void;
  #notGreeted!: (error: Error) => void;
  readonly #greeting: Promise<void>;
  #end: Error | undefined;

  /** @param deadlineMs how many milliseconds QEMU may take for an answer, or for an event. */
  constructor(connection: LineConnection, deadlineMs: number) {
    this.#connection = connection;
    this.#deadline = deadlineMs;
    this.#greeting = new Promise((resolve, reject) => {
      this.#greeted = resolve;
      this.#notGreeted = reject;
    });
    this.#greeting.catch(() => undefined);
    connection.onLine(
      (line) => this.#receive(line),
      (error) => this.fail(error),
    );
  }

  /** Waits for QEMU's greeting and answers it. */
  async negotiate(): Promise<void> {
    await this.#connection.connected();
    await this.#greeting;
    await this.execute('qmp_capabilities');
  }

  /**
   * Sends a command and waits for its answer. Commands may be sent before earlier ones are answered.
   *
   * @throws QmpRefusal with QEMU's text; QemuHangs; QemuDied; QemuError.
   */
  execute(
    command: string,
    parameters?: Readonly<Record<string, unknown>>,
    milliseconds = this.#deadline,
  ): Promise<unknown> {
    if (this.#end !== undefined) return Promise.reject(this.#end);
    const answer = new Promise((resolve, reject) => {
      this.#pending.push({ command, resolve, reject });
    });
    const message =
      parameters === undefined ? { execute: command } : { execute: command, arguments: parameters };
    this.#connection.send(`${JSON.stringify(message)}\n`);
    return withinDeadline(answer, `QMP ${command}`, milliseconds);
  }

  /** The output of the human monitor for the command `line`. */
  async monitor(line: string): Promise<string> {
    const output = await this.execute('human-monitor-command', { 'command-line': line });
    if (typeof output === 'string') return output;
    throw new QemuError('no text', JSON.stringify(output) ?? 'nothing', `the monitor's ${line}`);
  }

  /**
   * Sends a command, waits for its answer, and reads the answer.
   *
   * @param read must not do anything else: every exception of it counts as a fault of the answer.
   * @throws QemuError when the answer does not have the form that `read` expects; the errors of `execute`.
   */
  async query<Answer, T>(
    command: string,
    parameters: Readonly<Record<string, unknown>> | undefined,
    read: (answer: Answer) => T,
  ): Promise<T> {
    return readAnswer(`QMP ${command}`, (await this.execute(command, parameters)) as Answer, read);
  }

  /**
   * Waits for an event. Call this before the command that leads to the event.
   *
   * @param matches accepts the awaited event.
   * @param what the event, for the message.
   * @throws QemuHangs; QemuDied.
   */
  event(
    matches: (event: QmpEvent) => boolean,
    what: string,
    milliseconds = this.#deadline,
  ): Promise<QmpEvent> {
    if (this.#end !== undefined) return Promise.reject(this.#end);
    let expected!: Expected;
    const found = new Promise<QmpEvent>((resolve, reject) => {
      expected = { matches, resolve, reject };
      this.#expected.add(expected);
    });
    return withinDeadline(found, what, milliseconds).finally(() => this.#expected.delete(expected));
  }

  /** Rejects all pending and future commands and events: QEMU has ended, or has sent a line that is no answer. */
  fail(error: Error): void {
    // The first error counts: a wrong line says more than the end of the process, which follows it.
    this.#end ??= error;
    this.#notGreeted(this.#end);
    for (const { reject } of [...this.#pending.splice(0), ...this.#expected]) reject(this.#end);
  }

  #receive(line: string): void {
    if (this.#end !== undefined) return;
    const command = this.#pending[0]?.command;
    const message = parseMessage(line, command);
    if (message === undefined) {
      this.fail(new QemuError('a line that is no QMP message', line, command && `QMP ${command}`));
    } else if ('event' in message) {
      const event = message as unknown as QmpEvent;
      for (const { matches, resolve } of this.#expected) if (matches(event)) resolve(event);
    } else if ('QMP' in message) {
      this.#greeted();
    } else {
      this.#answer(message, line);
    }
  }

  /** QEMU answers commands in their order. */
  #answer(message: QmpMessage, line: string): void {
    const pending = this.#pending.shift();
    if (pending === undefined) return this.fail(new QemuError('an answer to no command', line));
    if ('return' in message) return pending.resolve(message.return);
    const { error } = message as { error: { class: string; desc: string } };
    pending.reject(new QmpRefusal(pending.command, error.class, error.desc));
  }
}

type QmpMessage = Readonly<Record<string, unknown>>;

/**
 * A greeting, an event, or an answer to a command; `undefined` for another line. JSON.parse rounds numbers of
 * 64 bits. The answer to `query-pci` holds 64-bit addresses: they become text.
 */
function parseMessage(line: string, command: string | undefined): QmpMessage | undefined {
  const text = command === 'query-pci' ? line.replaceAll(/(?<=": )-?\d{16,}/g, '"$&"') : line;
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    return undefined;
  }
  return isObject(message) && isQmpMessage(message) ? message : undefined;
}

const isObject = (value: unknown): value is QmpMessage => typeof value === 'object' && value !== null;

function isQmpMessage({ event, error, ...rest }: QmpMessage): boolean {
  if ('return' in rest || 'QMP' in rest || typeof event === 'string') return true;
  return isObject(error) && typeof error['class'] === 'string' && typeof error['desc'] === 'string';
}
