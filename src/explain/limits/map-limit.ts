import {
  LAST_ADDRESS,
  hex,
  hostAddress,
  iova,
  isAligned,
  offset,
  smallestPage,
} from '../../address/index.ts';
import { errnoName } from '../../host/index.ts';
import { makeHostIommu } from '../../model/index.ts';
import { bytes } from '../../report/index.ts';
import type { ApertureSpec, IommuTypeName, NamedHost } from '../../scenario/index.ts';
import { hostScenario } from './host-scenario.ts';

/** Which kind of limit a DMA map crosses. */
export type MapLimit = 'alignment' | 'reserved range' | 'IOMMU width' | 'wrap' | 'other';

/** Why a host refuses a DMA map. */
export interface MapRefusal {
  readonly host: NamedHost;
  /** The name of the error: `EINVAL`. */
  readonly errno: string;
  readonly limit: MapLimit;
  /** One sentence, with the addresses. */
  readonly why: string;
}

/** A DMA map as a log or a listener names it. */
export interface MapRequest {
  readonly iova: bigint;
  /** In bytes. */
  readonly size: bigint;
  /** `undefined` where the text does not say; the map then counts as aligned in the VMM. */
  readonly hostAddress: bigint | undefined;
  readonly deviceMemory: boolean;
}

interface ReservedRange {
  readonly start: bigint;
  /** The last address. */
  readonly end: bigint;
  readonly name: string;
}

/** Ranges that systems reserve, and their names (host fact R1.7.2). */
const RESERVED: readonly ReservedRange[] = [
  { start: 0xfee0_0000n, end: 0xfeef_ffffn, name: 'the interrupt messages (MSI) of x86' },
  { start: 0xfd_0000_0000n, end: 0xff_ffff_ffffn, name: 'HyperTransport of AMD' },
  { start: 0x800_0000n, end: 0x80f_ffffn, name: 'the MSI doorbells of Arm' },
  { start: 0x809_0000n, end: 0x809_ffffn, name: 'the MSI doorbells of virtio-iommu' },
];

/**
 * Asks the model of a host to map a range.
 *
 * @returns `undefined` where the host maps the range.
 */
export function refusalOn(
  host: NamedHost,
  request: MapRequest,
  iommu: IommuTypeName = host.iommu.types[0]!,
): MapRefusal | undefined {
  const container = makeHostIommu(hostScenario(host, iommu));
  const granule = smallestPage(container.pageSizes);
  const { size } = request;
  const errno = container.map({
    iova: iova(request.iova),
    size,
    hostAddress: hostAddress(request.hostAddress ?? request.iova % granule),
    readonly: false,
    deviceMemory: request.deviceMemory,
    backing: { region: '', owner: undefined, offset: offset(0n) },
  });
  if (errno === 0) return undefined;
  return { host, errno: errnoName(errno), ...limitOf(request, granule, host.iommu.apertures) };
}

function limitOf(
  { iova: start, size, hostAddress: vaddr }: MapRequest,
  granule: bigint,
  apertures: readonly ApertureSpec[] | undefined,
): { readonly limit: MapLimit; readonly why: string } {
  const last = start + size - 1n;
  if (last > LAST_ADDRESS) return { limit: 'wrap', why: 'the range ends above 2^64' };
  const unaligned = [
    { what: `IOVA ${hex(start)}`, value: start },
    { what: `size ${hex(size)}`, value: size },
    { what: `host address ${hex(vaddr ?? 0n)}`, value: vaddr ?? 0n },
  ].filter(({ value }) => !isAligned(value, granule));
  if (unaligned.length > 0) {
    return {
      limit: 'alignment',
      why: `${unaligned.map(({ what }) => what).join(' and ')} ${unaligned.length === 1 ? 'is' : 'are'} not a multiple of ${bytes(granule)}, the smallest page that the container maps`,
    };
  }
  return apertureLimit(start, last, apertures ?? []);
}

/** What an address beyond the IOVAs of the container meets. */
function apertureLimit(
  start: bigint,
  last: bigint,
  apertures: readonly ApertureSpec[],
): { readonly limit: MapLimit; readonly why: string } {
  const end = apertures.at(-1)?.end;
  if (end !== undefined && last > end) {
    return {
      limit: 'IOMMU width',
      why: `${hex(last)} is above ${hex(end)}, the last address of an IOMMU with ${widthOf(end)} bits`,
    };
  }
  const reserved = reservedRange(start, last);
  if (reserved !== undefined) {
    return {
      limit: 'reserved range',
      why: `the range meets ${hex(reserved.start)}-${hex(reserved.end)}, which the host reserves for ${reserved.name}`,
    };
  }
  return { limit: 'other', why: 'the model names no limit that the range crosses' };
}

/** The reserved range that an address range meets, on any system. */
export const reservedRange = (start: bigint, last: bigint): ReservedRange | undefined =>
  RESERVED.find((range) => start <= range.end && range.start <= last);

/** Bits that are needed to write an address. */
export const widthOf = (address: bigint): number => address.toString(2).length;
