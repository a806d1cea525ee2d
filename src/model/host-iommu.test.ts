import { describe, expect, it } from 'vitest';
import { hostAddress, iova, offset } from '../address/index.ts';
import { IommufdIoas, SpaprTceContainer, Type1Container, VfioUserIommu } from '../host/index.ts';
import { decodeScenario } from '../scenario/index.ts';
import { makeHostIommu as make } from './host-iommu.ts';

const PAGE_SIZES = [0x1000n, 0x20_0000n];

const request = (at: bigint, size = 0x1000n) => ({
  iova: iova(at),
  size,
  hostAddress: hostAddress(0x7f00_0000_0000n),
  readonly: false,
  deviceMemory: false,
  backing: { region: 'ram', owner: undefined, offset: offset(0n) },
});

/** A container of a host with this IOMMU and one device. */
function makeHostIommu(
  iommu: { readonly type: string } & Readonly<Record<string, unknown>>,
  hostPageSize = 0x1000n,
  rules?: Parameters<typeof make>[1],
  host: object = {},
) {
  const machine = {
    type: iommu.type === 'spapr-tce-v2' ? 'pseries' : 'generic',
    ram: 0x1000_0000,
    hostPageSize: Number(hostPageSize),
  };
  const bars = [
    { index: 0, size: 0x1000, type: 'mem32' },
    { index: 1, size: 0x1000, type: 'mem32', ...(iommu.type !== 'vfio-user' && { p2p: false }) },
  ];
  const text = JSON.stringify(
    { version: 1, machine, host: { kernel: 'msix-mappable', iommu, ...host }, devices: [{ id: 'd', bars }] },
    (_, value: unknown) => (typeof value === 'bigint' ? `0x${value.toString(16)}` : value),
  );
  return make(decodeScenario(JSON.parse(text)), rules);
}

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

  it('passes the kernel on: a wrap past 2^64 and the dma-buf of a BAR', () => {
    const wrap = request(0xffff_ffff_ffff_f000n, 0x2000n);
    const type1 = (kernel: string) => makeHostIommu({ type: 'type1' }, 0x1000n, undefined, { kernel });
    expect(type1('6.12').map(wrap)).toBe(22);
    expect(type1('7.2').map(wrap)).toBe(75);
    const bar = {
      ...request(0n),
      deviceMemory: true,
      dmaBuf: { start: 0n, bytes: 0x1000n, ranges: 1 },
      backing: { region: 'd BAR 0 mmaps[0]', owner: 'd', offset: offset(0n) },
    };
    const ioas = (kernel: string) => makeHostIommu({ type: 'iommufd' }, 0x1000n, undefined, { kernel });
    expect(ioas('6.18').map(bar)).toBe(14);
    expect(ioas('6.19').map(bar)).toBe(0);
  });

  it.each(['type1', 'iommufd'] as const)('has RAM and BARs that the kernel cannot use: %s', (type) => {
    const unpinnableRam = [{ start: 0x8000, end: 0x8fff }];
    const container = makeHostIommu({ type }, 0x1000n, undefined, { kernel: '7.2', unpinnableRam });
    const ram = (start: bigint) => ({
      ...request(start, 0x4000n),
      backing: { region: 'ram', owner: undefined, offset: offset(start) },
    });
    expect(container.map(ram(0x4000n))).toBe(0);
    expect(container.map(ram(0x8000n))).toBe(14);
    expect(container.map(ram(0x5000n + 0x7000n))).toBe(0);
    const bar = (index: number) => ({
      ...request(0x10_0000n + 0x1000n * BigInt(index)),
      deviceMemory: true,
      ...(type === 'iommufd' && { dmaBuf: { start: 0n, bytes: 0x1000n, ranges: 1 } }),
      backing: { region: `d BAR ${index} mmaps[0]`, owner: 'd', offset: offset(0n) },
    });
    expect(container.map(bar(0))).toBe(0);
    expect(container.map(bar(1))).toBe(type === 'iommufd' ? 19 : 14);
  });

  it.each(['type1', 'iommufd'] as const)('limits the memory that mappings lock: %s', (type) => {
    const container = makeHostIommu({ type }, 0x1000n, undefined, { memlock: 0x2000 });
    expect(container.map(request(0n, 0x2000n))).toBe(0);
    expect(container.map(request(0x2000n))).toBe(12);
  });
});
