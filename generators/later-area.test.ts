import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DeviceSpec } from '../src/scenario/index.ts';
import { scenarios } from './index.ts';

/** Whether the only mmap area of a BAR begins later than the BAR and reaches to its end. */
const hasLaterArea = ({ bars }: DeviceSpec): boolean =>
  bars.some(({ size, sparse = [] }) =>
    sparse.some((area) => area.offset > 0n && sparse.length === 1 && area.offset + area.size === size),
  );

describe('a BAR whose mmap area begins later', () => {
  const drawn = fc
    .sample(scenarios(), { seed: 2018, numRuns: 6_000 })
    .filter(({ host }) => host.kernel === '7.2' && host.iommu.type === 'iommufd')
    .flatMap(({ devices }) => devices.filter(hasLaterArea));

  it('is drawn on a kernel with dma-bufs, in one of 200 scenarios and more', () => {
    expect(drawn.length).toBeGreaterThan(30);
  });

  it('mostly has the MSI-X table in the area', () => {
    const cut = drawn.filter(({ msix, bars }) => {
      const [area] = bars.find(({ index }) => index === msix?.tableBar)?.sparse ?? [];
      return msix !== undefined && area !== undefined && msix.tableOffset > area.offset;
    });
    expect(cut.length).toBeGreaterThan(drawn.length / 2);
    expect(cut.length).toBeLessThan(drawn.length);
  });
});
