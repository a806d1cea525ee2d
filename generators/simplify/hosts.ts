import { isPowerOfTwo } from '../../src/address/index.ts';
import type { IommuSpec, Scenario } from '../../src/scenario/index.ts';

export function* onSimplerHosts(scenario: Scenario): Generator<Scenario> {
  const { machine, host } = scenario;
  // Hardware has no BAR of an odd size, so a scenario with one stays behind vfio-user.
  const onlyServed = scenario.devices.some(({ bars }) => bars.some(({ size }) => !isPowerOfTwo(size)));
  for (const iommu of simplerIommus(host.iommu, machine.hostPageSize)) {
    if (!onlyServed || iommu.type === host.iommu.type) yield { ...scenario, host: { ...host, iommu } };
  }
  const { memlock, unpinnableRam, ...plain } = host;
  if (memlock !== undefined || unpinnableRam !== undefined) yield { ...scenario, host: plain };
  if (host.kernel !== 'msix-mappable') yield { ...scenario, host: { ...host, kernel: 'msix-mappable' } };
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
