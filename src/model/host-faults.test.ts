import { describe, expect, it } from 'vitest';
import { decodeScenario } from '../scenario/index.ts';
import { findRevision } from '../vfio/index.ts';
import { runOnModel } from './model-target.ts';

const BAR = '0xe0000000';

/** A run on the model of a device whose BAR the guest maps, moves and unmaps, on a host with one fault. */
function run(fault: object, { revision = 'qemu-11.1', iommu = 'type1', hot = false } = {}) {
  const device = 'dev0';
  const scenario = decodeScenario({
    version: 1,
    machine: { type: 'q35', ram: '0x10000000' },
    host: { kernel: '6.12', iommu: { type: iommu }, faults: [fault] },
    devices: [
      {
        id: device,
        bars: [{ index: 0, size: '0x10000', type: 'mem32' }],
        msix: { vectors: 8, tableBar: 0, tableOffset: '0x8000', pbaBar: 0, pbaOffset: '0x9000' },
      },
    ],
    operations: [
      ...(hot ? [{ op: 'hotplug', device }] : []),
      { op: 'set-bar', device, bar: 0, address: BAR },
      { op: 'enable-memory', device },
      { op: 'enable-msix', device },
      { op: 'disable-memory', device },
      { op: 'enable-memory', device },
      { op: 'reset' },
    ],
  });
  const trace = runOnModel(scenario, findRevision(revision)!);
  const events = trace.steps.flatMap((step) => step.events);
  const answers = (type: 'dma-map' | 'dma-unmap') =>
    events.flatMap((event) => (event.type === type && event.iova === BigInt(BAR) ? [event.errno] : []));
  const { outcome, abortSite, error } = trace;
  return {
    end: [outcome, abortSite ?? error],
    events,
    answers,
    injected: events.filter((e) => 'injected' in e),
  };
}

describe('a fault of the host', () => {
  it('is answered for device memory, with which QEMU goes on since 2.12 and died before', () => {
    const fault = { request: 'dma-map', answer: 'ENOSPC', at: BAR };
    const now = run(fault);
    expect(now.end).toEqual(['ok', undefined]);
    expect(now.answers('dma-map')).toEqual([28, 28]);
    expect(run(fault, { revision: 'qemu-2.11' }).end).toEqual(['aborted', 'dma-map-device-memory']);
  });

  it('makes QEMU refuse a device whose RAM cannot be mapped', () => {
    const { end } = run({ request: 'dma-map', answer: 'EIO', nth: 1 });
    expect(end[0]).toBe('rejected');
    expect(end[1]).toMatch(/memory listener initialization failed .* = -5 \(EIO\)/);
  });

  it('is tried again after EBUSY: QEMU unmaps and maps once more, but not with iommufd', () => {
    const fault = { request: 'dma-map', answer: 'EBUSY', at: BAR, nth: 1 };
    const type1 = run(fault);
    expect([type1.answers('dma-map'), type1.answers('dma-unmap')]).toEqual([
      [16, 0, 0],
      [0, 0, 0],
    ]);
    const iommufd = { request: 'dma-map', answer: 'EBUSY', at: '0x0', nth: 1 };
    expect(run(iommufd, { iommu: 'iommufd' }).end[0]).toBe('rejected');
  });

  it('leaves a mapping that is not unmapped, and the next map there fails with EEXIST', () => {
    const { answers, end, events } = run({ request: 'dma-unmap', answer: 'EIO', at: BAR, nth: 1 });
    expect([answers('dma-unmap')[0], answers('dma-map')]).toEqual([5, [0, 17]]);
    expect(end).toEqual(['ok', undefined]);
    expect(events).toContainEqual({ type: 'message', text: 'vfio_dma_unmap(0xe0000000, 0x8000) = -5' });
  });

  it('of a memory slot ends QEMU', () => {
    expect(run({ request: 'memslot', answer: 'ENOMEM', at: BAR }).end).toEqual(['aborted', 'memslot']);
  });

  it('of an mmap leaves the BAR trapped', () => {
    const { end, injected } = run({ request: 'mmap', answer: 'EIO', device: 'dev0' });
    expect([end[0], injected.map(({ type }) => type)]).toEqual(['ok', ['mmap']]);
  });

  it.each([
    ['type1', 'attach', 'vfio dev0: Failed to set group container: Invalid argument'],
    ['iommufd', 'attach', 'vfio dev0: error attach: Invalid argument'],
    ['iommufd', 'create-ioas', 'vfio dev0: Failed to allocate ioas: Invalid argument'],
  ])('of %s and %s refuses the device, cold-plugged or not', (iommu, request, error) => {
    for (const hot of [false, true])
      expect(run({ request, answer: 'EINVAL' }, { iommu, hot }).end).toEqual(['rejected', error]);
  });

  it.each(['set-irqs', 'reset'])('of %s changes nothing, because QEMU goes on', (request) => {
    expect(run({ request, answer: 'EIO' }).end).toEqual(['ok', undefined]);
  });

  it.each([
    ['dma-map', 'type1', {}],
    ['dma-unmap', 'type1', {}],
    ['memslot', 'type1', { at: BAR }],
    ['create-ioas', 'iommufd', {}],
    ['attach', 'type1', {}],
    ['mmap', 'type1', {}],
    ['set-irqs', 'type1', {}],
    ['reset', 'type1', {}],
  ])('that never answers %s hangs QEMU', (request, iommu, more) => {
    const { end } = run({ request, answer: 'never', ...more }, { iommu });
    expect(end).toEqual(['aborted', 'unanswered-request']);
  });

  it('that never answers the unmaps of the shutdown shows no teardown', () => {
    const { scenario, teardown, outcome } = runOnModel(
      decodeScenario({
        version: 1,
        machine: { type: 'q35', ram: '0x10000000' },
        host: {
          kernel: '6.12',
          iommu: { type: 'type1' },
          faults: [{ request: 'dma-unmap', answer: 'never', at: BAR }],
        },
        devices: [{ id: 'dev0', bars: [{ index: 0, size: '0x10000', type: 'mem32' }] }],
        operations: [
          { op: 'set-bar', device: 'dev0', bar: 0, address: BAR },
          { op: 'enable-memory', device: 'dev0' },
        ],
      }),
      findRevision('qemu-11.1')!,
    );
    expect([scenario.host.faults?.length, outcome, teardown]).toEqual([1, 'ok', undefined]);
  });

  it('that never answers reset hangs QEMU when a device is plugged into a running machine', () => {
    const { end, events } = run({ request: 'reset', answer: 'never' }, { hot: true });
    expect(end).toEqual(['aborted', 'unanswered-request']);
    expect(events.some(({ type }) => type === 'mmap')).toBe(true);
  });
});
