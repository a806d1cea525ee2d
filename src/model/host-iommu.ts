import { iova, pageSizeBitmap } from '../address/index.ts';
import {
  IommufdIoas,
  kernelRules,
  SpaprTceContainer,
  Type1Container,
  VfioUserIommu,
  type IommuContainer,
} from '../host/index.ts';
import type { Scenario } from '../scenario/index.ts';
import { unusableMemory } from './unusable-memory.ts';
import { NEWEST, type HostRules } from '../vfio/index.ts';

/**
 * The host's side of a new container.
 *
 * @param rules what this revision's host changes: the page sizes of the domain, and whether it checks apertures.
 */
export function makeHostIommu(
  { host, machine, devices }: Pick<Scenario, 'host' | 'machine' | 'devices'>,
  rules: Pick<HostRules, 'pageSizes' | 'checksApertures'> = NEWEST.host,
): IommuContainer {
  const spec = host.iommu;
  const { hostPageSize } = machine;
  const { maxMappings, maxWindows } = spec;
  const known = rules.checksApertures ? spec.apertures : undefined;
  const apertures = known?.map(({ start, end }) => ({ first: iova(start), last: iova(end) }));
  const context = { hostPageSize, iommuType: spec.type };
  const domainPageSizes = rules.pageSizes(pageSizeBitmap(spec.pageSizes), context);
  const ofDomain = {
    hostPageSize,
    domainPageSizes,
    apertures,
    kernel: kernelRules(host.kernel),
    lockLimit: host.memlock,
    isUnusable: unusableMemory(host, devices),
  };
  switch (spec.type) {
    case 'type1':
      return new Type1Container({ ...ofDomain, maxMappings });
    case 'iommufd':
      return new IommufdIoas(ofDomain);
    case 'spapr-tce-v2':
      return new SpaprTceContainer({
        hostPageSize,
        pageSizes: domainPageSizes,
        maxWindows,
        lockLimit: host.memlock,
      });
    case 'vfio-user':
      return new VfioUserIommu({ pageSizes: domainPageSizes, maxMappings });
  }
}
