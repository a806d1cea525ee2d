import { fstatSync, rmSync } from 'node:fs';
import { endianness } from 'node:os';
import koffi from 'koffi';
import { DATA_BYTES, MessageArena } from './message-arena.ts';
import { PollWatch } from './poll-watch.ts';
import {
  DescriptorsLost,
  GONE,
  SystemCallError,
  type Descriptor,
  type Interest,
  type SystemCalls,
  type Watch,
} from './system-calls.ts';

/** Numbers of the Linux ABI; equal on every 64-bit little-endian architecture of Node. */
const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_CLOEXEC = 0o2000000;
const SOCK_NONBLOCK = 0o4000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x4000_0000;
const MFD_CLOEXEC = 1;

/** Bytes of `sun_path`, the NUL at its end included (unix(7)). */
const SUN_PATH_BYTES = 108;
/** How many clients the kernel lets wait for `accept`. */
const BACKLOG = 4;

/** The server does not run on this platform. */
export class UnsupportedPlatform extends Error {
  override readonly name = 'UnsupportedPlatform';
}

let instance: LinuxSystemCalls | undefined;

/**
 * The system calls of this Linux process. One object serves a thread until it ends: koffi does not unload functions,
 * and the buffers that the calls share are 68 KiB.
 *
 * @throws UnsupportedPlatform elsewhere than on 64-bit little-endian Linux.
 */
export function linuxSystemCalls(): SystemCalls {
  instance ??= new LinuxSystemCalls();
  return instance;
}

class LinuxSystemCalls implements SystemCalls {
  readonly #errno = koffi.os.errno;
  readonly #socket;
  readonly #bind;
  readonly #listen;
  readonly #accept;
  readonly #receive;
  readonly #send;
  readonly #memfdCreate;
  readonly #truncate;
  readonly #pread;
  readonly #pwrite;
  readonly #close;
  readonly #arena: MessageArena;
  /** An open file that gives up its descriptor for a client that is refused; see `#refuseClient`. */
  #spare: Descriptor | undefined;

  constructor() {
    if (process.platform !== 'linux' || endianness() !== 'LE' || koffi.sizeof('void *') !== 8) {
      throw new UnsupportedPlatform(
        `vfio-user sockets need 64-bit little-endian Linux, this is ${process.platform} ${process.arch}`,
      );
    }
    const libc = koffi.load(null);
    this.#socket = libc.func('int socket(int, int, int)');
    this.#bind = libc.func('int bind(int, const void *, uint32_t)');
    this.#listen = libc.func('int listen(int, int)');
    this.#accept = libc.func('int accept4(int, void *, void *, int)');
    this.#receive = libc.func('int64_t recvmsg(int, uintptr_t, int)');
    this.#send = libc.func('int64_t sendmsg(int, uintptr_t, int)');
    this.#memfdCreate = libc.func('int memfd_create(const char *, uint32_t)');
    this.#truncate = libc.func('int ftruncate(int, int64_t)');
    this.#pread = libc.func('int64_t pread(int, void *, size_t, int64_t)');
    this.#pwrite = libc.func('int64_t pwrite(int, const void *, size_t, int64_t)');
    this.#close = libc.func('int close(int)');
    this.#arena = new MessageArena();
  }

