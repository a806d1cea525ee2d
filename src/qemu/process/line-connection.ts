import { createServer, type Server, type Socket } from 'node:net';

/** A UNIX socket to which QEMU connects once. Both sides send lines of text. */
export class LineConnection {
  readonly #server: Server;
  readonly #connected: Promise<Socket>;
  #socket: Socket | undefined;
  #rest = '';
  #lineListener: (line: string) => void = () => undefined;
  #closeListener: () => void = () => undefined;

  /** @param path of the socket. No file may exist there yet. */
  constructor(path: string) {
    this.#server = createServer();
    this.#connected = new Promise((resolve, reject) => {
      this.#server.once('connection', (socket) => {
        this.#adopt(socket);
        resolve(socket);
      });
      this.#server.once('error', reject);
    });
    // An error before `connected` is called must not end this process.
    this.#connected.catch(() => undefined);
    this.#server.listen(path);
  }

  /** Resolves when QEMU can connect. */
  listening(): Promise<void> {
    if (this.#server.listening) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#server.once('listening', resolve);
      this.#server.once('error', reject);
    });
  }

  /** Resolves when QEMU has connected. */
  async connected(): Promise<void> {
    await this.#connected;
  }

  /** @param listener is called with each line that QEMU sends, without LF. */
  onLine(listener: (line: string) => void): void {
    this.#lineListener = listener;
  }

  /** @param listener is called when QEMU closes the connection, or dies. */
  onClose(listener: () => void): void {
    this.#closeListener = listener;
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

  /** Whether the connection keeps this process alive. */
  keepAlive(whether: boolean): void {
    for (const part of [this.#server, this.#socket]) {
      if (whether) part?.ref();
      else part?.unref();
    }
  }

  close(): void {
    this.#closeListener = () => undefined;
    this.#socket?.destroy();
    if (this.#server.listening) this.#server.close();
  }

  #adopt(socket: Socket): void {
    this.#socket = socket;
    // No other program shall connect.
    this.#server.close();
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => this.#receive(text));
    // The socket emits `close` after an error as well.
    socket.on('error', () => undefined);
    socket.on('close', () => this.#closeListener());
  }

  #receive(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop()!;
    for (const line of lines) this.#lineListener(line);
  }
}
