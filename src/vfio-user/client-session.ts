import { hex } from '../address/index.ts';
import { type Reply, MAX_MSG_FDS } from './connection.ts';
import { decodeDeviceInfo, encodeDeviceInfo } from './device-info.ts';
import { REGION_COUNT, type DeviceBackend } from './device-backend.ts';
import { decodeDmaMap, decodeDmaUnmap, DmaMapFlag, DmaUnmapFlag } from './dma.ts';
import type { DmaContainer, LiveMapping } from './dma-container.ts';
import type { DmaRequest } from './dma-request.ts';
import { EINVAL, EOPNOTSUPP } from './error-number.ts';
import { decodeIrqInfoQuery, encodeIrqInfo } from './irq-info.ts';
import { decodeIrqSet, type IrqSet } from './irq-set.ts';
import { MalformedMessage } from './malformed-message.ts';
import { Command, commandName, isCommand } from './message-header.ts';
import {
  decodeRegionRead,
  decodeRegionWrite,
  encodeRegionAccess,
  MAX_DATA_XFER_SIZE,
  type RegionAccess,
} from './region-access.ts';
import { decodeRegionInfoQuery, encodeRegionInfo } from './region-info.ts';
import type { Descriptor, SystemCalls } from './system-calls.ts';
import { decodeVersion, encodeVersion, MINOR_VERSION, type ClientVersion } from './version.ts';

/** The change that a message made. */
export type MessageEffect =
  | { readonly kind: 'version'; readonly version: ClientVersion }
  | { readonly kind: 'dma'; readonly request: DmaRequest }
  | { readonly kind: 'irqs'; readonly irqs: IrqSet }
  | { readonly kind: 'write'; readonly access: RegionAccess; readonly data: Uint8Array }
  | { readonly kind: 'reset' };

const NOTHING = new Uint8Array(0);

/** Carries out the messages of one client on the device and on the client's container. */
export class ClientSession {
  readonly #device: DeviceBackend;
  readonly #container: DmaContainer;
  readonly #maxDmaMaps: number;
  readonly #calls: SystemCalls;
  #client: ClientVersion | undefined;
  /** The change of the latest message, if the message made one. The server takes it and clears it. */
  effect: MessageEffect | undefined;

  /** @param container new and empty. */
  constructor(device: DeviceBackend, container: DmaContainer, maxDmaMaps: number, calls: SystemCalls) {
    this.#device = device;
    this.#container = container;
    this.#maxDmaMaps = maxDmaMaps;
    this.#calls = calls;
  }

  /** The mappings in force, by rising IOVA. */
  get live(): readonly LiveMapping[] {
    return this.#container.mappings();
  }

