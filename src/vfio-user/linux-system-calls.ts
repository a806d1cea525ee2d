import { fstatSync, rmSync } from 'node:fs';
import { endianness } from 'node:os';
import koffi, { type node } from 'koffi';
import {
  DescriptorsLost,
  GONE,
  SystemCallError,
  type Descriptor,
  type Interest,
  type SystemCalls,
  type Watch,
} from './system-calls.ts';

/** Numbers of the Linux ABI; the same on every 64-bit little-endian architecture that Node runs on. */
const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_CLOEXEC = 0o2000000;
const SOCK_NONBLOCK = 0o4000;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_CTRUNC = 0x8;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x4000_0000;
const MFD_CLOEXEC = 1;

/** Bytes of `sun_path`, the NUL at its end included (unix(7)). */
const SUN_PATH_BYTES = 108;

/** struct msghdr and struct iovec of 64-bit Linux, a control buffer and the data, one behind the other. */
const ARENA = {
  header: 0,
  headerBytes: 56,
  vector: 64,
  control: 128,
  controlBytes: 1024,
  data: 4096,
  dataBytes: 65536,
} as const;
const CMSG_HEADER_BYTES = 16;
const DESCRIPTOR_BYTES = 4;
/** Without the padding behind an odd number of descriptors: the kernel would put one more there. */
const controlBytes = (descriptors: number): number => CMSG_HEADER_BYTES + descriptors * DESCRIPTOR_BYTES;

/** The largest `room` that `receive` takes. */
export const MAX_DESCRIPTORS = (ARENA.controlBytes - CMSG_HEADER_BYTES) / DESCRIPTOR_BYTES;

/** Why there are no sockets here. */
export class UnsupportedPlatform extends Error {
  override readonly name = 'UnsupportedPlatform';
}

let instance: LinuxSystemCalls | undefined;

