import { describe, expect, it } from 'vitest';
import { Errno } from '../host/index.ts';
import { runOnModel } from '../model/index.ts';
import { findRevision } from '../vfio/index.ts';
import { mmioMapNotFatal } from './mmio-map-not-fatal.ts';
import { noAbort } from './no-abort.ts';
import {
  PAGE,
  causes,
  judge,
  mapEvent,
  memslot,
  memslotEvent,
  message,
  saysNothing,
  scenario,
  trace,
  traceOfEvents,
  unmapEvent,
  windowEvent,
} from './testing/index.ts';

const refused = { errno: Errno.EINVAL, owner: 'dev0', region: 'dev0 BAR 0 mmaps[0]' };
const refusedMap = mapEvent(0xc000_0000n, PAGE, refused);
const refusedWindow = windowEvent('window-create', 0xc000_0000n, PAGE, {
  deviceMemory: true,
  errno: Errno.ENOSPC,
});
const aborted = { outcome: 'aborted', error: 'hardware error' } as const;

describe('mmio-map-not-fatal', () => {
  it('accepts refusals that the VMM survives', () => {
    const judged = traceOfEvents([refusedMap, refusedWindow, message()]);
    expect(judge(mmioMapNotFatal, judged)).toMatchObject({ causes: [], exercised: 2 });
    expect(causes(mmioMapNotFatal, { ...judged, outcome: 'rejected' })).toEqual([]);
  });

  it('reports a refused map that is the last event of the VMM, apart from messages', () => {
    for (const words of [[], [message()], [message(), message()]]) {
      const judged = judge(mmioMapNotFatal, trace([{}, { events: [refusedMap, ...words] }], aborted));
      expect(judged).toMatchObject({ exercised: 1, violations: [{ cause: 'refused-map', step: 1 }] });
      expect(judged.violations[0]!.at).toEqual({ start: 0xc000_0000n, end: 0xc000_1000n });
      expect(judged.violations[0]!.message).toBe(
        'the VMM dies because device memory at [0xc0000000, 0xc0000fff] cannot be DMA-mapped',
      );
    }
  });

  it('reports a refused window that is the last event of the VMM', () => {
    expect(causes(mmioMapNotFatal, traceOfEvents([refusedWindow, message()], aborted))).toEqual([
      'refused-window',
    ]);
  });

  it('accepts an abort after a later event', () => {
    const later = [
      mapEvent(0n, PAGE, { errno: Errno.EINVAL }),
      mapEvent(0n, PAGE),
      unmapEvent(0n, PAGE),
      memslotEvent(memslot(0n, PAGE), Errno.EINVAL),
      windowEvent('window-create', 0n, PAGE, { errno: Errno.ENOSPC }),
      windowEvent('window-remove', 0n, PAGE, { errno: Errno.EINVAL }),
    ];
    for (const event of later) {
      expect(judge(mmioMapNotFatal, traceOfEvents([refusedMap, event], aborted))).toMatchObject({
        causes: [],
        exercised: 1,
      });
    }
    expect(causes(mmioMapNotFatal, trace([{ events: [refusedMap] }, {}], aborted))).toEqual([]);
  });

  it('checks nothing where device memory is mapped or never requested', () => {
    const others = [
      mapEvent(0n, PAGE, { owner: 'dev0' }),
      mapEvent(0n, PAGE, { errno: Errno.EINVAL }),
      windowEvent('window-create', 0n, PAGE, { deviceMemory: true }),
      windowEvent('window-create', 0n, PAGE, { errno: Errno.EINVAL }),
      windowEvent('window-remove', 0n, PAGE, { deviceMemory: true }),
      windowEvent('window-remove', 0n, PAGE, { errno: Errno.EINVAL }),
      unmapEvent(0n, PAGE, { errno: Errno.EINVAL }),
    ];
    for (const event of others) {
      expect(saysNothing(mmioMapNotFatal, traceOfEvents([event], aborted))).toBe(true);
    }
    expect(saysNothing(mmioMapNotFatal, trace([], aborted))).toBe(true);
  });

  it('accepts a refusal in the teardown, which the VMM survives', () => {
    const teardown = { events: [refusedMap], containers: [] };
    expect(judge(mmioMapNotFatal, trace([{}], { teardown }))).toMatchObject({ causes: [], exercised: 1 });
  });

  it('accepts an abort whose site names another reason', () => {
    const judged = traceOfEvents([refusedMap, message()], {
      ...aborted,
      abortSite: 'hotplug-refusal-segfault',
    });
    expect(causes(mmioMapNotFatal, judged)).toEqual([]);
  });

  it('reports a VMM that dies when it removes the section with the refused window', () => {
    const base = findRevision('qemu-2.12')!;
    const revision = { ...base, machine: { ...base.machine, mmioInPhbDmaSpace: true } };
    const twoBars = [0, 2].map((index) => ({ index, size: '0x10000', type: 'mem64' }));
    const judged = runOnModel(
      scenario({
        machine: { type: 'pseries', hostPageSize: '0x10000' },
        host: { iommu: { type: 'spapr-tce-v2', pageSizes: ['0x1000', '0x10000'] } },
        devices: [{ id: 'dev0', bars: twoBars }],
        operations: [
          { op: 'set-bar', device: 'dev0', bar: 0, address: '0x210000000000' },
          { op: 'set-bar', device: 'dev0', bar: 2, address: '0x210000040000' },
          { op: 'enable-memory', device: 'dev0' },
          { op: 'disable-memory', device: 'dev0' },
        ],
      }),
      revision,
    );
    expect(causes(noAbort, judged)).toEqual([expect.stringMatching(/^dma-window/)]);
    expect(causes(mmioMapNotFatal, judged)).toHaveLength(1);
  });

  it('distinguishes the address of a BAR that the guest sizes from a final address', () => {
    const of = (start: bigint) =>
      causes(mmioMapNotFatal, traceOfEvents([mapEvent(start, PAGE, refused)], aborted));
    expect(of((1n << 63n) - PAGE)).toEqual(['refused-map']);
    expect(of(1n << 63n)).toEqual(['refused-map-in-top-half']);
  });
});

