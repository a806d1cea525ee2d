import { DEFAULT_DMA_ENTRY_LIMIT, DEFAULT_KERNEL } from '../../host/index.ts';
import { reportedPageSizes, type EmulatedIommu } from '../emulated-iommus.ts';
import type { ContainerKind } from './call-forms.ts';
import {
  KVM_ARCHITECTURE,
  type HostArchitecture,
  type IommufdInfo,
  type KvmInfo,
  type SpaprInfo,
  type Type1Info,
} from './host-session.ts';
import type { SessionDecoder } from './session-decoder.ts';

/** The fields of a session on which the defaults of `info` depend. */
export interface InfoContext {
  readonly container: ContainerKind;
  readonly arch: HostArchitecture;
  readonly pageSize: bigint;
  /** `undefined` for an IOMMU that barproof does not know. */
  readonly iommu: EmulatedIommu | undefined;
}

type Info = Type1Info | KvmInfo | SpaprInfo | IommufdInfo | object;

const COMMON_KEYS = ['device', 'backings'];
const KEYS_OF: Readonly<Record<ContainerKind, readonly string[]>> = {
  type1v2: ['pageSizes', 'granule', 'iovaRanges', 'dmaAvail', 'dmaEntryLimit'],
  type1: ['pageSizes', 'granule', 'iovaRanges', 'dmaAvail', 'dmaEntryLimit'],
  kvm: ['nrMemslots', 'readonlyMem', 'addressSpaces', 'vmType', 'gpaBits', 'maxIpaBits'],
  'spapr-tce-v2': ['defaultWindow', 'pageSizes', 'maxDynamicWindows', 'levels', 'infoFlags'],
  region: [],
  iommufd: ['attached', 'pageSizes', 'iovaRanges'],
};

const MOST_U32 = 2 ** 32 - 1;

/** Reads `info`: what the host reported before the first call. */
export function decodeInfo(
  decoder: SessionDecoder,
  value: unknown,
  context: InfoContext,
): { readonly fields: Record<string, unknown>; readonly info: Info } {
  const fields = decoder.object(value, 'info', [...COMMON_KEYS, ...KEYS_OF[context.container]]);
  return { fields, info: READERS[context.container](decoder, fields, context) };
}

type InfoReader = (decoder: SessionDecoder, fields: Record<string, unknown>, context: InfoContext) => Info;

const READERS: Readonly<Record<ContainerKind, InfoReader>> = {
  type1v2: readType1,
  type1: readType1,
  kvm: readKvm,
  'spapr-tce-v2': readSpapr,
  region: () => ({}),
  iommufd: readIommufd,
};

/** A number of the session, or `fallback` where the session leaves it out. */
function implied(
  decoder: SessionDecoder,
  value: unknown,
  path: string,
  fallback: bigint | undefined,
): bigint {
  return value === undefined && fallback !== undefined ? fallback : decoder.number(value, path);
}

function readRanges(
  decoder: SessionDecoder,
  value: unknown,
  iommu: EmulatedIommu | undefined,
): readonly (readonly [bigint, bigint])[] {
  if (value !== undefined || iommu === undefined) return decoder.pairs(value, 'info.iovaRanges');
  return iommu.iovaRanges.map(({ first, last }) => [first, last]);
}

function readType1(
  decoder: SessionDecoder,
  fields: Record<string, unknown>,
  { iommu, pageSize }: InfoContext,
): Type1Info {
  const fallback = iommu && reportedPageSizes(iommu, pageSize);
  decoder.optional(fields['granule'], 0n, (given) => decoder.number(given, 'info.granule'));
  decoder.optional(fields['dmaAvail'], 0, (given) => decoder.integer(given, 'info.dmaAvail', 0, MOST_U32));
  const pageSizes = implied(decoder, fields['pageSizes'], 'info.pageSizes', fallback);
  if (pageSizes === 0n) decoder.report('info.pageSizes', 'expected at least one page size');
  return {
    pageSizes,
    iovaRanges: readRanges(decoder, fields['iovaRanges'], iommu),
    dmaEntryLimit: decoder.optional(fields['dmaEntryLimit'], DEFAULT_DMA_ENTRY_LIMIT, (given) =>
      decoder.integer(given, 'info.dmaEntryLimit', 0, MOST_U32),
    ),
  };
}

/** The default width of a guest-physical address, in bits. x86: QEMU's `-cpu EPYC`; arm64: a machine of type 0. */
const GPA_BITS = 40;

function readKvm(decoder: SessionDecoder, fields: Record<string, unknown>, { arch }: InfoContext): KvmInfo {
  const integer = (key: string, fallback: number, most: number): number =>
    decoder.optional(fields[key], fallback, (given) => decoder.integer(given, `info.${key}`, 0, most));
  integer('maxIpaBits', 0, 64);
  return {
    nrMemslots: integer('nrMemslots', DEFAULT_KERNEL.kvm.slotLimit(KVM_ARCHITECTURE[arch]), MOST_U32),
    readonlyMem: integer('readonlyMem', 1, 1) === 1,
    addressSpaces: fields['addressSpaces'] === undefined ? undefined : integer('addressSpaces', 0, MOST_U32),
    vmType: integer('vmType', 0, MOST_U32),
    gpaBits: integer('gpaBits', GPA_BITS, 64),
  };
}

function readSpapr(decoder: SessionDecoder, fields: Record<string, unknown>): SpaprInfo {
  const window = decoder.object(fields['defaultWindow'] ?? {}, 'info.defaultWindow', [
    ...['start', 'size', 'pageSize'],
  ]);
  const windowField = (key: string, fallback: bigint): bigint =>
    implied(decoder, window[key], `info.defaultWindow.${key}`, fallback);
  const integer = (key: string, fallback: number): number =>
    decoder.optional(fields[key], fallback, (given) => decoder.integer(given, `info.${key}`, 0, 64));
  integer('infoFlags', 1);
  windowField('pageSize', 0x1000n);
  return {
    defaultWindow: { start: windowField('start', 0n), size: windowField('size', 1n << 30n) },
    pageSizes: implied(decoder, fields['pageSizes'], 'info.pageSizes', 0x1211000n),
    maxDynamicWindows: integer('maxDynamicWindows', 2),
    levels: integer('levels', 1),
  };
}

function readIommufd(
  decoder: SessionDecoder,
  fields: Record<string, unknown>,
  { iommu, pageSize }: InfoContext,
): IommufdInfo {
  return {
    attached: decoder.optional(fields['attached'], true, (given) => decoder.boolean(given, 'info.attached')),
    pageSizes: implied(decoder, fields['pageSizes'], 'info.pageSizes', iommu?.domainPageSizes(pageSize)),
    iovaRanges: readRanges(decoder, fields['iovaRanges'], iommu),
  };
}
