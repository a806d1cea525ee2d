import { isPowerOfTwo } from '../../src/address/index.ts';
import type { FaultSpec, HostSpec, IommuSpec, Scenario } from '../../src/scenario/index.ts';

export function* onSimplerHosts(scenario: Scenario): Generator<Scenario> {
  const { machine, host } = scenario;
  // Hardware has no BAR of an odd size, so a scenario with one stays behind vfio-user.
  const onlyServed = scenario.devices.some(({ bars }) => bars.some(({ size }) => !isPowerOfTwo(size)));
  for (const iommu of simplerIommus(host.iommu, machine.hostPageSize)) {
    if (!onlyServed || iommu.type === host.iommu.type) yield { ...scenario, host: onIommu(host, iommu) };
  }
  const { memlock, unpinnableRam, ...plain } = host;
  if (memlock !== undefined || unpinnableRam !== undefined) yield { ...scenario, host: plain };
  yield* withSimplerFaults(scenario);
  if (host.kernel !== 'msix-mappable') yield { ...scenario, host: { ...host, kernel: 'msix-mappable' } };
}

/** The host with another IOMMU. A fault of a request that the IOMMU does not have goes. */
function onIommu({ faults, ...host }: HostSpec, iommu: IommuSpec): HostSpec {
  const left = faults?.filter(({ request }) => request !== 'create-ioas' || iommu.type === 'iommufd') ?? [];
  return { ...host, iommu, ...(left.length > 0 && { faults: left }) };
}

/** Fewer faults of the host, and faults of all requests in place of chosen ones. */
function* withSimplerFaults(scenario: Scenario): Generator<Scenario> {
  const { faults, ...plain } = scenario.host;
  if (faults === undefined) return;
  yield { ...scenario, host: plain };
  const withFaults = (changed: readonly FaultSpec[]): Scenario => ({
    ...scenario,
    host: { ...plain, faults: changed },
  });
  for (const [index, { nth, at, ...fault }] of faults.entries()) {
    if (faults.length > 1) yield withFaults(faults.toSpliced(index, 1));
    const place = at === undefined ? {} : { at };
    if (nth !== undefined) yield withFaults(faults.with(index, { ...fault, ...place }));
    for (let count = 1; count < (nth ?? 0); count++)
      yield withFaults(faults.with(index, { ...fault, ...place, nth: count }));
    if (at !== undefined && fault.request !== 'memslot')
      yield withFaults(faults.with(index, { ...fault, ...(nth !== undefined && { nth }) }));
  }
}

function* simplerIommus(iommu: IommuSpec, page: bigint): Generator<IommuSpec> {
  const { apertures, maxMappings, maxWindows, ...plain } = iommu;
  yield plain;
  if (apertures !== undefined) {
    yield { ...plain, ...(maxMappings !== undefined && { maxMappings }) };
    for (const aperture of apertures) yield { ...iommu, apertures: [aperture] };
    for (const { end } of apertures) yield { ...iommu, apertures: [{ start: 0n, end }] };
  }
  if (maxMappings !== undefined) {
    yield { ...plain, ...(apertures && { apertures }) };
    for (let limit = 0; limit < maxMappings; limit++) yield { ...iommu, maxMappings: limit };
  }
  if (maxWindows !== undefined) yield plain;
  if (iommu.type !== 'type1' && iommu.type !== 'spapr-tce-v2') yield { ...iommu, type: 'type1' };
  yield { ...iommu, pageSizes: [page] };
  for (const size of iommu.pageSizes) yield { ...iommu, pageSizes: [size] };
  yield { ...iommu, pageSizes: [0x1000n] };
}
