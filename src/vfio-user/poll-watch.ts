import koffi, { type node } from 'koffi';
import type { Descriptor, Interest, Watch } from './system-calls.ts';

/** A descriptor in the event loop of this thread (libuv's uv_poll, through koffi). */
export class PollWatch implements Watch {
  readonly #callback: () => void;
  #interest: Interest;
  #handle: node.PollHandle | undefined;

  constructor(descriptor: Descriptor, interest: Interest, callback: () => void) {
    this.#callback = callback;
    this.#interest = interest;
    this.#handle = koffi.node.poll(descriptor, options(interest), this.#ready);
  }

  /**
   * @param status 0, or the error for which libuv stopped watching: a client closed without reading its replies
   *   (ECONNRESET). Messages of that client may still be unread, so the watch starts again.
   */
  readonly #ready = (status: unknown): void => {
    this.#callback();
    if (status !== 0) this.until(this.#interest);
  };

  until(interest: Interest): void {
    this.#interest = interest;
    this.#handle?.start(options(interest), this.#ready);
  }

  keepAlive(whether: boolean): void {
    if (whether) this.#handle?.ref();
    else this.#handle?.unref();
  }

  close(): void {
    // A closed handle must never be used again: koffi would hand libuv a null pointer.
    const handle = this.#handle;
    this.#handle = undefined;
    handle?.close();
  }
}

const options = (interest: Interest): { readable: boolean; writable: boolean } => ({
  readable: interest === 'readable',
  writable: interest === 'writable',
});
