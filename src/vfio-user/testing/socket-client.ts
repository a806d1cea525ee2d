import { closeSync } from 'node:fs';
import koffi from 'koffi';

const iovec = koffi.struct({ base: 'uint8_t *', length: 'size_t' });
const msghdr = koffi.struct({
  name: 'void *',
  nameLength: 'uint32_t',
  vectors: koffi.pointer(iovec),
  vectorCount: 'size_t',
  control: 'uint8_t *',
  controlLength: 'size_t',
  flags: 'int',
});

const libc = koffi.load(null);
const call = {
  socket: libc.func('int socket(int, int, int)'),
  connect: libc.func('int connect(int, const uint8_t *, uint32_t)'),
  sendmsg: libc.func('sendmsg', 'int64_t', ['int', koffi.pointer(msghdr), 'int']),
  recvmsg: libc.func('recvmsg', 'int64_t', ['int', koffi.inout(koffi.pointer(msghdr)), 'int']),
};

/**
 * A client over a real socket. It shares no code with the server's system calls: koffi builds its structures. No
 * call blocks, because client and server run in one process.
 */
export class SocketClient {
  readonly descriptor: number;
  /** Descriptors that came with replies. `close` closes them. */
  readonly files: number[] = [];
  #rest = Buffer.alloc(0);

  constructor(path: string) {
    this.descriptor = call.socket(1, 0o2000001, 0);
    const address = Buffer.concat([Buffer.from([1, 0]), Buffer.from(path), Buffer.from([0])]);
    if (call.connect(this.descriptor, address, address.length) !== 0) {
      throw new Error(`connect: errno ${koffi.errno()}`);
    }
  }

  /** @returns how many bytes were sent, or the negative error number. */
  send(data: Uint8Array, files: readonly number[] = []): number {
    const control = Buffer.alloc(files.length > 0 ? 16 + Math.ceil(files.length / 2) * 8 : 0);
    if (files.length > 0) {
      control.writeBigUInt64LE(BigInt(16 + 4 * files.length), 0);
      control.writeInt32LE(1, 8);
      control.writeInt32LE(1, 12);
      files.forEach((file, index) => control.writeInt32LE(file, 16 + 4 * index));
    }
    const header = {
      name: null,
      nameLength: 0,
      vectors: [{ base: Buffer.from(data), length: data.length }],
      vectorCount: 1,
      control: files.length > 0 ? control : null,
      controlLength: control.length,
      flags: 0,
    };
    const count = Number(call.sendmsg(this.descriptor, header, 0x4040));
    return count >= 0 ? count : -koffi.errno();
  }

  /** The bytes that have arrived, possibly none; `undefined` when the server has closed the connection. */
  receive(): Uint8Array | undefined {
    const data = Buffer.alloc(65536);
    const control = Buffer.alloc(64);
    const message = {
      name: null,
      nameLength: 0,
      vectors: [{ base: data, length: data.length }],
      vectorCount: 1,
      control,
      controlLength: control.length,
      flags: 0,
    };
    const count = Number(call.recvmsg(this.descriptor, message, 0x4000_0040));
    if (count < 0) return koffi.errno() === koffi.os.errno['EAGAIN'] ? new Uint8Array(0) : undefined;
    if (count === 0) return undefined;
    if (message.controlLength >= 20) {
      const end = Number(control.readBigUInt64LE(0));
      for (let at = 16; at < end; at += 4) this.files.push(control.readInt32LE(at));
    }
    return new Uint8Array(data.subarray(0, count));
  }

  /** The next reply. @throws Error after five seconds, and when the server closes the connection. */
  async reply(): Promise<Uint8Array> {
    const deadline = performance.now() + 5000;
    for (;;) {
      const size = this.#rest.length >= 16 ? this.#rest.readUInt32LE(4) : 16;
      if (this.#rest.length >= Math.max(16, size)) {
        const reply = new Uint8Array(this.#rest.subarray(0, size));
        this.#rest = this.#rest.subarray(size);
        return reply;
      }
      const more = this.receive();
      if (more === undefined) throw new Error('the server has closed the connection');
      if (performance.now() > deadline) throw new Error('no reply in five seconds');
      if (more.length === 0) await new Promise<void>((resolve) => setImmediate(resolve));
      else this.#rest = Buffer.concat([this.#rest, more]);
    }
  }

  /** Sends a message and waits for its reply. */
  async ask(data: Uint8Array, files?: readonly number[]): Promise<Uint8Array> {
    this.send(data, files);
    return this.reply();
  }

  /** Waits until the server has closed the connection. */
  async closedByServer(): Promise<void> {
    const deadline = performance.now() + 5000;
    while (this.receive() !== undefined) {
      if (performance.now() > deadline) throw new Error('the connection is still open after five seconds');
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  close(): void {
    closeSync(this.descriptor);
    for (const file of this.files.splice(0)) closeSync(file);
  }
}
