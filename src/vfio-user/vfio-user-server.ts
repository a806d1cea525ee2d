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

/** What a client did. Listeners are called after the reply is on its way. */
export interface VfioUserEvents {
  connect: [];
  /** The client has introduced itself. */
  version: [version: ClientVersion];
  /** A DMA_MAP or DMA_UNMAP, granted or refused by the host's rules. */
  dma: [request: DmaRequest];
  irqs: [irqs: IrqSet];
  /** A write to a region; region 7 is the configuration space. */
  write: [access: RegionAccess, data: Uint8Array];
  reset: [];
  /** A message that was answered by an error, DMA requests that the host refuses among them. */
  refused: [refusal: Refusal];
  /** A client is gone; `failure` when it was a fault of the server's own that ended the connection. */
  disconnect: [left: readonly LiveMapping[], failure: unknown];
}

export interface VfioUserServerOptions {
  /** Where the socket is to be; nothing must be there yet. At most 107 bytes. */
  readonly socketPath: string;
  readonly device: ServedDevice;
  /** Makes the host's side of a container for each new client; its page sizes are announced. */
  readonly container: () => DmaContainer;
  /** How many mappings are announced as possible, whatever the host's side allows. 65535, QEMU's limit, by default. */
  readonly maxDmaMaps?: number | undefined;
  /** How many DMA requests are kept before a client is shut out; a VMM does not come near the default. */
  readonly maxRequests?: number | undefined;
  /** For tests. */
  readonly systemCalls?: SystemCalls | undefined;
}

const MAX_DMA_MAPS = 65535;
const MAX_REQUESTS = 100_000;
/** How many messages one `drain` answers at most: a client that sends for ever must not hold the caller for ever. */
const DRAIN_LIMIT = 100_000;

/**
 * A vfio-user server: one UNIX socket, one device, one client at a time. It lives in the event loop of the thread
 * that calls `listen`; no call blocks and there are no threads.
 *
 * A client may send anything: what is malformed is answered by an error or ends the connection, and memory is
 * bounded by one message, one reply, `maxRequests` requests and what the host's side allows in mappings.
 */
export class VfioUserServer extends EventEmitter<VfioUserEvents> {
  readonly #options: VfioUserServerOptions;
  readonly #calls: SystemCalls;
  #state: DeviceBackend | undefined;
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

  /** Every DMA request since the start or the last `takeRequests`, in order of arrival, with the answer given. */
  get requests(): readonly DmaRequest[] {
    return this.#requests;
  }

  /** Returns `requests` and starts a new list. */
  takeRequests(): readonly DmaRequest[] {
    const requests = this.#requests;
    this.#requests = [];
    return requests;
  }

  /** The mappings of the client that is connected, by rising IOVA; none when there is no client. */
  get live(): readonly LiveMapping[] {
    return this.#client?.session.live ?? [];
  }

  /** The mappings that the last client to go had not taken away. */
  get leftBehind(): readonly LiveMapping[] {
    return this.#leftBehind;
  }

  /** Whether a client is connected. */
  get connected(): boolean {
    return this.#client !== undefined;
  }

  /**
   * Makes the socket and the memory of the BARs. When the promise resolves, clients can connect.
   *
   * @throws RangeError for a path that no socket can have
   * @throws SystemCallError for instance when there is a file at the path (EADDRINUSE)
   */
  async listen(): Promise<void> {
    if (this.#listener !== undefined) return;
    const socket = this.#calls.listen(this.#options.socketPath);
    try {
      this.#state = new DeviceBackend(this.#options.device, this.#calls);
      this.#listener = { socket, watch: this.#calls.watch(socket, 'readable', () => this.#acceptAll()) };
    } catch (error) {
      this.#state?.close();
      this.#state = undefined;
      this.#calls.close(socket);
      this.#calls.remove(this.#options.socketPath);
      throw error;
    }
  }

  /**
   * Answers everything that has arrived up to now. A VMM that waits for the answers to its DMA requests has none
   * outstanding when it answers a monitor; what it does not wait for (posted writes) is fetched by this.
   */
  drain(): void {
    if (this.#listener !== undefined) this.#acceptAll();
    this.#client?.connection.pump(DRAIN_LIMIT);
  }

  /** Whether waiting for clients and their messages keeps the process alive; it does at first. */
  keepAlive(whether: boolean): void {
    this.#listener?.watch.keepAlive(whether);
    this.#client?.connection.keepAlive(whether);
  }

  /** Closes everything and removes the socket's file; harmless when repeated. A client that is connected gets no farewell. */
  async close(): Promise<void> {
    this.#client?.connection.close();
    this.#disconnected(undefined);
    const listener = this.#listener;
    this.#listener = undefined;
    if (listener === undefined) return;
    listener.watch.close();
    this.#calls.close(listener.socket);
    this.#calls.remove(this.#options.socketPath);
    this.#state?.close();
    this.#state = undefined;
    // The event loop lets go of what it watched at the end of its turn.
    await new Promise<void>((resolve) => setImmediate(resolve));
  }

  /** One client at a time: whoever else comes is turned away at once. */
  #acceptAll(): void {
    try {
      for (;;) {
        const socket = this.#listener && this.#calls.accept(this.#listener.socket);
        if (socket === undefined) return;
        if (this.#client === undefined) this.#welcome(socket);
        else this.#calls.close(socket);
      }
    } catch (error) {
      rethrowLater(error);
    }
  }

  #welcome(socket: Descriptor): void {
    const { container, maxDmaMaps = MAX_DMA_MAPS } = this.#options;
    try {
      const session = new ClientSession(
        this.#state!,
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
    this.#tell('connect');
  }

  #answered(session: ClientSession, refusal: Refusal | undefined): void {
    const { effect } = session;
    session.effect = undefined;
    if (effect !== undefined) this.#tellEffect(effect);
    if (refusal !== undefined) this.#tell('refused', refusal);
    if (this.#requests.length >= (this.#options.maxRequests ?? MAX_REQUESTS)) {
      this.#client?.connection.close();
      this.#disconnected(
        new RangeError(`more than ${this.#requests.length} DMA requests, and nobody took them`),
      );
    }
  }

  #tellEffect(effect: MessageEffect): void {
    switch (effect.kind) {
      case 'version':
        return this.#tell('version', effect.version);
      case 'dma':
        this.#requests.push(effect.request);
        return this.#tell('dma', effect.request);
      case 'irqs':
        return this.#tell('irqs', effect.irqs);
      case 'write':
        return this.#tell('write', effect.access, effect.data);
      case 'reset':
        return this.#tell('reset');
    }
  }

  #disconnected(failure: unknown): void {
    const client = this.#client;
    if (client === undefined) return;
    this.#client = undefined;
    this.#leftBehind = client.session.live;
    this.#tell('disconnect', this.#leftBehind, failure);
  }

  /** A listener that throws must not harm the talk with the client: it is heard of as if it had run on its own. */
  #tell<Event extends keyof VfioUserEvents>(event: Event, ...args: VfioUserEvents[Event]): void {
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
