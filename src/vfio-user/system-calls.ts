import { errorName } from './error-number.ts';

/** A file descriptor of this process. */
export type Descriptor = number;

/** The event for which a descriptor is watched. */
export type Interest = 'readable' | 'writable';

/** A descriptor that the event loop watches. */
export interface Watch {
  /** Changes the event for which the callback is called. */
  until(interest: Interest): void;
  /** Whether the watch keeps the process alive. At first it does. */
  keepAlive(whether: boolean): void;
  /** Ends the watch. May be called again. The descriptor stays open; close it afterwards. */
  close(): void;
}

/** The result of `receive` and `send` once the other side has closed. */
export const GONE = -1;

/**
 * The system calls of the server. No call blocks. A call that fails throws a `SystemCallError`, unless its result
 * reports the failure.
 */
export interface SystemCalls {
  /** A socket that listens at `path`. The call makes the file. @throws RangeError for a path that no socket can have. */
  listen(path: string): Descriptor;
  /**
   * The socket of the next waiting client; `undefined` when no client waits. While this process may open no more files,
   * the call closes the connections of the clients that wait.
   */
  accept(listener: Descriptor): Descriptor | undefined;
  /**
   * Reads bytes from a socket, at most as many as `into` has.
   *
   * @param descriptors the call appends the descriptors that came along. The caller closes them, also when the call
   *   throws.
   * @param room how many descriptors may come along.
   * @returns how many bytes were read; 0 when none have arrived yet, `GONE` when the other side has closed.
   * @throws DescriptorsLost when more descriptors came than `room`, or more than this process may have open.
   */
  receive(socket: Descriptor, into: Uint8Array, descriptors: Descriptor[], room: number): number;
  /**
   * Writes bytes to a socket, and sends `descriptor` with the first of them.
   *
   * @returns how many bytes were written; 0 when the socket is full, `GONE` when the other side has closed.
   */
  send(socket: Descriptor, bytes: Uint8Array, descriptor: Descriptor | undefined): number;
  /** An anonymous file of `size` zero bytes (memfd_create). */
  memoryFile(name: string, size: bigint): Descriptor;
  /** Reads `count` bytes of a file from `position` on; fewer where the file ends. */
  readFile(file: Descriptor, position: bigint, count: number): Uint8Array;
  writeFile(file: Descriptor, position: bigint, bytes: Uint8Array): void;
  /** Names a file: two descriptors of one file give the same text, two files give different texts. */
  identity(file: Descriptor): string;
  close(descriptor: Descriptor): void;
  /** Calls `callback` from the event loop while the descriptor is ready. The callback must not throw. */
  watch(descriptor: Descriptor, interest: Interest, callback: () => void): Watch;
  /** Removes the file of a socket, if the file exists. */
  remove(path: string): void;
}

/** A system call that failed. */
export class SystemCallError extends Error {
  override readonly name: string = 'SystemCallError';
  readonly call: string;
  readonly errno: number;

  /**
   * @param call the name of the system call.
   * @param errno positive.
   * @param about the argument that matters: a path, a name or a descriptor.
   */
  constructor(call: string, errno: number, about: string) {
    super(`${call}: ${errorName(errno)} (${about})`);
    this.call = call;
    this.errno = errno;
  }
}

/** The client sent descriptors that this process could not take. The kernel has closed them. */
export class DescriptorsLost extends Error {
  override readonly name = 'DescriptorsLost';

  constructor(room: number) {
    super(`the client sent more file descriptors than the server takes: ${room} at most`);
  }
}
