import {
  GENERIC_IOCTLS,
  iommufdRequest,
  vfioRequest,
  type IommufdRequestName,
  type VfioRequestName,
} from '../host/abi/index.ts';
import type { IoctlCall, KernelAnswer } from './system-call.ts';

/** The lowest byte of a request: architectures differ only in the bits above. */
const lowestByte = (request: number): number => request & 0xff;

/** The number of a request of VFIO in its interface. */
export const vfioNumber = (name: VfioRequestName): number => lowestByte(vfioRequest(name, GENERIC_IOCTLS));

/** The number of a request of iommufd in its interface. */
export const iommufdNumber = (name: IommufdRequestName): number =>
  lowestByte(iommufdRequest(name, GENERIC_IOCTLS));

/** Answers one request. */
export type Handler = (call: IoctlCall) => KernelAnswer;

/** How a file answers requests, by their names. */
export type Handlers<Name extends string> = Readonly<Partial<Record<Name, Handler>>>;

/** How a container or a device of VFIO answers requests, by their names without VFIO_. */
export type VfioHandlers = Handlers<VfioRequestName>;

/** How iommufd answers requests, by their names without IOMMU_. */
export type IommufdHandlers = Handlers<IommufdRequestName>;

/** The handlers of requests by number. @param numberOf the number of a name. */
export const byNumber = <Name extends string>(
  handlers: Handlers<Name>,
  numberOf: (name: Name) => number,
): ReadonlyMap<number, Handler> =>
  new Map(
    (Object.entries(handlers) as [Name, Handler][]).map(([name, handler]) => [numberOf(name), handler]),
  );
