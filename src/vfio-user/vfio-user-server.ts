import { EventEmitter } from 'node:events';
import { ClientSession, type MessageEffect } from './client-session.ts';
import { Connection, type Protocol, type Refusal } from './connection.ts';
import { DeviceBackend } from './device-backend.ts';
import type { DmaContainer, LiveMapping } from './dma-container.ts';
import type { DmaRequest } from './dma-request.ts';
import type { IrqSet } from './irq-set.ts';
import { linuxSystemCalls } from './linux-system-calls.ts';
import type { RegionAccess } from './region-access.ts';
import type { ServedDevice } from './served-device.ts';
import type { Descriptor, SystemCalls, Watch } from './system-calls.ts';
import type { ClientVersion } from './version.ts';

/** The events of a server. It calls the listeners after the reply is on its way. */
export interface VfioUserEvents {
  /** A client has connected. */
  connect: [];
  /** The client has sent VERSION. */
  version: [version: ClientVersion];
  /** A DMA_MAP or DMA_UNMAP, granted or refused by the container. */
  dma: [request: DmaRequest];
  /** The client has set up, disabled or masked interrupts. */
  irqs: [irqs: IrqSet];
  /** The client has written to a region. Region 7 is the configuration space. */
  write: [access: RegionAccess, data: Uint8Array];
  /** The client has reset the device. */
  reset: [];
  /** The server has answered a message by an error, for instance a DMA request that the container refuses. */
  refused: [refusal: Refusal];
  /**
   * The connection has ended.
   *
   * @param left the mappings that the client had not taken away.
   * @param failure present when a fault of the server itself ended the connection.
   */
  disconnect: [left: readonly LiveMapping[], failure: unknown];
}

/** What a server serves, and within which limits. */
export interface VfioUserServerOptions {
  /** The path of the socket, 1 to 107 bytes. `listen` makes the file; none may exist yet. */
  readonly socketPath: string;
  readonly device: ServedDevice;
  /** Makes a new, empty container for each client. */
  readonly container: () => DmaContainer;
  /**
   * How many mappings the server announces as possible. The container may allow fewer. The default is QEMU's limit,
   * 65535.
   */
  readonly maxDmaMaps?: number | undefined;
  /** How many DMA requests the server keeps before it closes the connection. The default is 100000. */
  readonly maxRequests?: number | undefined;
  /** For tests. */
  readonly systemCalls?: SystemCalls | undefined;
}

const MAX_DMA_MAPS = 65535;
const MAX_REQUESTS = 100_000;
/** How many messages one `drain` answers at most, so that it returns although a client never stops sending. */
const DRAIN_LIMIT = 100_000;

/**
 * A vfio-user server: one UNIX socket, one device, one client at a time. The server runs in the event loop of the
 * thread that calls `listen`. No call blocks, and the server starts no threads.
 *
 * A client may send any bytes. The server answers a malformed message by an error or closes the connection. It holds
 * at most one message, one reply, `maxRequests` requests, and the mappings that the container allows.
 */
export class VfioUserServer extends EventEmitter<VfioUserEvents> {
  readonly #options: VfioUserServerOptions;
  readonly #calls: SystemCalls;
  #backend: DeviceBackend | undefined;
  #listener: { readonly socket: Descriptor; readonly watch: Watch } | undefined;
  #client: { readonly connection: Connection; readonly session: ClientSession } | undefined;
  #requests: DmaRequest[] = [];
  #leftBehind: readonly LiveMapping[] = [];

  /** @throws UnsupportedPlatform elsewhere than on 64-bit little-endian Linux. */
  constructor(options: VfioUserServerOptions) {
    super();
    this.#options = options;
    this.#calls = options.systemCalls ?? linuxSystemCalls();
  }

  /** The DMA requests since `listen` or the last `takeRequests`, in the order of arrival, with their answers. */
  get requests(): readonly DmaRequest[] {
    return this.#requests;
  }

  /** The same as `requests`. The server then starts a new list. */
  takeRequests(): readonly DmaRequest[] {
    const requests = this.#requests;
    this.#requests = [];
    return requests;
  }

  /** The mappings of the connected client, by rising IOVA; empty without a client. */
  get live(): readonly LiveMapping[] {
    return this.#client?.session.live ?? [];
  }

  /** The mappings that the last client had not taken away when its connection ended. */
  get leftBehind(): readonly LiveMapping[] {
    return this.#leftBehind;
  }

  /** Whether a client is connected. */
  get connected(): boolean {
    return this.#client !== undefined;
  }