/**
 * The system calls of this Linux process. There is one object a thread, for ever: koffi does not give
 * functions back, and the buffers that the calls share are a few pages.
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
  /** Memory that does not move, for structures that hold addresses of one another. */
  readonly #arena: Uint8Array;
  readonly #view: DataView;
  readonly #address: bigint;

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

    const bytes = ARENA.data + ARENA.dataBytes;
    const memory: unknown = koffi.alloc('uint8_t', bytes);
    const buffer = koffi.view(memory, bytes);
    this.#arena = new Uint8Array(buffer);
    this.#view = new DataView(buffer);
    this.#address = BigInt(koffi.address(memory));
    this.#arena.fill(0, 0, ARENA.data);
    this.#pointer(ARENA.header + 16, ARENA.vector);
    this.#view.setBigUint64(ARENA.header + 24, 1n, true);
    this.#pointer(ARENA.vector, ARENA.data);
  }

  listen(path: string): Descriptor {
    const name = new TextEncoder().encode(path);
    if (name.length === 0 || name.length >= SUN_PATH_BYTES || name.includes(0)) {
      throw new RangeError(
        `${JSON.stringify(path)} has ${name.length} bytes; the path of a socket has 1 to ${SUN_PATH_BYTES - 1}, none of them 0`,
      );
    }
    const address = new Uint8Array(2 + name.length + 1);
    new DataView(address.buffer).setUint16(0, AF_UNIX, true);
    address.set(name, 2);
    const socket = this.#check(
      this.#socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0),
      'socket',
      path,
    );
    try {
      this.#check(this.#bind(socket, address, address.length), 'bind', path);
      this.#check(this.#listen(socket, 4), 'listen', path);
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
      if (errno !== this.#errno['EINTR'] && errno !== this.#errno['ECONNABORTED']) {
        throw new SystemCallError('accept4', errno, `listener ${listener}`);
      }
    }
  }

  receive(socket: Descriptor, into: Uint8Array, descriptors: Descriptor[], room: number): number {
    const wanted = Math.min(into.length, ARENA.dataBytes);
    this.#setMessage(wanted, room > 0 ? controlBytes(room) : 0);
    const count = this.#transfer(this.#receive, socket, MSG_DONTWAIT | MSG_CMSG_CLOEXEC, 'recvmsg');
    if (count === undefined) return 0;
    if (count <= 0) return GONE;
    this.#takeDescriptors(descriptors);
    if ((this.#view.getInt32(ARENA.header + 48, true) & MSG_CTRUNC) !== 0) throw new DescriptorsLost(room);
    into.set(this.#arena.subarray(ARENA.data, ARENA.data + count));
    return count;
  }

  send(socket: Descriptor, bytes: Uint8Array, descriptor: Descriptor | undefined): number {
    const chunk = bytes.subarray(0, ARENA.dataBytes);
    this.#arena.set(chunk, ARENA.data);
    this.#setMessage(chunk.length, descriptor === undefined ? 0 : controlBytes(1));
    if (descriptor !== undefined) {
      this.#view.setBigUint64(ARENA.control, BigInt(CMSG_HEADER_BYTES + DESCRIPTOR_BYTES), true);
      this.#view.setInt32(ARENA.control + 8, SOL_SOCKET, true);
      this.#view.setInt32(ARENA.control + 12, SCM_RIGHTS, true);
      this.#view.setInt32(ARENA.control + CMSG_HEADER_BYTES, descriptor, true);
    }
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
    // Not node:fs: in a worker it warns of descriptors that it did not open itself.
    this.#close(descriptor);
  }

  watch(descriptor: Descriptor, interest: Interest, callback: () => void): Watch {
    return new PollWatch(descriptor, interest, callback);
  }

  remove(path: string): void {
    rmSync(path, { force: true });
  }

  #pointer(at: number, target: number): void {
    this.#view.setBigUint64(at, this.#address + BigInt(target), true);
  }

  #setMessage(dataBytes: number, control: number): void {
    this.#view.setBigUint64(ARENA.vector + 8, BigInt(dataBytes), true);
    if (control > 0) this.#pointer(ARENA.header + 32, ARENA.control);
    else this.#view.setBigUint64(ARENA.header + 32, 0n, true);
    this.#view.setBigUint64(ARENA.header + 40, BigInt(control), true);
    this.#view.setInt32(ARENA.header + 48, 0, true);
  }

  /** @returns the bytes that were moved, `GONE`, or `undefined` when the socket is not ready */
  #transfer(
    call: (socket: Descriptor, message: bigint, flags: number) => unknown,
    socket: Descriptor,
    flags: number,
    name: string,
  ): number | undefined {
    for (;;) {
      const count = Number(call(socket, this.#address + BigInt(ARENA.header), flags));
      if (count >= 0) return count;
      const errno = koffi.errno();
      if (errno === this.#errno['EAGAIN']) return undefined;
      if (errno === this.#errno['EPIPE'] || errno === this.#errno['ECONNRESET']) return GONE;
      if (errno !== this.#errno['EINTR']) throw new SystemCallError(name, errno, `socket ${socket}`);
    }
  }

  /** Collects the descriptors of every SCM_RIGHTS message in the control buffer; there is nothing else to come. */
  #takeDescriptors(descriptors: Descriptor[]): void {
    const end = ARENA.control + Number(this.#view.getBigUint64(ARENA.header + 40, true));
    for (let at = ARENA.control as number; at + CMSG_HEADER_BYTES <= end;) {
      const length = Number(this.#view.getBigUint64(at, true));
      if (length < CMSG_HEADER_BYTES) return;
      const level = this.#view.getInt32(at + 8, true);
      const type = this.#view.getInt32(at + 12, true);
      if (level === SOL_SOCKET && type === SCM_RIGHTS) {
        const last = Math.min(at + length, end) - DESCRIPTOR_BYTES;
        for (let one = at + CMSG_HEADER_BYTES; one <= last; one += DESCRIPTOR_BYTES) {
          descriptors.push(this.#view.getInt32(one, true));
        }
      }
      at += Math.ceil(length / 8) * 8;
    }
  }

  #check(result: unknown, call: string, about: string): number {
    const value = Number(result);
    if (value >= 0) return value;
    throw new SystemCallError(call, koffi.errno(), about);
  }
}

/** A descriptor in the event loop of this thread (libuv's uv_poll, through koffi). */
class PollWatch implements Watch {
  readonly #callback: () => void;
  #interest: Interest;
  #handle: node.PollHandle | undefined;

  constructor(descriptor: Descriptor, interest: Interest, callback: () => void) {
    this.#callback = callback;
    this.#interest = interest;
    this.#handle = koffi.node.poll(descriptor, options(interest), this.#ready);
  }

  /**
   * @param status 0, or the error that made libuv stop looking: a client that went away without reading its replies
   *   (ECONNRESET). There may still be messages of it to be read, so the callback is told again.
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
    // A handle that is closed must never be touched again: koffi would hand libuv a null pointer.
    const handle = this.#handle;
    this.#handle = undefined;
    handle?.close();
  }
}

const options = (interest: Interest): { readable: boolean; writable: boolean } => ({
  readable: interest === 'readable',
  writable: interest === 'writable',
});
