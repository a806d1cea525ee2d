import { describe, expect, it } from 'vitest';
import { decodeScenario, type Scenario } from '../scenario/index.ts';
import { inTurns, spread, surroundingsOf } from './surroundings.ts';

const scenario = (type: string, iommu: string, ram = '0x10000000', kernel = '7.2'): Scenario =>
  decodeScenario({
    version: 1,
    machine: { type, ram },
    host: { kernel, iommu: { type: iommu } },
    devices: [{ id: 'dev0', bars: [{ index: 0, size: '0x4000', type: 'mem64' }] }],
    operations: [],
  });
const list = (type: string, iommu: string, length: number): readonly Scenario[] =>
  Array.from({ length }, (_, index) => scenario(type, iommu, `0x${(index + 1).toString(16)}0000000`));
const names = (cases: readonly Scenario[]): readonly string[] => cases.map(surroundingsOf);

describe('surroundingsOf', () => {
  it('tells machines, containers and kernels apart, and pc and q35 not', () => {
    expect(surroundingsOf(scenario('virt', 'iommufd'))).toBe('virt iommufd 7.2');
    expect(surroundingsOf(scenario('q35', 'type1', '0x10000000', '6.12'))).toBe('q35 type1 6.12');
    expect(surroundingsOf(scenario('pc', 'type1'))).toBe(surroundingsOf(scenario('q35', 'type1')));
  });
});

describe('spread', () => {
  const common = Array.from({ length: 8 }, () => list('q35', 'vfio-user', 6));
  const rare = [list('q35', 'iommufd', 6)];
  const seen = Array.from({ length: 60 }, () => 'q35 vfio-user 7.2');

  it('gives the rare surroundings as many cases as the common ones, and begins with them', () => {
    expect(names(spread([...common, ...rare], seen, 6))).toEqual([
      ...Array.from({ length: 3 }, () => 'q35 iommufd 7.2'),
      ...Array.from({ length: 3 }, () => 'q35 vfio-user 7.2'),
    ]);
  });

  it('goes on with other lists of the surroundings that have some', () => {
    expect(spread([...common, ...rare], seen, 20)).toHaveLength(20);
    expect(spread(rare, seen, 20)).toHaveLength(3);
    expect(spread([], seen, 20)).toEqual([]);
  });
});

it('inTurns takes the first of each list first', () => {
  expect(inTurns([[1, 2, 3], [4], [5, 6]])).toEqual([1, 4, 5, 2, 6, 3]);
  expect(inTurns([])).toEqual([]);
});
