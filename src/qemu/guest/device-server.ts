import type { Iova, Size } from '../../address/index.ts';
import type { Errno } from '../../host/index.ts';
import type { DeviceSpec, Scenario } from '../../scenario/index.ts';

/** A VFIO_USER_DMA_MAP or VFIO_USER_DMA_UNMAP of QEMU, and the server's answer. */
export interface ServedRequest {
  readonly kind: 'map' | 'unmap';
  readonly iova: Iova;
  readonly size: Size;
  /** Whether a map leaves the device no right to write. */
  readonly readonly: boolean;
  /** Where in QEMU's file the memory begins. Absent for an unmap, and for memory without a file. */
  readonly fileOffset: bigint | undefined;
  readonly errno: Errno;
}

/** The server of one device for one QEMU, over a UNIX socket. */
export interface DeviceServer {
  /** The DMA requests since the last call, in the order of their arrival. */
  takeRequests(): readonly ServedRequest[];
  /** Answers all messages that have arrived. @throws the error that ended the connection, if the server had one. */
  settle(): void;
  /** Whether QEMU has closed the connection. */
  readonly disconnected: boolean;
  /** Whether the server keeps this process alive. */
  keepAlive(whether: boolean): void;
  /** Ends the connection and removes the socket. */
  close(): Promise<void>;
}

/** Serves a device of a scenario at a socket. The promise resolves once QEMU can connect. */
export type ServeDevice = (
  socketPath: string,
  device: DeviceSpec,
  scenario: Scenario,
) => Promise<DeviceServer>;
