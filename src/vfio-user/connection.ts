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
/** Bytes of the largest message that the server takes: a REGION_WRITE of MAX_DATA_XFER_SIZE bytes. */
export const MAX_MESSAGE_BYTES = HEADER_BYTES + 16 + MAX_DATA_XFER_SIZE;
/** How many messages one turn of the event loop answers, so that other sockets are served in between. */
const MESSAGES_PER_TURN = 256;

/** The answer to a command. */
export interface Reply {
  readonly payload: Uint8Array;
  /** A file for the client. It stays open in the server. */
  readonly descriptor?: Descriptor | undefined;
}

/** A message that the server answered by an error. */
export interface Refusal {
  /** The command of the message: any 16-bit number. */
  readonly command: number;
  /** The positive error number of the reply. */
  readonly errno: number;
  readonly reason: string;
  /** Whether the server closed the connection because of it. */
  readonly fatal: boolean;
}

/** Answers the messages of a connection, and is called when the connection ends. */
export interface Protocol {
  /**
   * @param descriptors came with the message. They stay open until the call returns.
   * @throws MalformedMessage to answer by an error.
   */
  answer(command: number, payload: Uint8Array, descriptors: readonly Descriptor[]): Reply;
  /** Called after the reply to a message. @param refusal present when the reply was an error. */
  answered(refusal: Refusal | undefined): void;
  /**
   * Called when the client has closed the connection, or the server has because of a message.
   *
   * @param failure present when a fault of the server itself ended the connection.
   */
  ended(failure: unknown): void;
}

/**
 * A connected client: cuts its stream into messages and sends the replies. A connection holds one message and one
 * reply at a time. While the client does not take the reply, the server reads nothing more from it.
 */
export class Connection {
  readonly #calls: SystemCalls;
  readonly #socket: Descriptor;
  readonly #protocol: Protocol;
  readonly #watch: Watch;
  readonly #header = new Uint8Array(HEADER_BYTES);
  #message: { readonly header: MessageHeader; readonly payload: Uint8Array } | undefined;
  /** How many bytes of the payload have arrived; of the header, while there is no message. */
  #filled = 0;
  #descriptors: Descriptor[] = [];
  #reply: { readonly bytes: Uint8Array; readonly descriptor: Descriptor | undefined } | undefined;
  #waitsToSend = false;
  /** The client takes no more replies. The server still reads what the client sent before. */
  #deaf = false;
  /** The server reads nothing more and closes the socket once the last reply is out. */
  #ending = false;
  #closed = false;
  #busy = false;

  /** @param socket the connection closes it. */
  constructor(calls: SystemCalls, socket: Descriptor, protocol: Protocol) {
    this.#calls = calls;
    this.#socket = socket;
    this.#protocol = protocol;
    this.#watch = calls.watch(socket, 'readable', () => this.pump(MESSAGES_PER_TURN));
  }

  /** Answers the messages that have arrived, at most `limit`, and returns without waiting for more. */
  pump(limit: number): void {
    // A listener of the server may call `drain` from within a message, which leads here again.
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

  /** Closes the socket. May be called again. */
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

  /** Reads until a message is complete. @returns whether a message is complete. */
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

  /** Reads no further than the end of a message, so that descriptors stay with the message that they came with. */
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

  /** Decodes a complete header. @returns whether the header is valid. */
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

  /** Sends as much of the reply as the socket takes. */
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
