import { errorName } from './error-number.ts';

/** A file descriptor of this process. */
export type Descriptor = number;

/** What a watched descriptor is watched for. */
export type Interest = 'readable' | 'writable';

/** A descriptor that the event loop looks at. */
export interface Watch {
  /** Changes what the callback is told about. */
  until(interest: Interest): void;
  /** Whether it keeps the process alive; it does at first. */
  keepAlive(whether: boolean): void;
  /** Ends it; harmless when repeated. The descriptor itself stays open and must be closed afterwards. */
  close(): void;
}

/** `receive` and `send` when nothing more will come, or can go. */
export const GONE = -1;

/**
 * All that the server asks of the operating system. No call blocks. Whatever fails for a reason that is not part of
 * the answer throws a `SystemCallError`.
 */
export interface SystemCalls {
  /** A socket that listens at `path`, a new file. */
  listen(path: string): Descriptor;
  /** The next client that waits, if there is one. */
  accept(listener: Descriptor): Descriptor | undefined;
  /**
   * Bytes from a socket, as many as there are up to the length of `into`.
   *
   * @param descriptors what came along is added here; it is the caller's to close, also when the call throws
   * @param room how many descriptors may come along
   * @returns how many bytes; 0 when there are none yet, `GONE` when the other side has closed
   * @throws DescriptorsLost when there were more descriptors than room, or than this process may have open
   */
  receive(socket: Descriptor, into: Uint8Array, descriptors: Descriptor[], room: number): number;
  /**
   * Gives bytes to a socket, and `descriptor` along with the first of them.
   *
   * @returns how many were taken; 0 when there is no room yet, `GONE` when the other side has closed
   */
  send(socket: Descriptor, bytes: Uint8Array, descriptor: Descriptor | undefined): number;
  /** An anonymous file of `size` zero bytes (memfd_create). */
  memoryFile(name: string, size: bigint): Descriptor;
  /** Bytes of a file from `position` on; fewer than `count` behind its end. */
  readFile(file: Descriptor, position: bigint, count: number): Uint8Array;
  writeFile(file: Descriptor, position: bigint, bytes: Uint8Array): void;
  /** The same text for two descriptors of one file, different texts for two files. */
  identity(file: Descriptor): string;
  close(descriptor: Descriptor): void;
  /** Calls `callback` from the event loop as long as the descriptor is ready. It must not throw. */
  watch(descriptor: Descriptor, interest: Interest, callback: () => void): Watch;
  /** Removes the file of a socket; harmless where it is gone. */
  remove(path: string): void;
}

/** A system call that failed. */
export class SystemCallError extends Error {
  override readonly name: string = 'SystemCallError';
  readonly call: string;
  readonly errno: number;

  /** @param about what it was called for */
  constructor(call: string, errno: number, about: string) {
    super(`${call}: ${errorName(errno)} (${about})`);
    this.call = call;
    this.errno = errno;
  }
}

/** Descriptors were sent that this process could not take; the kernel has closed them. */
export class DescriptorsLost extends Error {
  override readonly name = 'DescriptorsLost';

  constructor(room: number) {
    super(`more file descriptors with one message than can be taken, ${room} at most`);
  }
}
