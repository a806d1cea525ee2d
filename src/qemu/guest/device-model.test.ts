import { describe, expect, it } from 'vitest';
import { decodeScenario, type Scenario } from '../../scenario/index.ts';
import { deviceModel } from './device-model.ts';

const scenario = (kernel: string, iommu: string, rest: object = {}): Scenario =>
  decodeScenario({
    version: 1,
    machine: { type: 'q35', ram: '0x20000000', hostPageSize: '0x1000', guestPageSize: '0x1000' },
    revision: 'qemu-11.1',
    host: { kernel, iommu: { type: iommu, pageSizes: ['0x1000'] } },
    devices: [
      {
        id: 'dev0',
        name: 'dev0',
        bars: [
          { index: 0, size: '0x10000', type: 'mem64p', mmap: true },
          {
            index: 2,
            size: '0x4000',
            type: 'mem32',
            mmap: true,
            sparse: [
              { offset: '0x3000', size: '0x2000' },
              { offset: '0x0', size: '0x1000' },
            ],
          },
          { index: 3, size: '0x20', type: 'io', mmap: false },
        ],
        msix: { vectors: 8, tableBar: 0, tableOffset: '0x2000', pbaBar: 0, pbaOffset: '0x3000' },
        ...rest,
      },
    ],
    operations: [],
  });
const model = (...args: Parameters<typeof scenario>) => {
  const whole = scenario(...args);
  return deviceModel(whole, whole.devices[0]!);
};

describe('deviceModel', () => {
  it.each(['vfio-user', 'type1'])('serves the same device to a scenario with IOMMU %s', (iommu) => {
    const device = model('msix-mappable', iommu);
    const flags = { read: true, write: true };
    expect(device).toMatchObject({ id: 'dev0', vendor: 0x1af4, device: 0x10ff });
    expect(device.msix).toMatchObject({ vectors: 8, tableBar: 0, tableOffset: 0x2000n });
    expect(device.bars).toEqual([
      {
        attributes: { type: 'mem64', prefetchable: true },
        info: { size: 0x10000n, flags: { ...flags, mmap: true }, capabilities: [{ id: 3 }] },
      },
      undefined,
      {
        attributes: { type: 'mem32', prefetchable: false },
        info: {
          size: 0x4000n,
          flags: { ...flags, mmap: true },
          capabilities: [
            {
              id: 1,
              areas: [
                { offset: 0x3000n, size: 0x2000n },
                { offset: 0n, size: 0x1000n },
              ],
            },
          ],
        },
      },
      {
        attributes: { type: 'io', prefetchable: false },
        info: { size: 0x20n, flags: { ...flags, mmap: false }, capabilities: [] },
      },
      undefined,
      undefined,
    ]);
  });

  it('leaves the MSI-X table in the mmap area under a sparse-msix kernel: the client cuts it out', () => {
    expect(model('sparse-msix', 'vfio-user').bars[0]!.info.capabilities).toEqual([]);
  });

  it('has the PCI ids that the scenario gives', () => {
    expect(model('sparse-msix', 'vfio-user', { vendor: '0x1000', device: '0x97' })).toMatchObject({
      vendor: 0x1000,
      device: 0x97,
    });
  });
});
