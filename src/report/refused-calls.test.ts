import { describe, expect, it } from 'vitest';
import { runOnModel } from '../model/index.ts';
import { decodeScenario } from '../scenario/index.ts';
import { findRevision } from '../vfio/index.ts';
import { refusedCalls } from './refused-calls.ts';

const run = (revisionId: string, address: string, machine: object = {}) => {
  const revision = findRevision(revisionId)!;
  return refusedCalls(
    runOnModel(
      decodeScenario({
        version: 1,
        machine: { type: 'q35', ram: '0x10000000', ...machine },
        revision: revisionId,
        host: {
          kernel: 'msix-mappable',
          iommu: { type: 'type1', pageSizes: ['0x1000'], apertures: [{ start: '0x0', end: '0x7fffffffff' }] },
        },
        devices: [{ id: 'd', bars: [{ index: 0, size: '0x1000', type: 'mem64' }] }],
        operations: [
          { op: 'set-bar', device: 'd', bar: 0, address },
          { op: 'enable-memory', device: 'd' },
        ],
      }),
      revision,
    ),
    revision.dmaMapFunction,
  );
};

describe('refusedCalls', () => {
  it('shows a refused map of a BAR as QEMU words it, with the limit that it crosses', () => {
    expect(run('qemu-11.1', '0x8000000000')).toEqual([
      expect.stringMatching(
        /^step 2: vfio_container_dma_map\(0x8000000000, 0x1000, 0x[0-9a-f]+\) = -22 \(Invalid argument\): beyond the IOMMU's last address 0x7fffffffff$/,
      ),
    ]);
  });

  it('uses the name that the function had before QEMU 8.2', () => {
    expect(run('qemu-6.0', '0x8000000000')[0]).toContain(': vfio_dma_map(');
  });

  it('shows a memslot that KVM refuses', () => {
    expect(run('qemu-11.1', '0x800000000000', { cpu: { vendor: 'intel', physBits: 46 } }).at(-1)).toMatch(
      /KVM_SET_USER_MEMORY_REGION failed, slot=\d+, start=0x800000000000, size=0x1000: Invalid argument: above the 46 address bits/,
    );
  });

  it('is empty where the host refuses nothing', () => {
    expect(run('qemu-11.1', '0xe0000000')).toEqual([]);
  });
});
