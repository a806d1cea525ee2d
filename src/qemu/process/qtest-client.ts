import { withinDeadline } from './answer-deadline.ts';
import type { LineConnection } from './line-connection.ts';
import { QemuError } from './qemu-error.ts';

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
  readonly #deadline: number;
  readonly #pending: Pending[] = [];
  #end: Error | undefined;

  /** @param deadlineMs how many milliseconds QEMU may take for its answers. */
  constructor(connection: LineConnection, deadlineMs: number) {
    this.#connection = connection;
    this.#deadline = deadlineMs;
    connection.onLine(
      (line) => this.#receive(line),
      (error) => this.fail(error),
    );
  }

  /**
   * Sends lines all at once and waits for their answers.
   *
   * @returns for each line the words after `OK`: a number for a line that reads, nothing for one that writes.
   * @throws QtestError; QemuHangs; QemuDied; QemuError.
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
    return withinDeadline(Promise.all(answers), `qtest ${lines.at(-1)}`, this.#deadline);
  }

  /** Rejects all pending and future lines: QEMU has ended, or has sent a line that is no answer. */
  fail(error: Error): void {
    // The first error counts: a wrong line says more than the end of the process, which follows it.
    this.#end ??= error;
    for (const { reject } of this.#pending.splice(0)) reject(this.#end);
  }

  #receive(line: string): void {
    if (this.#end !== undefined) return;
    const [verdict, ...words] = line.trim().split(' ');
    // QEMU also reports interrupts, which have no request.
    if (verdict === 'IRQ') return;
    const pending = this.#pending[0];
    if (pending === undefined)
      return this.fail(new QemuError('a line of qtest that answers no request', line));
    if (verdict === 'OK' && isAnswerTo(pending.line, words)) {
      this.#pending.shift();
      pending.resolve(words);
    } else if (verdict === 'FAIL' || verdict === 'ERR') {
      this.#pending.shift();
      pending.reject(new QtestError(`qtest "${pending.line}": ${line}`));
    } else {
      this.fail(new QemuError('a line that is no answer of qtest', line, `qtest ${pending.line}`));
    }
  }
}

/** Lines whose answer is a number. QEMU writes the result of `rtas` in decimal (hw/ppc/spapr_rtas.c). */
const READS = /^(?:in[bwl]|read[bwlq]|rtas) /;

const isAnswerTo = (line: string, words: readonly string[]): boolean =>
  READS.test(line) ? words.length === 1 && /^(?:0x[0-9a-f]+|\d+)$/i.test(words[0]!) : words.length === 0;
