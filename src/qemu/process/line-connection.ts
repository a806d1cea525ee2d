import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { QemuError } from './qemu-error.ts';

/** The longest line that is read, in characters. `info mtree` of a large machine has some million. */
const MAX_LINE_LENGTH = 64 << 20;

/** A UNIX socket to which QEMU connects once. Both sides send lines of text. */
export class LineConnection {
  readonly #server: Server;
  readonly #connected: Promise<unknown>;
  #socket: Socket | undefined;
  /** The pieces of the line that has not ended yet. */
  #pieces: string[] = [];
  #length = 0;
  #onLine: (line: string) => void = () => undefined;
  #onFailure: (error: QemuError) => void = () => undefined;

  private constructor(server: Server) {
    this.#server = server;
    this.#connected = once(server, 'connection');
    // `connected` gives the error to its caller, who may call later.
    this.#connected.catch(() => undefined);
    server.once('connection', (socket) => this.#adopt(socket));
  }

  /** Makes the socket; QEMU can then connect. @param path no file may exist there yet. */
  static async listen(path: string): Promise<LineConnection> {
    const server = createServer();
    server.listen(path);
    await once(server, 'listening');
    return new LineConnection(server);
  }

  /** Resolves when QEMU has connected. */
  async connected(): Promise<void> {
    await this.#connected;
  }

  /**
   * @param onLine is called with each line that QEMU sends, without LF.
   * @param onFailure is called when QEMU sends a line of more than 64 Mi characters. The connection is then closed.
   */
  onLine(onLine: (line: string) => void, onFailure: (error: QemuError) => void): void {
    this.#onLine = onLine;
    this.#onFailure = onFailure;
  }

  /**
   * Sends text, whose lines end with LF. Texts of one turn of the event loop go out in one write, because every write
   * wakes QEMU.
   */
  send(text: string): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    if (socket.writableCorked === 0) {
      socket.cork();
      process.nextTick(() => socket.uncork());
    }
    socket.write(text);
  }

  /** Sets whether the connection keeps this process alive. */
  keepAlive(whether: boolean): void {
    for (const part of [this.#server, this.#socket]) {
      if (whether) part?.ref();
      else part?.unref();
    }
  }

  close(): void {
    this.#socket?.destroy();
    if (this.#server.listening) this.#server.close();
  }

  #adopt(socket: Socket): void {
    this.#socket = socket;
    // No other program shall connect.
    this.#server.close();
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => this.#receive(text));
    // The end of the QEMU process reports the reason, so the socket error is ignored.
    socket.on('error', () => undefined);
  }

  #receive(text: string): void {
    const [first = '', ...others] = text.split('\n');
    this.#append(first);
    for (const other of others) {
      const line = this.#pieces.join('');
      this.#pieces = [];
      this.#length = 0;
      this.#onLine(line);
      this.#append(other);
    }
  }

  /** Long lines come in many pieces. They are joined once, at the end of the line. */
  #append(piece: string): void {
    this.#pieces.push(piece);
    this.#length += piece.length;
    if (this.#length <= MAX_LINE_LENGTH) return;
    const start = this.#pieces[0]!;
    this.#pieces = [];
    this.#length = 0;
    this.#socket?.destroy();
    this.#onFailure(new QemuError(`a line of more than ${MAX_LINE_LENGTH} characters`, start));
  }
}
