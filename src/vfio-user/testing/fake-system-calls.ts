import {
  DescriptorsLost,
  GONE,
  SystemCallError,
  type Descriptor,
  type Interest,
  type SystemCalls,
  type Watch,
} from '../system-calls.ts';

/** Bytes of one send, and the descriptors that came with the first of them. */
interface Parcel {
  bytes: Uint8Array;
  descriptors: Descriptor[];
}

interface FakeSocket {
  readonly arrived: Parcel[];
  readonly sent: Parcel[];
  /** The client has closed its end. */
  gone: boolean;
}

/** The client's end of a connection, for a test. */
export interface FakeClient {
  /** Sends bytes and `descriptors` new descriptors, which the server must close. */
  send(bytes: Uint8Array, descriptors?: number): void;
  /** The bytes that the server has sent since the last call. */
  received(): Uint8Array;
  /** The descriptors that the server has sent, once `received` was called. */
  readonly files: Descriptor[];
  /** How many bytes the server can still send before its socket is full. */
  window: number;
  close(): void;
  /** Whether the server has closed its end. */
  readonly closed: boolean;
}

/**
 * System calls without an operating system: sockets are lists, and events happen when `turn` is called. Each
 * descriptor has a number of its own, so that a second close, or a use after close, fails the test.
 */
export class FakeSystemCalls implements SystemCalls {
  readonly open = new Set<Descriptor>();
  readonly #sockets = new Map<Descriptor, FakeSocket>();
  readonly #waiting: Descriptor[] = [];
  readonly #watches = new Map<Descriptor, { interest: Interest; callback: () => void }>();
  readonly #windows = new Map<Descriptor, { window: number }>();
  readonly #files = new Map<Descriptor, { name: string; bytes: Map<bigint, number>; size: bigint }>();
  #next = 100;
  /** The largest number of bytes that one call moves. */
  chunk = Infinity;
  /** Bytes of the largest buffer that `receive` was given. */
  largestRead = 0;
  /** Names of the calls that fail the next time. */
  readonly failing: string[] = [];

  #new(): Descriptor {
    this.open.add(this.#next);
    return this.#next++;
  }