  listen(path: string): Descriptor {
    const address = socketAddress(path);
    this.#spare ??= this.#check(this.#memfdCreate('vfio-user-spare', MFD_CLOEXEC), 'memfd_create', path);
    const socket = this.#check(
      this.#socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0),
      'socket',
      path,
    );
    try {
      this.#check(this.#bind(socket, address, address.length), 'bind', path);
      this.#check(this.#listen(socket, BACKLOG), 'listen', path);
      return socket;
    } catch (error) {
      this.close(socket);
      throw error;
    }
  }

  accept(listener: Descriptor): Descriptor | undefined {
    for (;;) {
      const socket = this.#accept(listener, null, null, SOCK_CLOEXEC | SOCK_NONBLOCK) as number;
      if (socket >= 0) return socket;
      const errno = koffi.errno();
      if (errno === this.#errno['EAGAIN']) return undefined;
      if (errno === this.#errno['EMFILE'] || errno === this.#errno['ENFILE']) {
        if (this.#refuseClient(listener)) continue;
        return undefined;
      }
      if (errno !== this.#errno['EINTR'] && errno !== this.#errno['ECONNABORTED']) {
        throw new SystemCallError('accept4', errno, `listener ${listener}`);
      }
    }
  }

  /**
   * Refuses the next client of a process that may open no more files. A client that stayed in the queue would wait
   * without end, and would wake this process again and again.
   *
   * @returns whether a client was refused.
   */
  #refuseClient(listener: Descriptor): boolean {
    if (this.#spare === undefined) return false;
    this.close(this.#spare);
    this.#spare = undefined;
    const socket = this.#accept(listener, null, null, SOCK_CLOEXEC) as number;
    if (socket >= 0) this.close(socket);
    const spare = this.#memfdCreate('vfio-user-spare', MFD_CLOEXEC) as number;
    if (spare >= 0) this.#spare = spare;
    return socket >= 0;
  }

  receive(socket: Descriptor, into: Uint8Array, descriptors: Descriptor[], room: number): number {
    const arena = this.#arena;
    arena.prepareToReceive(Math.min(into.length, DATA_BYTES), room);
    const count = this.#transfer(this.#receive, socket, MSG_DONTWAIT | MSG_CMSG_CLOEXEC, 'recvmsg');
    if (count === undefined) return 0;
    if (count <= 0) return GONE;
    descriptors.push(...arena.receivedDescriptors());
    if (arena.lostDescriptors) throw new DescriptorsLost(room);
    into.set(arena.data.subarray(0, count));
    return count;
  }

  send(socket: Descriptor, bytes: Uint8Array, descriptor: Descriptor | undefined): number {
    const chunk = bytes.subarray(0, DATA_BYTES);
    this.#arena.data.set(chunk);
    this.#arena.prepareToSend(chunk.length, descriptor);
    return this.#transfer(this.#send, socket, MSG_DONTWAIT | MSG_NOSIGNAL, 'sendmsg') ?? 0;
  }

  memoryFile(name: string, size: bigint): Descriptor {
    const file = this.#check(this.#memfdCreate(name, MFD_CLOEXEC), 'memfd_create', name);
    try {
      this.#check(this.#truncate(file, size), 'ftruncate', `${name}, ${size} bytes`);
      return file;
    } catch (error) {
      this.close(file);
      throw error;
    }
  }

  readFile(file: Descriptor, position: bigint, count: number): Uint8Array {
    const bytes = new Uint8Array(count);
    return bytes.subarray(0, this.#check(this.#pread(file, bytes, count, position), 'pread', `file ${file}`));
  }

  writeFile(file: Descriptor, position: bigint, bytes: Uint8Array): void {
    this.#check(this.#pwrite(file, bytes, bytes.length, position), 'pwrite', `file ${file}`);
  }

  identity(file: Descriptor): string {
    const { dev, ino } = fstatSync(file, { bigint: true });
    return `${dev}:${ino}`;
  }

  close(descriptor: Descriptor): void {
    // Not closeSync: in a worker, Node warns of descriptors that it did not open itself.
    this.#close(descriptor);
  }

  watch(descriptor: Descriptor, interest: Interest, callback: () => void): Watch {
    return new PollWatch(descriptor, interest, callback);
  }

  remove(path: string): void {
    rmSync(path, { force: true });
  }

  /** @returns the number of bytes moved, `GONE`, or `undefined` when the socket is not ready. */
  #transfer(
    call: (socket: Descriptor, message: bigint, flags: number) => unknown,
    socket: Descriptor,
    flags: number,
    name: string,
  ): number | undefined {
    for (;;) {
      const count = Number(call(socket, this.#arena.address, flags));
      if (count >= 0) return count;
      const errno = koffi.errno();
      if (errno === this.#errno['EAGAIN']) return undefined;
      if (errno === this.#errno['EPIPE'] || errno === this.#errno['ECONNRESET']) return GONE;
      if (errno !== this.#errno['EINTR']) throw new SystemCallError(name, errno, `socket ${socket}`);
    }
  }

  #check(result: unknown, call: string, about: string): number {
    const value = Number(result);
    if (value >= 0) return value;
    throw new SystemCallError(call, koffi.errno(), about);
  }
}

/** struct sockaddr_un. @throws RangeError for a path that no socket can have. */
function socketAddress(path: string): Uint8Array {
  const name = new TextEncoder().encode(path);
  if (name.length === 0 || name.length >= SUN_PATH_BYTES || name.includes(0)) {
    throw new RangeError(
      `socket path ${JSON.stringify(path)} has ${name.length} bytes; allowed 1 to ${SUN_PATH_BYTES - 1}, none of them 0`,
    );
  }
  const address = new Uint8Array(2 + name.length + 1);
  new DataView(address.buffer).setUint16(0, AF_UNIX, true);
  address.set(name, 2);
  return address;
}
