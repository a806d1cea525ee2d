import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';

/** A UNIX socket to which QEMU connects once. Both sides send lines of text. */
export class LineConnection {
  readonly #server: Server;
  readonly #connected: Promise<unknown>;
  #socket: Socket | undefined;
  #rest = '';
  #lineListener: (line: string) => void = () => undefined;

  private constructor(server: Server) {
    this.#server = server;
    this.#connected = once(server, 'connection');
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

  /** @param listener is called with each line that QEMU sends, without LF. */
  onLine(listener: (line: string) => void): void {
    this.#lineListener = listener;
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
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop()!;
    for (const line of lines) this.#lineListener(line);
  }
}
