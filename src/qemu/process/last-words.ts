import type { Readable } from 'node:stream';

const MOST_LINES = 4000;
const LONGEST_LINE = 4096;

/** Takes all that a process prints, as it comes, and keeps the last of it. */
export class LastWords {
  readonly #lines: string[] = [];
  #rest = '';
  /** How many lines were dropped to make room. */
  #dropped = 0;

  /** Listens to `stream`; it is never left unread, for a full pipe would stop the process. */
  listenTo(stream: Readable): void {
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => this.#take(text));
  }

  /** How many lines have been printed so far. */
  get count(): number {
    return this.#dropped + this.#lines.length;
  }

  /** The lines from number `from` on, as far as they are kept, and what is not a line yet. */
  since(from: number): readonly string[] {
    const lines = this.#lines.slice(Math.max(0, from - this.#dropped));
    return this.#rest === '' ? lines : [...lines, this.#rest];
  }

  #take(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop()!.slice(-LONGEST_LINE);
    for (const line of lines) this.#lines.push(line.slice(0, LONGEST_LINE).trimEnd());
    const excess = this.#lines.length - MOST_LINES;
    if (excess > 0) {
      this.#lines.splice(0, excess);
      this.#dropped += excess;
    }
  }
}
