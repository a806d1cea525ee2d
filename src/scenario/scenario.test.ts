import { describe, expect, it } from 'vitest';
import { isColdPlugged, OPERATIONS, type Operation, type Scenario } from './scenario.ts';

const withOperations = (...operations: Operation[]): Scenario => ({
  version: 1,
  machine: {
    type: 'generic',
    msixEmulation: 'machine-default',
    ram: 0x10_0000n,
    hostPageSize: 0x1000n,
    guestPageSize: 0x1000n,
  },
  revision: 'qemu-11.1',
  host: { kernel: 'msix-mappable', iommu: { type: 'type1', pageSizes: [0x1000n] } },
  devices: [],
  operations,
});

describe('isColdPlugged', () => {
  const plug = (device: string): Operation => ({ op: 'hotplug', device });
  const unplug = (device: string): Operation => ({ op: 'unplug', device });

  it('depends on the first hotplug or unplug of the same device', () => {
    expect(isColdPlugged(withOperations(), 'a')).toBe(true);
    expect(isColdPlugged(withOperations(plug('a')), 'a')).toBe(false);
    expect(isColdPlugged(withOperations({ op: 'reset' }, plug('b'), unplug('a'), plug('a')), 'a')).toBe(true);
    expect(isColdPlugged(withOperations(unplug('b'), plug('a'), unplug('a')), 'a')).toBe(false);
    expect(isColdPlugged(withOperations({ op: 'enable-memory', device: 'a' }), 'a')).toBe(true);
  });
});

describe('OPERATIONS', () => {
  it('lists every operation once', () => {
    expect(new Set(OPERATIONS).size).toBe(30);
    expect(OPERATIONS).toHaveLength(30);
  });
});
