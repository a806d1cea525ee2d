import { EINVAL } from './error-number.ts';
import { MalformedMessage } from './malformed-message.ts';
import {
  decodeHeader,
  encodeErrorReply,
  encodeReply,
  HEADER_BYTES,
  peekHeader,
  type MessageHeader,
} from './message-header.ts';
import { MAX_DATA_XFER_SIZE } from './region-access.ts';
import { DescriptorsLost, GONE, type Descriptor, type SystemCalls, type Watch } from './system-calls.ts';

/** How many file descriptors the server takes with one message. */
export const MAX_MSG_FDS = 8;
/** The largest message that the server takes: a REGION_WRITE with as many bytes as it has announced. */
export const MAX_MESSAGE_BYTES = HEADER_BYTES + 16 + MAX_DATA_XFER_SIZE;
/** How many messages are taken at a time before others in the event loop have their turn. */
const TURN = 256;

/** What a command is answered with. */
export interface Reply {
  readonly payload: Uint8Array;
  /** A file that goes along; it stays open here. */
  readonly descriptor?: Descriptor | undefined;
}

/** A message that was refused. */
export interface Refusal {
  /** Any 16-bit number, as it came. */
  readonly command: number;
  readonly errno: number;
  readonly reason: string;
  /** Whether the connection was closed over it. */
  readonly fatal: boolean;
}

/** Who answers the messages of a connection, and hears of its end. */
export interface Protocol {
  /**
   * @param descriptors open for as long as the call lasts
   * @throws MalformedMessage for what is to be answered by an error
   */
  answer(command: number, payload: Uint8Array, descriptors: readonly Descriptor[]): Reply;
  /** After a message was answered; `refusal` when it was answered by an error. */
  answered(refusal: Refusal | undefined): void;
  /** The connection is closed, by the client or over a message. `failure` is a fault of the server's own. */
  ended(failure: unknown): void;
}

/**
 * A connected client: cuts the stream into messages and sends the replies. It holds one message and one reply
 * at a time; while a client does not take its reply, nothing more is read from it.
 */
export class Connection {
  readonly #calls: SystemCalls;
  readonly #socket: Descriptor;
  readonly #protocol: Protocol;
  readonly #watch: Watch;
  readonly #header = new Uint8Array(HEADER_BYTES);
  #message: { readonly header: MessageHeader; readonly payload: Uint8Array } | undefined;
  /** How much there is of the payload, or of the header before it. */
  #filled = 0;
  #descriptors: Descriptor[] = [];
  #reply: { readonly bytes: Uint8Array; readonly descriptor: Descriptor | undefined } | undefined;
  #waitsToSend = false;
  /** The client takes no more replies; what it has sent before is still read. */
  #deaf = false;
  /** Nothing more is read; the socket is closed as soon as the last reply is out. */
  #ending = false;
  #closed = false;
  #busy = false;

  /** @param socket the connection's own from now on */
  constructor(calls: SystemCalls, socket: Descriptor, protocol: Protocol) {
    this.#calls = calls;
    this.#socket = socket;
    this.#protocol = protocol;
    this.#watch = calls.watch(socket, 'readable', () => this.pump(TURN));
  }

  /** Answers what has arrived, `limit` messages at most, and returns without waiting for more. */
  pump(limit: number): void {
    // A listener that is called from here may come back here.
    if (this.#busy || this.#closed) return;
    this.#busy = true;
    try {
      this.#flush();
      for (let taken = 0; taken < limit && this.#reply === undefined && this.#receive(); taken++) {
        this.#answer();
      }
      if (this.#ending && this.#reply === undefined) this.#end(undefined);
    } catch (error) {
      this.#end(error);
    } finally {
      this.#busy = false;
    }
  }

  /** Whether waiting for the client keeps the process alive. */
  keepAlive(whether: boolean): void {
    this.#watch.keepAlive(whether);
  }

  /** Closes the socket; harmless when repeated. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#watch.close();
    this.#dropDescriptors();
    this.#calls.close(this.#socket);
  }

  #end(failure: unknown): void {
    if (this.#closed) return;
    this.close();
    this.#protocol.ended(failure);
  }

  /** Reads until a message is complete. @returns whether one is */
  #receive(): boolean {
    while (!this.#ending && !this.#closed) {
      const target = this.#message?.payload ?? this.#header;
      if (this.#filled < target.length) {
        const count = this.#read(target.subarray(this.#filled));
        if (count === 0) return false;
        if (count === GONE) this.#ending = true;
        else this.#filled += count;
      } else if (this.#message !== undefined) {
        return true;
      } else if (!this.#begin()) {
        return false;
      }
    }
    return false;
  }

  /** Bytes are asked for up to the end of a message only, so that descriptors belong to the one that they came with. */
  #read(into: Uint8Array): number {
    const before = this.#descriptors.length;
    try {
      return this.#calls.receive(this.#socket, into, this.#descriptors, MAX_MSG_FDS - before);
    } catch (error) {
      if (!(error instanceof DescriptorsLost)) throw error;
      this.#ending = true;
      this.#protocol.answered({
        command: this.#message?.header.command ?? 0,
        errno: EINVAL,
        reason: error.message,
        fatal: true,
      });
      return GONE;
    }
  }

  /** The header is complete. @returns whether it makes sense */
  #begin(): boolean {
    try {
      const header = decodeHeader(this.#header, MAX_MESSAGE_BYTES);
      this.#message = { header, payload: new Uint8Array(header.size - HEADER_BYTES) };
      this.#filled = 0;
      return true;
    } catch (error) {
      const refusal = this.#refuse({ ...peekHeader(this.#header), wantsReply: true }, error);
      this.#flush();
      this.#protocol.answered(refusal);
      return false;
    }
  }

  #answer(): void {
    const { header, payload } = this.#message!;
    this.#message = undefined;
    this.#filled = 0;
    let refusal: Refusal | undefined;
    try {
      const reply = this.#protocol.answer(header.command, payload, this.#descriptors);
      if (header.wantsReply) {
        this.#reply = { bytes: encodeReply(header, reply.payload), descriptor: reply.descriptor };
      }
    } catch (error) {
      refusal = this.#refuse(header, error);
    } finally {
      this.#dropDescriptors();
    }
    this.#flush();
    this.#protocol.answered(refusal);
  }

  #refuse(header: Pick<MessageHeader, 'id' | 'command' | 'wantsReply'>, error: unknown): Refusal {
    if (!(error instanceof MalformedMessage)) throw error;
    const { errno, fatal, message: reason } = error;
    this.#ending ||= fatal;
    if (header.wantsReply) this.#reply = { bytes: encodeErrorReply(header, errno), descriptor: undefined };
    return { command: header.command, errno, reason, fatal };
  }

  /** Sends what the client takes of the reply. */
  #flush(): void {
    while (this.#reply !== undefined) {
      const { bytes, descriptor } = this.#reply;
      const count = this.#deaf ? GONE : this.#calls.send(this.#socket, bytes, descriptor);
      this.#deaf = count === GONE;
      if (count === 0) break;
      const done = this.#deaf || count === bytes.length;
      this.#reply = done ? undefined : { bytes: bytes.subarray(count), descriptor: undefined };
    }
    if (this.#waitsToSend === (this.#reply === undefined)) {
      this.#waitsToSend = !this.#waitsToSend;
      this.#watch.until(this.#waitsToSend ? 'writable' : 'readable');
    }
  }

  #dropDescriptors(): void {
    const descriptors = this.#descriptors;
    this.#descriptors = [];
    for (const descriptor of descriptors) this.#calls.close(descriptor);
  }
}
