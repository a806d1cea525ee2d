import { ANSWER_DEADLINE, withinDeadline } from './answer-deadline.ts';
import type { LineConnection } from './line-connection.ts';

interface Pending {
  readonly line: string;
  readonly resolve: (words: readonly string[]) => void;
  readonly reject: (error: Error) => void;
}

/** QEMU says that it does not understand a line: a mistake of ours. */
export class QtestError extends Error {
  override readonly name = 'QtestError';
}

/** qtest: the CPU's part, played by writing lines (system/qtest.c). */
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
   * @returns the words behind `OK`, a list for each line.
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
    return withinDeadline(Promise.all(answers), `qtest ${lines.at(-1)}`, ANSWER_DEADLINE);
  }

  /** The number that a single line is answered with. */
  async read(line: string): Promise<bigint> {
    const [words] = await this.send([line]);
    return BigInt(words![0]!);
  }

  /** Nothing will be answered any more. */
  fail(error: Error): void {
    this.#end = error;
    for (const { reject } of this.#pending.splice(0)) reject(error);
  }

  #receive(line: string): void {
    const [verdict, ...words] = line.trim().split(' ');
    // Interrupts that somebody asked to be told of.
    if (verdict === 'IRQ') return;
    const pending = this.#pending.shift();
    if (pending === undefined) return;
    if (verdict === 'OK') pending.resolve(words);
    else pending.reject(new QtestError(`qtest "${pending.line}": ${line}`));
  }
}
