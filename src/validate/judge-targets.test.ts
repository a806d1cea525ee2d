import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import type { StoredRegression } from '../campaign/index.ts';
import { openModel } from '../model/index.ts';
import { decodeScenario, type Scenario } from '../scenario/index.ts';
import type { SearchTarget } from '../trace/index.ts';
import { NEWEST } from '../vfio/index.ts';
import { judgeTargets } from './judge-targets.ts';

const withIommu = (type: string): Scenario =>
  decodeScenario({
    version: 1,
    machine: { type: 'pc', ram: '0x10000000' },
    host: { kernel: 'msix-mappable', iommu: { type } },
    devices: [{ id: 'dev0', bars: [{ index: 0, size: '0x4000', type: 'mem32' }] }],
  });

const stored = (scenario: Scenario): StoredRegression => ({
  file: 'a.json',
  regression: {
    schema: 1,
    title: 'a case',
    status: 'known',
    expected: 'nothing breaks',
    observed: { outcome: 'ok', violations: [] },
    failsOn: [],
    provenance: { source: 'a test' },
    scenario,
  },
});

/** A target that runs only scenarios with this IOMMU. */
const only = (type: string): SearchTarget => ({
  ...openModel(NEWEST),
  canRun: ({ host }) => Promise.resolve(host.iommu.type === type),
});

const NO_MACHINES = { trivial: [], machines: { 'vfio-user': [], kernel: [] } };

it('judgeTargets runs the shipped cases that both builds can run, and names the builds', async () => {
  const verdict = await judgeTargets({
    sides: {
      base: { id: 'old', target: { ...only('vfio-user'), name: 'QEMU 10.1.0 (pc)' } },
      patched: { id: 'new', target: only('vfio-user') },
    },
    scenarios: fc.constant(withIommu('vfio-user')),
    shipped: [stored(withIommu('vfio-user')), stored(withIommu('type1'))],
    ...NO_MACHINES,
    devices: [],
    seed: 'a seed',
    runs: 2,
  });
  expect(verdict.cases).toBe(1 + 2);
  expect(verdict.sides).toEqual({
    base: { id: 'old', title: 'QEMU 10.1.0 (pc)' },
    patched: { id: 'new', title: 'model' },
  });
  expect(verdict.breaks).toBe(false);
});
