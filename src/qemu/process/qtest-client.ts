import { ANSWER_DEADLINE_MS, withinDeadline } from './answer-deadline.ts';
import type { LineConnection } from './line-connection.ts';

interface Pending {
  readonly line: string;
  readonly resolve: (words: readonly string[]) => void;
  readonly reject: (error: Error) => void;
}

/** QEMU did not understand a line of qtest, which is a fault of barproof. */
export class QtestError extends Error {
  override readonly name = 'QtestError';
}

/** A client of qtest, which does accesses of the CPU (system/qtest.c). */
export class QtestClient {
  readonly #connection: LineConnection;
  readonly #pending: Pending[] = [];
  #end: Error | undefined;

  constructor(connection: LineConnection) {
    this.#connection = connection;
    connection.onLine((line) => this.#receive(line));
  }

  /**
   * Sends lines all at once and waits for their answers.
   *
   * @returns for each line the words after `OK`.
   * @throws QtestError; QemuHangs; QemuDied.
   */
  send(lines: readonly string[]): Promise<readonly (readonly string[])[]> {
    if (this.#end !== undefined) return Promise.reject(this.#end);
    const answers = lines.map(
      (line) =>
        new Promise<readonly string[]>((resolve, reject) => {
          this.#pending.push({ line, resolve, reject });
        }),
    );
    this.#connection.send(lines.map((line) => `${line}\n`).join(''));
    return withinDeadline(Promise.all(answers), `qtest ${lines.at(-1)}`, ANSWER_DEADLINE_MS);
  }

  /** Rejects all pending and future lines, because QEMU has ended. */
  fail(error: Error): void {
    this.#end = error;
    for (const { reject } of this.#pending.splice(0)) reject(error);
  }

  #receive(line: string): void {
    const [verdict, ...words] = line.trim().split(' ');
    // QEMU also reports interrupts, which have no request.
    if (verdict === 'IRQ') return;
    const pending = this.#pending.shift();
    if (pending === undefined) return;
    if (verdict === 'OK') pending.resolve(words);
    else pending.reject(new QtestError(`qtest "${pending.line}": ${line}`));
  }
}
