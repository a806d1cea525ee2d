/** Tells what a build does: the stages that are done, and the one that goes on. */
export class Stages {
  readonly #tell: (line: string) => void;
  readonly #now: () => number;
  readonly #done: string[] = [];
  #current: { readonly name: string; readonly begin: number; text: string } | undefined;
  readonly #timer: NodeJS.Timeout;

  /**
   * @param tell called when there is news, and each second.
   * @param now the time in milliseconds.
   */
  constructor(tell: (line: string) => void, now: () => number = Date.now) {
    this.#tell = tell;
    this.#now = now;
    this.#timer = setInterval(() => this.#show(), 1000).unref();
  }

  begin(name: string): void {
    this.#current = { name, begin: this.#now(), text: name };
    this.#show();
  }

  /** Says how far the stage is: `build 512/1339`. */
  update(text: string): void {
    if (this.#current !== undefined) this.#current.text = text;
    this.#show();
  }

  /** Ends the stage. @param text what it came to, with the time that it took. */
  end(text = this.#current?.name ?? ''): void {
    if (this.#current === undefined) return;
    const seconds = Math.round((this.#now() - this.#current.begin) / 1000);
    this.#done.push(seconds > 0 ? `${text} ${seconds} s` : text);
    this.#current = undefined;
    this.#show();
  }

  /** Says something that takes no time. */
  note(text: string): void {
    this.#done.push(text);
    this.#show();
  }

  /** The stages that are done, in one line. */
  get done(): string {
    return this.#done.join(' · ');
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #show(): void {
    const { text, name, begin } = this.#current ?? {};
    if (text === undefined) return this.#tell(this.done);
    const seconds = Math.round((this.#now() - begin!) / 1000);
    const current = text === name && seconds > 0 ? `${text} ${seconds} s` : text;
    this.#tell([...this.#done, current].join(' · '));
  }
}
