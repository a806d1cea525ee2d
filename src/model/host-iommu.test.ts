import { describe, expect, it } from 'vitest';
import { hostAddress, iova, offset } from '../address/index.ts';
import { IommufdIoas, SpaprTceContainer, Type1Container, VfioUserIommu } from '../host/index.ts';
import { makeHostIommu } from './host-iommu.ts';

const PAGE_SIZES = [0x1000n, 0x20_0000n];

const request = (at: bigint, size = 0x1000n) => ({
  iova: iova(at),
  size,
  hostAddress: hostAddress(0x7f00_0000_0000n),
  readonly: false,
  deviceMemory: false,
  backing: { region: 'ram', owner: undefined, offset: offset(0n) },
});

describe('makeHostIommu', () => {
  it('makes each kind of container with the page sizes that the kind reports', () => {
    for (const [type, kind, pageSizes] of [
      ['type1', Type1Container, 0x21_0000n],
      ['iommufd', IommufdIoas, 0x20_1000n],
      ['spapr-tce-v2', SpaprTceContainer, 0x20_1000n],
      ['vfio-user', VfioUserIommu, 0x20_1000n],
    ] as const) {
      const container = makeHostIommu({ type, pageSizes: PAGE_SIZES }, 0x1_0000n);
      expect(container).toBeInstanceOf(kind);
      expect(container.pageSizes).toBe(pageSizes);
    }
  });

  it.each(['type1', 'iommufd'] as const)('keeps to the apertures: %s', (type) => {
    const apertures = [
      { start: 0n, end: 0xfedf_ffffn },
      { start: 0xfef0_0000n, end: 0xffff_ffffn },
    ];
    const container = makeHostIommu({ type, pageSizes: PAGE_SIZES, apertures }, 0x1000n);
    expect(container.map(request(0xfedf_f000n))).toBe(0);
    expect(container.map(request(0xfee0_0000n))).toBe(22);
    expect(container.map(request(0xfef0_0000n))).toBe(0);
    expect(container.map(request(0x1_0000_0000n))).toBe(22);
  });

  it.each(['type1', 'vfio-user'] as const)('keeps to the number of mappings: %s', (type) => {
    const container = makeHostIommu({ type, pageSizes: PAGE_SIZES, maxMappings: 1 }, 0x1000n);
    expect(container.map(request(0n))).toBe(0);
    expect(container.map(request(0x1000n))).not.toBe(0);
  });

  it('limits the number of windows', () => {
    const container = makeHostIommu({ type: 'spapr-tce-v2', pageSizes: PAGE_SIZES, maxWindows: 1 }, 0x1000n);
    const spapr = container as SpaprTceContainer;
    spapr.removeWindow(iova(0n));
    expect(spapr.createWindow({ pageSize: 0x1000n, size: 0x1000_0000n }).errno).toBe(0);
    expect(spapr.createWindow({ pageSize: 0x1000n, size: 0x1000_0000n }).errno).toBe(28);
  });

  it('ignores apertures where the kernel does not check them', () => {
    const apertures = [{ start: 0n, end: 0xffffn }];
    const rules = { pageSizes: (hardware: bigint) => hardware, checksApertures: false };
    for (const type of ['type1', 'iommufd'] as const) {
      const spec = { type, pageSizes: PAGE_SIZES, apertures };
      expect(makeHostIommu(spec, 0x1000n).map(request(0x10_0000n))).toBe(22);
      expect(makeHostIommu(spec, 0x1000n, rules).map(request(0x10_0000n))).toBe(0);
    }
  });
});
