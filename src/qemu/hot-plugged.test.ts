import { expect, it } from 'vitest';
import { decodeScenario } from '../scenario/index.ts';
import { hotPlugged } from './hot-plugged.ts';

it('hotPlugged plugs in the devices from the start before all other operations', () => {
  const scenario = decodeScenario({
    version: 1,
    machine: { type: 'pc', ram: '0x20000000' },
    host: { kernel: 'msix-mappable', iommu: { type: 'vfio-user' } },
    devices: ['dev0', 'dev1', 'dev2'].map((id) => ({ id, bars: [] })),
    operations: [
      { op: 'hotplug', device: 'dev1' },
      { op: 'unplug', device: 'dev2' },
    ],
  });
  const plugged = hotPlugged(scenario);
  expect(plugged.operations.map((operation) => Object.values(operation).join(' '))).toEqual([
    'hotplug dev0',
    'hotplug dev2',
    'hotplug dev1',
    'unplug dev2',
  ]);
  expect(hotPlugged(plugged)).toBe(plugged);
});
