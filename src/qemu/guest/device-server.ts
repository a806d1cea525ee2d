import type { Iova, Size } from '../../address/index.ts';
import type { Errno } from '../../host/index.ts';
import type { DeviceSpec, Scenario } from '../../scenario/index.ts';

/** A VFIO_USER_DMA_MAP or VFIO_USER_DMA_UNMAP, and how it was answered. */
export interface ServedRequest {
  readonly kind: 'map' | 'unmap';
  readonly iova: Iova;
  readonly size: Size;
  /** Without the write flag. */
  readonly readonly: boolean;
  /** Where in the file that came along the mapping begins; nothing where no file did. */
  readonly fileOffset: bigint | undefined;
  readonly errno: Errno;
}

/** A device that is served to one QEMU over a UNIX socket. */
export interface DeviceServer {
  /** The DMA requests since the last call, in the order of arrival. */
  takeRequests(): readonly ServedRequest[];
  /** Answers all that has arrived by now. @throws whatever went wrong in the server itself. */
  settle(): void;
  /** Whether QEMU has closed the connection. */
  readonly disconnected: boolean;
  /** Whether it keeps this process alive. */
  keepAlive(whether: boolean): void;
  /** Ends the connection and removes the socket. */
  close(): Promise<void>;
}

/** Serves a device of a scenario at a socket; resolves when QEMU can connect. */
export type ServeDevice = (
  socketPath: string,
  device: DeviceSpec,
  scenario: Scenario,
) => Promise<DeviceServer>;