  /**
   * Makes the socket and the memory of the BARs. Clients can connect once the promise resolves.
   *
   * @throws RangeError for a path that no socket can have.
   * @throws SystemCallError for instance when a file exists at the path (EADDRINUSE).
   */
  async listen(): Promise<void> {
    if (this.#listener !== undefined) return;
    const socket = this.#calls.listen(this.#options.socketPath);
    try {
      this.#backend = new DeviceBackend(this.#options.device, this.#calls);
      this.#listener = { socket, watch: this.#calls.watch(socket, 'readable', () => this.#acceptAll()) };
    } catch (error) {
      this.#backend?.close();
      this.#backend = undefined;
      this.#calls.close(socket);
      this.#calls.remove(this.#options.socketPath);
      throw error;
    }
  }

  /**
   * Answers all messages that have arrived, without waiting for the event loop. QEMU waits for the replies to its DMA
   * requests before it answers its monitor, but not for the replies to posted writes.
   */
  drain(): void {
    if (this.#listener !== undefined) this.#acceptAll();
    this.#client?.connection.pump(DRAIN_LIMIT);
  }

  /** Whether the socket and the connection keep the process alive. At first they do. */
  keepAlive(whether: boolean): void {
    this.#listener?.watch.keepAlive(whether);
    this.#client?.connection.keepAlive(whether);
  }

  /** Ends the connection of a client, closes the socket and removes its file. May be called again. */
  async close(): Promise<void> {
    this.#client?.connection.close();
    this.#disconnected(undefined);
    const listener = this.#listener;
    this.#listener = undefined;
    if (listener === undefined) return;
    listener.watch.close();
    this.#calls.close(listener.socket);
    this.#calls.remove(this.#options.socketPath);
    this.#backend?.close();
    this.#backend = undefined;
    // libuv closes its handles at the end of a turn of the event loop.
    await new Promise<void>((resolve) => setImmediate(resolve));
  }

  /** Takes the first client. The server closes the connection of every other client while one is connected. */
  #acceptAll(): void {
    try {
      for (;;) {
        const socket = this.#listener && this.#calls.accept(this.#listener.socket);
        if (socket === undefined) return;
        if (this.#client === undefined) this.#serve(socket);
        else this.#calls.close(socket);
      }
    } catch (error) {
      rethrowLater(error);
    }
  }

  #serve(socket: Descriptor): void {
    const { container, maxDmaMaps = MAX_DMA_MAPS } = this.#options;
    try {
      const session = new ClientSession(
        this.#backend!,
        container(),
        Math.min(maxDmaMaps, MAX_DMA_MAPS),
        this.#calls,
      );
      const protocol: Protocol = {
        answer: (command, payload, descriptors) => session.answer(command, payload, descriptors),
        answered: (refusal) => this.#answered(session, refusal),
        ended: (failure) => this.#disconnected(failure),
      };
      this.#client = { connection: new Connection(this.#calls, socket, protocol), session };
    } catch (error) {
      this.#calls.close(socket);
      throw error;
    }
    this.#notify('connect');
  }

  #answered(session: ClientSession, refusal: Refusal | undefined): void {
    const { effect } = session;
    session.effect = undefined;
    if (effect !== undefined) this.#notifyOf(effect);
    if (refusal !== undefined) this.#notify('refused', refusal);
    if (this.#requests.length >= (this.#options.maxRequests ?? MAX_REQUESTS)) {
      this.#client?.connection.close();
      this.#disconnected(
        new RangeError(
          `the client sent ${this.#requests.length} DMA requests, and takeRequests was not called`,
        ),
      );
    }
  }

  #notifyOf(effect: MessageEffect): void {
    switch (effect.kind) {
      case 'version':
        return this.#notify('version', effect.version);
      case 'dma':
        this.#requests.push(effect.request);
        return this.#notify('dma', effect.request);
      case 'irqs':
        return this.#notify('irqs', effect.irqs);
      case 'write':
        return this.#notify('write', effect.access, effect.data);
      case 'reset':
        return this.#notify('reset');
    }
  }

  #disconnected(failure: unknown): void {
    const client = this.#client;
    if (client === undefined) return;
    this.#client = undefined;
    this.#leftBehind = client.session.live;
    this.#notify('disconnect', this.#leftBehind, failure);
  }

  /** Calls the listeners. An exception of a listener leaves the connection alone and becomes an uncaught exception. */
  #notify<Event extends keyof VfioUserEvents>(event: Event, ...args: VfioUserEvents[Event]): void {
    try {
      (this as EventEmitter).emit(event, ...args);
    } catch (error) {
      rethrowLater(error);
    }
  }
}

function rethrowLater(error: unknown): void {
  setImmediate(() => {
    throw error;
  });
}
