import { LAST_ADDRESS } from '../address/index.ts';
import { optional } from './optional.ts';
import { FAULT_ERRORS, FAULT_REQUESTS, MOST_COUNTED, type FaultSpec } from './fault.ts';
import { IOMMU_TYPES, type ApertureSpec, type HostSpec, type IommuSpec } from './scenario.ts';
import type { ScenarioDecoder } from './scenario-decoder.ts';

/** The largest page size in bytes that fits into the 64-bit page-size bitmap of VFIO. */
export const LARGEST_IOMMU_PAGE = 1n << 63n;

/** Reads the `host` of a scenario. */
export function readHost(decoder: ScenarioDecoder, value: unknown, path: string): HostSpec {
  const host = decoder.object(value, path, [...['kernel', 'iommu', 'memlock', 'unpinnableRam', 'faults']]);
  const kernel = decoder.kernel(host['kernel'], `${path}.kernel`);
  const iommu = readIommu(decoder, host['iommu'], `${path}.iommu`);
  const memlock = optional(host['memlock'], (limit) =>
    decoder.number(limit, `${path}.memlock`, 0n, LAST_ADDRESS),
  );
  const unpinnableRam = optional(host['unpinnableRam'], (list) =>
    decoder.array(list, `${path}.unpinnableRam`, (element, where) => readAperture(decoder, element, where)),
  );
  const faults = optional(host['faults'], (list) =>
    decoder.array(list, `${path}.faults`, (element, where) => readFault(decoder, element, where)),
  );
  return {
    kernel,
    iommu,
    ...(memlock !== undefined && { memlock }),
    ...(unpinnableRam && { unpinnableRam }),
    ...(faults && { faults }),
  };
}

function readFault(decoder: ScenarioDecoder, value: unknown, path: string): FaultSpec {
  const fault = decoder.object(value, path, ['request', 'answer', 'at', 'device', 'nth']);
  const request = decoder.oneOf(fault['request'], `${path}.request`, FAULT_REQUESTS);
  const answer = decoder.oneOf(fault['answer'], `${path}.answer`, [...FAULT_ERRORS, 'never']);
  const at = optional(fault['at'], (address) => decoder.number(address, `${path}.at`, 0n, LAST_ADDRESS));
  const device = optional(fault['device'], (id) => decoder.string(id, `${path}.device`));
  const nth = optional(fault['nth'], (count) => decoder.integer(count, `${path}.nth`, 1, MOST_COUNTED));
  return {
    request,
    answer,
    ...(at !== undefined && { at }),
    ...(device !== undefined && { device }),
    ...(nth !== undefined && { nth }),
  };
}

function readIommu(decoder: ScenarioDecoder, value: unknown, path: string): IommuSpec {
  const iommu = decoder.object(value, path, ['type', 'pageSizes', 'apertures', 'maxMappings', 'maxWindows']);
  const type = decoder.oneOf(iommu['type'], `${path}.type`, IOMMU_TYPES);
  const pageSizes = decoder.array(iommu['pageSizes'] ?? ['0x1000'], `${path}.pageSizes`, (element, where) =>
    decoder.pageSize(element, where, LARGEST_IOMMU_PAGE),
  );
  if (pageSizes.length === 0) decoder.report(`${path}.pageSizes`, 'expected at least one page size');
  const apertures = optional(iommu['apertures'], (list) =>
    decoder.array(list, `${path}.apertures`, (element, where) => readAperture(decoder, element, where)),
  );
  for (const [index, aperture] of (apertures ?? []).entries()) {
    const previous = apertures![index - 1];
    if (previous !== undefined && aperture.start <= previous.end + 1n) {
      decoder.report(
        `${path}.apertures[${index}]`,
        'expected ranges in rising order with a gap between any two',
      );
    }
  }
  const maxMappings = optional(iommu['maxMappings'], (limit) =>
    decoder.integer(limit, `${path}.maxMappings`, 0, 1_000_000),
  );
  const maxWindows = optional(iommu['maxWindows'], (limit) =>
    decoder.integer(limit, `${path}.maxWindows`, 1, 16),
  );
  return {
    type,
    pageSizes,
    ...(apertures && { apertures }),
    ...(maxMappings !== undefined && { maxMappings }),
    ...(maxWindows !== undefined && { maxWindows }),
  };
}

function readAperture(decoder: ScenarioDecoder, value: unknown, path: string): ApertureSpec {
  const aperture = decoder.object(value, path, ['start', 'end']);
  const start = decoder.number(aperture['start'], `${path}.start`, 0n, LAST_ADDRESS);
  const end = decoder.number(aperture['end'], `${path}.end`, 0n, LAST_ADDRESS);
  if (end < start) decoder.report(`${path}.end`, 'expected an address at or above start');
  return { start, end };
}
