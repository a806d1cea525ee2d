import { describe, expect, it } from 'vitest';
import { decodeScenario } from '../scenario/index.ts';
import { unsuitable } from './require-revision.ts';
import { findAnyRevision } from './revisions.ts';

const scenario = (devices: readonly object[], operations: readonly object[]) =>
  decodeScenario({
    version: 1,
    machine: { type: 'generic', ram: '0x10000000' },
    host: { kernel: 'msix-mappable', iommu: { type: 'type1', pageSizes: ['0x1000'] } },
    devices,
    operations,
  });

const problemsOf = (id: string, ...[devices, operations]: Parameters<typeof scenario>) =>
  unsuitable(scenario(devices, operations), findAnyRevision(id)!).map(({ path, message }) => [path, message]);

describe('a revision cannot run', () => {
  it('virtio-mem before QEMU 6.1', () => {
    const memory = {
      op: 'add-region',
      name: 'mem',
      kind: 'virtio-mem',
      address: '0x140000000',
      size: '0x200000',
    };
    expect(problemsOf('qemu-11.1', [], [memory])).toEqual([]);
    expect(problemsOf('qemu-6.0', [], [memory])).toEqual([
      ['operations[0].kind', 'qemu-6.0 has no virtio-mem'],
    ]);
    expect(problemsOf('cloud-hypervisor-53.0', [], [memory])).toEqual([
      ['operations[0].op', 'cloud-hypervisor-53.0 has no add-region'],
    ]);
  });

  it('read-only BARs, unless it is the newest', () => {
    const device = { id: 'dev0', bars: [{ index: 0, size: '0x1000', type: 'mem32', writable: false }] };
    expect(problemsOf('qemu-11.1', [device], [])).toEqual([]);
    for (const id of ['qemu-2.12', 'cloud-hypervisor-53.0']) {
      expect(problemsOf(id, [device], [])).toEqual([
        ['devices[0].bars[0].writable', `${id} has no read-only BARs`],
      ]);
    }
  });
});
