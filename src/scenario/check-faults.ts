import {
  COUNTED_REQUESTS,
  REQUESTS_WITH_ADDRESSES,
  REQUESTS_WITH_DEVICE,
  type FaultRequest,
  type FaultSpec,
} from './fault.ts';
import type { ScenarioDecoder } from './scenario-decoder.ts';
import type { Scenario } from './scenario.ts';

/** The fields that choose among requests, and the requests that have what the field names. */
const SELECTORS: Readonly<Record<'at' | 'device' | 'nth', readonly FaultRequest[]>> = {
  at: REQUESTS_WITH_ADDRESSES,
  device: REQUESTS_WITH_DEVICE,
  nth: COUNTED_REQUESTS,
};

/** Reports faults of a host that can have none, and faults that no request of the scenario can meet. */
export function checkFaults({ host, devices }: Scenario, decoder: ScenarioDecoder, path: string): void {
  const { faults, iommu } = host;
  if (faults === undefined) return;
  if (iommu.type === 'vfio-user') {
    decoder.report(path, 'needs a container of the kernel, not vfio-user');
    return;
  }
  for (const [index, fault] of faults.entries()) {
    const at = `${path}[${index}]`;
    checkSelectors(fault, decoder, at);
    if (fault.request === 'create-ioas' && iommu.type !== 'iommufd')
      decoder.report(`${at}.request`, `create-ioas is a request of iommufd, not of ${iommu.type}`);
    if (fault.device !== undefined && !devices.some(({ id }) => id === fault.device))
      decoder.report(`${at}.device`, `no device has the id ${JSON.stringify(fault.device)}`);
  }
}

function checkSelectors(fault: FaultSpec, decoder: ScenarioDecoder, at: string): void {
  const { request } = fault;
  for (const field of ['at', 'device', 'nth'] as const) {
    const allowed = SELECTORS[field];
    if (fault[field] !== undefined && !allowed.includes(request))
      decoder.report(`${at}.${field}`, `is for ${allowed.join(', ')}, not for ${request}`);
  }
  // A VMM sets slots of RAM in its own order while it builds the machine, so only an address names one.
  if (request === 'memslot' && fault.at === undefined)
    decoder.report(`${at}.at`, 'expected the guest-physical address of a memslot');
}