  #fail(call: string): void {
    const index = this.failing.indexOf(call);
    if (index < 0) return;
    this.failing.splice(index, 1);
    throw new SystemCallError(call, 5, 'the test makes this call fail');
  }

  #require(descriptor: Descriptor): void {
    if (!this.open.has(descriptor)) throw new Error(`descriptor ${descriptor} is not open`);
  }

  /** Connects a client. */
  connect(): FakeClient {
    const descriptor = this.#new();
    const socket: FakeSocket = { arrived: [], sent: [], gone: false };
    const limit = { window: Infinity };
    this.#sockets.set(descriptor, socket);
    this.#windows.set(descriptor, limit);
    this.#waiting.push(descriptor);
    const { open } = this;
    const files: Descriptor[] = [];
    return {
      files,
      send: (bytes, count = 0) => {
        if (bytes.length === 0 || !open.has(descriptor)) return;
        const descriptors = Array.from({ length: count }, () => this.#new());
        socket.arrived.push({ bytes: bytes.slice(), descriptors });
      },
      received: () => {
        const parcels = socket.sent.splice(0);
        for (const { descriptors } of parcels) files.push(...descriptors);
        return Uint8Array.from(parcels.flatMap(({ bytes }) => [...bytes]));
      },
      get window() {
        return limit.window;
      },
      set window(bytes: number) {
        limit.window = bytes;
      },
      close: () => {
        socket.gone = true;
      },
      get closed() {
        return !open.has(descriptor);
      },
    };
  }

  /** Calls back for ready descriptors until none is ready, at most `limit` times. */
  turn(limit = 10_000): void {
    for (let count = 0; count < limit; count++) {
      const ready = [...this.#watches].find(([descriptor, { interest }]) =>
        this.#isReady(descriptor, interest),
      );
      if (ready === undefined) return;
      ready[1].callback();
    }
  }

  #isReady(descriptor: Descriptor, interest: Interest): boolean {
    const socket = this.#sockets.get(descriptor);
    if (socket === undefined) return this.#waiting.length > 0;
    return interest === 'readable'
      ? socket.gone || socket.arrived.length > 0
      : socket.gone || this.#windows.get(descriptor)!.window > 0;
  }

  listen(): Descriptor {
    this.#fail('listen');
    return this.#new();
  }

  accept(listener: Descriptor): Descriptor | undefined {
    this.#require(listener);
    this.#fail('accept');
    return this.#waiting.shift();
  }

  receive(descriptor: Descriptor, into: Uint8Array, descriptors: Descriptor[], room: number): number {
    this.#require(descriptor);
    this.#fail('receive');
    this.largestRead = Math.max(this.largestRead, into.length);
    const { arrived, gone } = this.#sockets.get(descriptor)!;
    const [parcel] = arrived;
    if (parcel === undefined) return gone ? GONE : 0;
    const taken = parcel.bytes.subarray(0, Math.min(into.length, this.chunk));
    into.set(taken);
    const lost = parcel.descriptors.length > room;
    for (const one of parcel.descriptors.slice(room)) this.close(one);
    descriptors.push(...parcel.descriptors.slice(0, room));
    parcel.descriptors = [];
    parcel.bytes = parcel.bytes.subarray(taken.length);
    if (parcel.bytes.length === 0) arrived.shift();
    if (lost) throw new DescriptorsLost(room);
    return taken.length;
  }

  send(descriptor: Descriptor, bytes: Uint8Array, file: Descriptor | undefined): number {
    this.#require(descriptor);
    this.#fail('send');
    if (file !== undefined) this.#require(file);
    const socket = this.#sockets.get(descriptor)!;
    if (socket.gone) return GONE;
    const limit = this.#windows.get(descriptor)!;
    const taken = bytes.slice(0, Math.min(limit.window, this.chunk));
    if (taken.length === 0) return 0;
    limit.window -= taken.length;
    socket.sent.push({ bytes: taken, descriptors: file === undefined ? [] : [file] });
    return taken.length;
  }

  memoryFile(name: string, size: bigint): Descriptor {
    this.#fail('memoryFile');
    const file = this.#new();
    this.#files.set(file, { name, bytes: new Map(), size });
    return file;
  }

  /** Name and size of a file. */
  file(file: Descriptor): { readonly name: string; readonly size: bigint } {
    const { name, size } = this.#files.get(file)!;
    return { name, size };
  }

  readFile(file: Descriptor, position: bigint, count: number): Uint8Array {
    this.#require(file);
    const { bytes } = this.#files.get(file)!;
    return Uint8Array.from({ length: count }, (_, index) => bytes.get(position + BigInt(index)) ?? 0);
  }

  writeFile(file: Descriptor, position: bigint, data: Uint8Array): void {
    this.#require(file);
    const { bytes } = this.#files.get(file)!;
    data.forEach((byte, index) => bytes.set(position + BigInt(index), byte));
  }

  identity(file: Descriptor): string {
    this.#require(file);
    return `file ${file}`;
  }

  close(descriptor: Descriptor): void {
    this.#require(descriptor);
    if (this.#watches.has(descriptor)) throw new Error(`descriptor ${descriptor} is still watched`);
    this.open.delete(descriptor);
    // Descriptors that were sent and not received close with the socket, as in the kernel.
    for (const { descriptors } of this.#sockets.get(descriptor)?.arrived.splice(0) ?? []) {
      for (const one of descriptors) this.close(one);
    }
  }

  watch(descriptor: Descriptor, interest: Interest, callback: () => void): Watch {
    this.#require(descriptor);
    this.#fail('watch');
    this.#watches.set(descriptor, { interest, callback });
    return {
      until: (next) => {
        const watch = this.#watches.get(descriptor);
        if (watch) watch.interest = next;
      },
      // A fake event loop keeps no process alive.
      keepAlive: () => undefined,
      close: () => this.#watches.delete(descriptor),
    };
  }

  remove(): void {}
}
