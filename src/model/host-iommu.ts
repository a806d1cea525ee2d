import { iova, pageSizeBitmap, type Size } from '../address/index.ts';
import {
  IommufdIoas,
  SpaprTceContainer,
  Type1Container,
  VfioUserIommu,
  type IommuContainer,
} from '../host/index.ts';
import type { IommuSpec } from '../scenario/index.ts';
import { NEWEST, type HostRules } from '../vfio/index.ts';

/**
 * The host's side of a new container.
 *
 * @param rules what this revision's host changes: the page sizes of the domain, and whether it checks apertures.
 */
export function makeHostIommu(
  spec: IommuSpec,
  hostPageSize: Size,
  rules: Pick<HostRules, 'pageSizes' | 'checksApertures'> = NEWEST.host,
): IommuContainer {
  const { maxMappings, maxWindows } = spec;
  const known = rules.checksApertures ? spec.apertures : undefined;
  const apertures = known?.map(({ start, end }) => ({ first: iova(start), last: iova(end) }));
  const context = { hostPageSize, iommuType: spec.type };
  const domainPageSizes = rules.pageSizes(pageSizeBitmap(spec.pageSizes), context);
  switch (spec.type) {
    case 'type1':
      return new Type1Container({ hostPageSize, domainPageSizes, apertures, maxMappings });
    case 'iommufd':
      return new IommufdIoas({ hostPageSize, domainPageSizes, apertures });
    case 'spapr-tce-v2':
      return new SpaprTceContainer({ hostPageSize, pageSizes: domainPageSizes, maxWindows });
    case 'vfio-user':
      return new VfioUserIommu({ pageSizes: domainPageSizes, maxMappings });
  }
}