  /**
   * Carries out a command.
   *
   * @throws MalformedMessage with the error number for the reply.
   */
  answer(command: number, payload: Uint8Array, descriptors: readonly Descriptor[]): Reply {
    this.#checkTurn(command);
    if (descriptors.length > 0 && command !== Command.DMA_MAP && command !== Command.DEVICE_SET_IRQS) {
      throw new MalformedMessage(
        `${commandName(command)}: file descriptors came along, allowed none`,
        EINVAL,
      );
    }
    switch (command) {
      case Command.VERSION:
        return { payload: this.#negotiate(payload) };
      case Command.DMA_MAP:
        return { payload: this.#map(payload, descriptors) };
      case Command.DMA_UNMAP:
        return { payload: this.#unmap(payload) };
      case Command.DEVICE_GET_INFO:
        decodeDeviceInfo(payload);
        return { payload: encodeDeviceInfo(REGION_COUNT, this.#device.irqCounts.length) };
      case Command.DEVICE_GET_REGION_INFO:
        return this.#regionInfo(payload);
      case Command.DEVICE_GET_IRQ_INFO:
        return { payload: this.#irqInfo(payload) };
      case Command.DEVICE_SET_IRQS: {
        const irqs = decodeIrqSet(payload, this.#device.irqCounts, descriptors.length);
        this.effect = { kind: 'irqs', irqs };
        return { payload: NOTHING };
      }
      case Command.REGION_READ: {
        const access = decodeRegionRead(payload);
        return { payload: encodeRegionAccess(access, this.#device.read(access)) };
      }
      case Command.REGION_WRITE: {
        const { data, ...access } = decodeRegionWrite(payload);
        this.#device.write(access, data);
        this.effect = { kind: 'write', access, data };
        return { payload: encodeRegionAccess(access, NOTHING) };
      }
      case Command.DEVICE_RESET:
        if (payload.length > 0)
          throw new MalformedMessage(`DEVICE_RESET: payload of ${payload.length} bytes, allowed 0`, EINVAL);
        this.#device.reset();
        this.effect = { kind: 'reset' };
        return { payload: NOTHING };
      default:
        throw isCommand(command)
          ? new MalformedMessage(
              `${commandName(command)}: the server does not offer this command`,
              EOPNOTSUPP,
            )
          : new MalformedMessage(`${commandName(command)}: the protocol has no such command`, EINVAL);
    }
  }

  /** The first message must be VERSION, and VERSION must come only once. */
  #checkTurn(command: number): void {
    if (this.#client === undefined && command !== Command.VERSION) {
      throw new MalformedMessage(`${commandName(command)}: sent before VERSION`, EINVAL, true);
    }
    if (this.#client !== undefined && command === Command.VERSION) {
      throw new MalformedMessage('VERSION: sent twice', EINVAL);
    }
  }

  #negotiate(payload: Uint8Array): Uint8Array {
    const version = decodeVersion(payload);
    this.#client = version;
    this.effect = { kind: 'version', version };
    return encodeVersion({
      minor: Math.min(version.minor, MINOR_VERSION),
      maxMsgFds: MAX_MSG_FDS,
      maxDataXferSize: MAX_DATA_XFER_SIZE,
      pgsizes: this.#container.pageSizes,
      maxDmaMaps: this.#maxDmaMaps,
    });
  }

  #map(payload: Uint8Array, descriptors: readonly Descriptor[]): Uint8Array {
    const { flags, offset: fileStart, iova, size } = decodeDmaMap(payload);
    if (descriptors.length > 1) {
      throw new MalformedMessage(`DMA_MAP: ${descriptors.length} files, allowed one`, EINVAL);
    }
    const [descriptor] = descriptors;
    const readonly = (flags & DmaMapFlag.WRITE) === 0;
    const file = descriptor === undefined ? undefined : this.#calls.identity(descriptor);
    const fileOffset = descriptor === undefined ? undefined : fileStart;
    const errno = this.#container.map({ iova, size, readonly, file, fileOffset });
    this.#record({ kind: 'map', iova, size, readonly, fileOffset, flags, answer: answerOf(errno) });
    // The reply to DMA_MAP has no payload.
    return NOTHING;
  }

  #unmap(payload: Uint8Array): Uint8Array {
    const { flags, iova, size } = decodeDmaUnmap(payload);
    const errno = flags === DmaUnmapFlag.ALL ? this.#unmapAll() : this.#container.unmap(iova, size);
    const answer = answerOf(errno);
    this.#record({ kind: 'unmap', iova, size, readonly: false, fileOffset: undefined, flags, answer });
    return payload;
  }

  #unmapAll(): number {
    for (const { iova, size } of this.#container.mappings()) {
      const errno = this.#container.unmap(iova, size);
      if (errno !== 0) return errno;
    }
    return 0;
  }

  /** Records a request, also one that the container refuses; a refusal then goes out as an error. */
  #record(request: DmaRequest): void {
    this.effect = { kind: 'dma', request };
    const { kind, iova, size, answer } = request;
    if (answer !== 'ok') {
      throw new MalformedMessage(
        `DMA_${kind.toUpperCase()}: the container refuses ${hex(size)} bytes at IOVA ${hex(iova)}`,
        answer,
      );
    }
  }

  #regionInfo(payload: Uint8Array): Reply {
    const query = decodeRegionInfoQuery(payload);
    const info = this.#device.regionInfo(query.index);
    if (info === undefined) {
      throw new MalformedMessage(
        `DEVICE_GET_REGION_INFO: index ${query.index}, allowed 0 to ${REGION_COUNT - 1}`,
        EINVAL,
      );
    }
    // A client that takes no descriptors cannot be given the file that it would mmap.
    const mmap = info.flags.mmap && this.#client!.maxMsgFds > 0;
    const { payload: reply, complete } = encodeRegionInfo(query, { ...info, flags: { ...info.flags, mmap } });
    const descriptor = complete && mmap ? this.#device.file(query.index) : undefined;
    return { payload: reply, descriptor };
  }

  #irqInfo(payload: Uint8Array): Uint8Array {
    const index = decodeIrqInfoQuery(payload);
    const count = this.#device.irqCounts[index];
    if (count === undefined) {
      throw new MalformedMessage(
        `DEVICE_GET_IRQ_INFO: index ${index}, allowed 0 to ${this.#device.irqCounts.length - 1}`,
        EINVAL,
      );
    }
    return encodeIrqInfo(index, count);
  }
}

const answerOf = (errno: number): DmaRequest['answer'] => (errno === 0 ? 'ok' : errno);