describe('mmio-map-not-fatal for a VMM that finds no window to remove', () => {
  const died = (
    first: Parameters<typeof traceOfEvents>[0],
    last: Parameters<typeof traceOfEvents>[0],
    more: object = {},
  ) =>
    causes(
      mmioMapNotFatal,
      trace([{ events: first }, { events: last }], { ...aborted, abortSite: 'dma-window', ...more }),
    );
  const unmap = unmapEvent(0xc000_0000n, PAGE);

  it('names the window that the host refused before', () => {
    expect(died([refusedWindow], [unmap])).toEqual(['removal-of-refused-window']);
    expect(died([refusedWindow], [unmap, message()])).toEqual(['removal-of-refused-window']);
  });

  it('names no window of other addresses, and no map', () => {
    expect(died([refusedWindow], [unmapEvent(0xc000_0000n, 2n * PAGE)])).toEqual([]);
    expect(died([refusedWindow], [unmapEvent(0xc000_1000n, PAGE)])).toEqual([]);
    expect(died([refusedMap], [unmap])).toEqual([]);
    expect(died([refusedWindow], [mapEvent(0xc000_0000n, PAGE)])).toEqual([]);
    expect(died([refusedWindow], [])).toEqual([]);
  });

  it('names none where the VMM died of something else, or without a step', () => {
    expect(died([refusedWindow], [unmap], { abortSite: undefined })).toEqual([]);
    expect(died([refusedWindow], [unmap], { abortSite: 'memslot' })).toEqual([]);
    const teardown = { events: [refusedWindow], containers: [] };
    expect(causes(mmioMapNotFatal, trace([], { ...aborted, abortSite: 'dma-window', teardown }))).toEqual([]);
  });

  it('says nothing of a window that the host did not remove', () => {
    const removal = windowEvent('window-remove', 0xc000_0000n, PAGE, {
      deviceMemory: true,
      errno: Errno.EINVAL,
    });
    expect(saysNothing(mmioMapNotFatal, traceOfEvents([removal], aborted))).toBe(true);
  });
});
