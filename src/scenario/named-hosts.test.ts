import { describe, expect, it } from 'vitest';
import { decodeScenario } from './decode-scenario.ts';
import { findNamedHost, NAMED_HOSTS } from './named-hosts.ts';

describe('NAMED_HOSTS', () => {
  it('has each id once', () => {
    const ids = NAMED_HOSTS.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(findNamedHost('laptop-39')?.cpu.physBits).toBe(39);
    expect(findNamedHost('mainframe')).toBeUndefined();
  });

  it.each(NAMED_HOSTS.map((host) => [host.id, host] as const))('%s makes valid scenarios', (_, host) => {
    for (const type of host.machines) {
      for (const iommuType of host.iommu.types) {
        const { types: _types, ...iommu } = host.iommu;
        const document = {
          version: 1,
          machine: { type, ram: '0x10000000', cpu: host.cpu, hostPageSize: host.hostPageSize },
          host: { kernel: host.kernel, iommu: { type: iommuType, ...iommu } },
          devices: [],
        };
        const text = JSON.stringify(document, (_key, value: unknown) =>
          typeof value === 'bigint' ? `0x${value.toString(16)}` : value,
        );
        const { machine } = decodeScenario(JSON.parse(text));
        expect(machine.cpu).toEqual(host.cpu);
      }
    }
  });
});
