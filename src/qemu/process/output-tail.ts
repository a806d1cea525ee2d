import type { Readable } from 'node:stream';
import { printable } from '../../input/index.ts';

const MAX_LINES = 4000;
const MAX_LINE_LENGTH = 4096;

/** Reads everything that a process prints, and keeps the last lines. */
export class OutputTail {
  readonly #lines: string[] = [];
  #rest = '';
  /** How many lines are no longer kept. */
  #dropped = 0;

  /** Reads `stream` to its end. A pipe that is not read fills up and stops the process. */
  listenTo(stream: Readable): void {
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => this.#take(text));
  }

  /** How many lines the process has printed so far. */
  get count(): number {
    return this.#dropped + this.#lines.length;
  }

  /** The kept lines, safe to print, from number `from` on, and the text after the last line end. */
  since(from: number): readonly string[] {
    const lines = this.#lines.slice(Math.max(0, from - this.#dropped));
    return this.#rest === '' ? lines : [...lines, printable(this.#rest.trimEnd())];
  }

  #take(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop()!.slice(-MAX_LINE_LENGTH);
    for (const line of lines) this.#lines.push(printable(line.slice(0, MAX_LINE_LENGTH).trimEnd()));
    const excess = this.#lines.length - MAX_LINES;
    if (excess > 0) {
      this.#lines.splice(0, excess);
      this.#dropped += excess;
    }
  }
}
