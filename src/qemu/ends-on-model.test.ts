import { expect, it } from 'vitest';
import { decodeScenario, type Scenario } from '../scenario/index.ts';
import { findRevision, NEWEST } from '../vfio/index.ts';
import { endsOnModel } from './ends-on-model.ts';

const OLD = findRevision('qemu-6.0')!;
const device = { id: 'dev0', bars: [{ index: 0, size: '0x4000', type: 'mem32' }] };
const msix = { vectors: 1, tableBar: 0, tableOffset: '0x0', pbaBar: 0, pbaOffset: '0x1000' };
const served = (more: object, operations: readonly object[] = []): Scenario =>
  decodeScenario({
    version: 1,
    machine: { type: 'q35', ram: '0x20000000' },
    host: { kernel: 'msix-mappable', iommu: { type: 'vfio-user' } },
    devices: [{ ...device, ...more }],
    operations,
  });

it('lets the newest revision answer for one without vfio-user', () => {
  expect(endsOnModel(served({}), OLD)).toBe(true);
  // vfio fact 10.11: this unplug ends the newest QEMU.
  const unplugged = served({ msix }, [{ op: 'unplug', device: 'dev0' }]);
  expect(endsOnModel(unplugged, NEWEST)).toBe(false);
  expect(endsOnModel(unplugged, OLD)).toBe(false);
});

it('holds that a QEMU does not come to the end of what no model can run', () => {
  const unable = { ...NEWEST, iommus: OLD.iommus };
  const scenario = served({});
  const unknown: Scenario = { ...scenario, host: { ...scenario.host, iommu: { type: 'unknown' } as never } };
  expect(endsOnModel(unknown, unable)).toBe(false);
});
