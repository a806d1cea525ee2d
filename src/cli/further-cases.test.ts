import { describe, expect, it } from 'vitest';
import { decodeScenario, type Scenario } from '../scenario/index.ts';
import { surroundingsOf } from '../validate/index.ts';
import { FurtherCases, type FunctionReach } from './further-cases.ts';

const scenario = (iommu: string, ram: number): Scenario =>
  decodeScenario({
    version: 1,
    machine: { type: 'q35', ram: 0x1000_0000 + ram * 0x20_0000 },
    host: { kernel: '7.2', iommu: { type: iommu } },
    devices: [{ id: 'dev0', bars: [{ index: 0, size: '0x4000', type: 'mem64' }] }],
    operations: [],
  });
const pool = ['type1', 'iommufd', 'vfio-user'].flatMap((type) =>
  Array.from({ length: 20 }, (_, index) => [scenario(type, 2 * index), scenario(type, 2 * index + 1)]),
);
const IOMMUFD = 'q35 iommufd 7.2';
const reach = (name: string, runs: number, compiled = true): FunctionReach => ({
  name,
  compiled,
  surroundings: Array.from({ length: runs }, () => IOMMUFD),
});
const after = (...functions: readonly FunctionReach[]) => ({ functions, surroundings: [] });

describe('FurtherCases', () => {
  it('chooses none where every function ran often, or was not compiled', async () => {
    const further = new FurtherCases(async () => after(reach('often', 5), reach('elsewhere', 0, false)));
    expect(await further.choose(pool)).toEqual([]);
    expect(further.told).toBeUndefined();
  });

  it('tries all surroundings first, then those in which a seldom function ran, and then ends', async () => {
    let now = after(reach('seldom', 0), reach('often', 9));
    const further = new FurtherCases(async () => now);
    const first = await further.choose(pool);
    expect(new Set(first.map(surroundingsOf)).size).toBe(3);
    now = after(reach('seldom', 2));
    const second = await further.choose(pool);
    expect(new Set(second.map(surroundingsOf))).toEqual(new Set([IOMMUFD]));
    expect(first.filter((one) => second.includes(one))).toEqual([]);
    expect(second).toHaveLength(30);
    expect(further.told).toEqual({ cases: first.length + second.length, functions: ['seldom'] });
    expect(await further.choose(pool)).toEqual([]);
  });

  it('ends after the first round where no surroundings reach the function', async () => {
    const further = new FurtherCases(async () => after(reach('never', 0)));
    expect(await further.choose(pool)).toHaveLength(30);
    expect(await further.choose(pool)).toEqual([]);
    expect(further.told).toEqual({ cases: 30, functions: ['never'] });
  });
});
