import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { readRequest, writeAnswer } from './frame.ts';
import type { KernelAnswer, SystemCall } from '../../kernel/index.ts';

/** Answers one system call; nothing for a call that never returns. */
export type AnswerCall = (call: SystemCall) => KernelAnswer | undefined;

/** The socket at which the shim in QEMU asks. Each process that QEMU starts makes a connection of its own. */
export class KernelConnection {
  readonly #server: Server;
  readonly #answer: AnswerCall;
  readonly #sockets = new Set<Socket>();
  #failure: unknown;

  private constructor(server: Server, answer: AnswerCall) {
    this.#server = server;
    this.#answer = answer;
    server.on('connection', (socket) => this.#adopt(socket));
  }

  /** Makes the socket. @param path no file may exist there yet. */
  static async listen(path: string, answer: AnswerCall): Promise<KernelConnection> {
    const server = createServer();
    server.listen(path);
    await once(server, 'listening');
    return new KernelConnection(server, answer);
  }

  /** @throws the error that ended a connection: a fault of barproof, which must not count as one of QEMU. */
  throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Whether the connection keeps this process alive. */
  keepAlive(whether: boolean): void {
    for (const part of [this.#server, ...this.#sockets]) {
      if (whether) part.ref();
      else part.unref();
    }
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    if (this.#server.listening) this.#server.close();
  }

  #adopt(socket: Socket): void {
    this.#sockets.add(socket);
    let received: Buffer = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
      try {
        for (let next = readRequest(received); next !== undefined; next = readRequest(received)) {
          received = next.rest;
          const answer = this.#answer(next.call);
          if (answer !== undefined) socket.write(writeAnswer(answer));
        }
      } catch (error) {
        this.#failure ??= error;
        socket.destroy();
      }
    });
    // The end of QEMU has a reason of its own, which the process reports.
    socket.on('error', () => undefined);
    socket.on('close', () => this.#sockets.delete(socket));
  }
}
