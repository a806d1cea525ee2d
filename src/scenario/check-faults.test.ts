import { describe, expect, it } from 'vitest';
import { decodeScenario } from './decode-scenario.ts';
import { encodeScenario } from './format.ts';

const decode = (fault: object, iommu = 'type1') =>
  decodeScenario({
    version: 1,
    machine: { type: 'q35', ram: '0x10000000' },
    host: { kernel: '6.12', iommu: { type: iommu }, faults: [fault] },
    devices: [{ id: 'dev0', bars: [{ index: 0, size: '0x1000', type: 'mem32' }] }],
    operations: [],
  });

describe('faults of a host', () => {
  it.each([
    [{ request: 'dma-map', answer: 'ENOMEM', at: '0x1000', nth: 2 }, 'type1'],
    [{ request: 'memslot', answer: 'EINVAL', at: '0x0' }, 'type1'],
    [{ request: 'create-ioas', answer: 'never' }, 'iommufd'],
    [{ request: 'attach', answer: 'EPERM', device: 'dev0' }, 'iommufd'],
  ])('are read, and written as they were: %j', (fault, iommu) => {
    const scenario = decode(fault, iommu);
    expect(decodeScenario(JSON.parse(JSON.stringify(encodeScenario(scenario), hexText)))).toEqual(scenario);
    expect(scenario.host.faults).toHaveLength(1);
  });

  it.each([
    [{ request: 'map', answer: 'EIO' }, 'type1', 'host.faults[0].request'],
    [{ request: 'dma-map', answer: 'ENOENT' }, 'type1', 'host.faults[0].answer'],
    [{ request: 'dma-map', answer: 'EIO', nth: 0 }, 'type1', 'host.faults[0].nth'],
    [{ request: 'dma-map', answer: 'EIO', device: 'dev0' }, 'type1', 'host.faults[0].device'],
    [{ request: 'reset', answer: 'EIO', device: 'dev1' }, 'type1', 'host.faults[0].device'],
    [{ request: 'reset', answer: 'EIO', at: '0x0' }, 'type1', 'host.faults[0].at'],
    [{ request: 'attach', answer: 'EIO', nth: 1 }, 'type1', 'host.faults[0].nth'],
    [{ request: 'memslot', answer: 'EIO' }, 'type1', 'host.faults[0].at'],
    [{ request: 'create-ioas', answer: 'EIO' }, 'type1', 'host.faults[0].request'],
    [{ request: 'dma-map', answer: 'EIO' }, 'vfio-user', 'host.faults'],
  ])('are refused where no request can meet them: %j with %s', (fault, iommu, path) => {
    expect(() => decode(fault, iommu)).toThrow(path);
  });
});

const hexText = (_: string, value: unknown): unknown =>
  typeof value === 'bigint' ? `0x${value.toString(16)}` : value;
