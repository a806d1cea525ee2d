import { ANSWER_DEADLINE_MS, withinDeadline } from './answer-deadline.ts';
import type { LineConnection } from './line-connection.ts';
import { QmpRefusal } from './qemu-error.ts';

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
  readonly #pending: Pending[] = [];
  readonly #expected = new Set<Expected>();
  #greeted!: () => void;
  readonly #greeting: Promise<void>;
  #end: Error | undefined;

  constructor(connection: LineConnection) {
    this.#connection = connection;
    this.#greeting = new Promise((resolve) => {
      this.#greeted = resolve;
    });
    connection.onLine((line) => this.#receive(line));
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
   * @throws QmpRefusal with QEMU's text; QemuHangs; QemuDied.
   */
  execute(
    command: string,
    parameters?: Readonly<Record<string, unknown>>,
    milliseconds = ANSWER_DEADLINE_MS,
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
    return (await this.execute('human-monitor-command', { 'command-line': line })) as string;
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
    milliseconds = ANSWER_DEADLINE_MS,
  ): Promise<QmpEvent> {
    if (this.#end !== undefined) return Promise.reject(this.#end);
    let expected!: Expected;
    const found = new Promise<QmpEvent>((resolve, reject) => {
      expected = { matches, resolve, reject };
      this.#expected.add(expected);
    });
    return withinDeadline(found, what, milliseconds).finally(() => this.#expected.delete(expected));
  }

  /** Rejects all pending and future commands and events, because QEMU has ended. */
  fail(error: Error): void {
    this.#end = error;
    for (const { reject } of [...this.#pending.splice(0), ...this.#expected]) reject(error);
  }

  #receive(line: string): void {
    const message = parseMessage(line, this.#pending[0]?.command);
    if ('event' in message) {
      const event = message as unknown as QmpEvent;
      for (const { matches, resolve } of this.#expected) if (matches(event)) resolve(event);
    } else if ('QMP' in message) {
      this.#greeted();
    } else {
      this.#answer(message);
    }
  }

  /** QEMU answers commands in their order. */
  #answer(message: Record<string, unknown>): void {
    const pending = this.#pending.shift();
    if (pending === undefined) return;
    const { error } = message as { error?: { class: string; desc: string } };
    if (error === undefined) pending.resolve(message['return']);
    else pending.reject(new QmpRefusal(pending.command, error.class, error.desc));
  }
}

/** JSON.parse rounds numbers of 64 bits. The answer to `query-pci` holds 64-bit addresses: they become text. */
function parseMessage(line: string, command: string | undefined): Record<string, unknown> {
  const text = command === 'query-pci' ? line.replaceAll(/(?<=": )-?\d{16,}/g, '"$&"') : line;
  return JSON.parse(text) as Record<string, unknown>;
}
