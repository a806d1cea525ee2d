import { describe, expect, it } from 'vitest';
import { Errno } from '../host/index.ts';
import { lastGuestAddress } from '../scenario/index.ts';
import { noAbort } from './no-abort.ts';
import {
  PAGE,
  causes,
  judge,
  mapEvent,
  memslot,
  memslotEvent,
  message,
  mmapEvent,
  registerEvent,
  scenario,
  trace,
  traceOfEvents,
  unmapEvent,
  windowEvent,
} from './testing/index.ts';

type Events = Parameters<typeof traceOfEvents>[0];
type Site = NonNullable<ReturnType<typeof trace>['abortSite']>;

const dying = (abortSite: Site | undefined, events: Events, error: string | undefined = 'hardware error') =>
  judge(noAbort, trace([{}, { events }], { outcome: 'aborted', abortSite, error }));
const refusedRam = mapEvent(0x1000n, PAGE, { errno: Errno.ENOENT });
const refusedSlot = memslotEvent(memslot(0x2000n, PAGE), Errno.EEXIST);
const refusedWindow = windowEvent('window-create', 0x3000n, PAGE, { errno: Errno.ENOSPC });

describe('no-abort', () => {
  it('accepts every run that does not abort', () => {
    for (const outcome of ['ok', 'rejected'] as const) {
      const judged = traceOfEvents([refusedRam, refusedSlot], { outcome });
      expect(judge(noAbort, judged)).toEqual({ causes: [], violations: [], exercised: 1 });
    }
    expect(judge(noAbort, trace([]))).toMatchObject({ causes: [], exercised: 1 });
  });

  it.each<[Site, Events, string, [bigint, bigint] | undefined]>([
    ['dma-map-ram', [refusedRam], 'dma-map-ram-ENOENT', [0x1000n, 0x2000n]],
    ['dma-map-ram', [refusedRam, message()], 'dma-map-ram-ENOENT', [0x1000n, 0x2000n]],
    ['dma-map-device-memory', [refusedRam], 'dma-map-device-memory-ENOENT', [0x1000n, 0x2000n]],
    ['dma-window', [refusedWindow], 'dma-window-ENOSPC', [0x3000n, 0x4000n]],
    ['memslot', [refusedRam, refusedSlot], 'memslot-EEXIST', [0x2000n, 0x3000n]],
    ['memory-registration', [registerEvent(PAGE, Errno.ENOMEM)], 'memory-registration-ENOMEM', undefined],
    ['dma-map-ram', [refusedRam, mapEvent(0n, PAGE)], 'dma-map-ram-ENOENT', [0x1000n, 0x2000n]],
  ])('names the cause of %s after the last refused call before the abort', (site, events, cause, place) => {
    const judged = dying(site, events);
    expect(judged.causes).toEqual([cause]);
    expect(judged.violations[0]!.at).toEqual(place && { start: place[0], end: place[1] });
  });

  it('names an abort without a refused call by its site alone', () => {
    for (const site of [
      'bar-size-assertion',
      'msix-init-segfault',
      'hotplug-refusal-segfault',
      'eeh-container-cast',
    ] as const) {
      expect(dying(site, [refusedRam]).causes).toEqual([site]);
    }
    expect(dying('dma-window', []).causes).toEqual(['dma-window']);
    expect(dying('dma-window', [mapEvent(0n, PAGE), message()]).causes).toEqual(['dma-window']);
    expect(dying(undefined, []).causes).toEqual(['unknown']);
  });

  it('searches for the refused call in the last step only', () => {
    const judged = trace([{ events: [refusedRam] }, {}], { outcome: 'aborted', abortSite: 'dma-map-ram' });
    expect(causes(noAbort, judged)).toEqual(['dma-map-ram']);
    expect(causes(noAbort, trace([], { outcome: 'aborted', abortSite: 'memslot' }))).toEqual(['memslot']);
  });

  it('repeats the last message of the VMM and names the last step', () => {
    expect(dying('memslot', [refusedSlot]).violations).toEqual([
      {
        invariant: 'no-abort',
        cause: 'memslot-EEXIST',
        step: 1,
        message: 'the VMM dies: hardware error',
        at: { start: 0x2000n, end: 0x3000n },
      },
    ]);
    const silent = judge(noAbort, traceOfEvents([], { outcome: 'aborted', error: undefined }));
    expect(silent.violations[0]!.message).toBe('the VMM dies: it prints no message');
  });

  it('names addresses for maps, slots and windows only', () => {
    const others = [
      mmapEvent(0n, PAGE, { errno: Errno.EINVAL }),
      unmapEvent(0n, PAGE, { errno: Errno.EINVAL }),
    ];
    for (const event of others) expect(dying('dma-map-ram', [event]).violations[0]).not.toHaveProperty('at');
    const removal = windowEvent('window-remove', 0n, PAGE, { errno: Errno.EINVAL });
    expect(dying('dma-window', [removal]).violations[0]).not.toHaveProperty('at');
  });

  it('distinguishes RAM outside the apertures from RAM off the page', () => {
    const of = (start: bigint, size: bigint) =>
      dying('dma-map-ram', [mapEvent(start, size, { errno: Errno.EINVAL })]).causes;
    expect(of(0n, PAGE)).not.toEqual(of(0n, PAGE - 1n));
  });

  it('distinguishes an unaligned slot from an unaligned host address', () => {
    const of = (at: bigint, size: bigint, address: bigint) =>
      dying('memslot', [memslotEvent(memslot(at, size, { hostAddress: address }), Errno.EINVAL)]).causes;
    expect(of(0n, PAGE, 0x7f00_0000_0800n)).not.toEqual(of(0n, PAGE / 2n, 0x7f00_0000_0000n));
  });

  it('names no refused call of another kind', () => {
    const unmap = unmapEvent(0n, PAGE, { errno: Errno.ENXIO });
    expect(dying('dma-window', [unmap]).causes).toEqual(['dma-window']);
  });

  describe('for a refused device', () => {
    const BARS = [{ index: 0, size: '0x10000', type: 'mem32' }];
    const MSIX = { vectors: 2, tableBar: 0, tableOffset: '0x2000', pbaBar: 0, pbaOffset: '0x3000' };
    const refusing = (spec: object, events: Events = [], operations: readonly object[] = []) =>
      causes(
        noAbort,
        traceOfEvents(events, {
          outcome: 'rejected',
          error: 'no',
          scenario: scenario({ devices: [{ id: 'dev0', bars: BARS, msix: MSIX, ...spec }], operations }),
        }),
      );

    it('reports the refusal of a device that obeys the PCI specification', () => {
      expect(refusing({})).toEqual(['sound-device-refused']);
      expect(refusing({}, [mmapEvent(0n, PAGE, { errno: Errno.EINVAL })])).toEqual(['sound-device-refused']);
    });

    it('names the device by its PCI ids, and the places of its MSI-X structures', () => {
      const refused = (spec: object) =>
        judge(
          noAbort,
          trace([{}], {
            outcome: 'rejected',
            error: 'no',
            scenario: scenario({
              devices: [{ id: 'dev0', vendor: 0x1425, device: 0x5803, bars: BARS, ...spec }],
            }),
          }),
        ).violations[0]!.message;
      expect(refused({ msix: MSIX })).toBe(
        'the VMM refuses a device that obeys the PCI specification, dev0 (1425:5803, MSI-X table at ' +
          '[0x2000, 0x201f] of BAR 0, PBA at [0x3000, 0x3007] of BAR 0): no',
      );
      expect(refused({})).toContain('dev0 (1425:5803, without MSI-X): no');
    });

    it('accepts the refusal of another device, and a refusal after a failed call to the host', () => {
      expect(refusing({ msix: { ...MSIX, pbaOffset: '0x10000' } })).toEqual([]);
      expect(refusing({}, [refusedRam])).toEqual([]);
    });

    it('checks only devices that were plugged in', () => {
      expect(refusing({}, [], [{ op: 'hotplug', device: 'dev0' }])).toEqual([]);
    });
  });
});

describe('no-abort for a device whose PBA lies behind its BAR', () => {
  const refused = (relocation: string, more: Partial<Parameters<typeof trace>[1]> = {}) =>
    causes(
      noAbort,
      trace([{}], {
        outcome: 'rejected',
        error: 'vfio dev0: MSIX PBA outside of specified BAR',
        scenario: scenario({
          devices: [
            {
              id: 'dev0',
              bars: [{ index: 0, size: '0x1000', type: 'mem32' }],
              msix: { vectors: 1, tableBar: 0, tableOffset: '0x0', pbaBar: 0, pbaOffset: '0x1000' },
              options: { 'x-msix-relocation': relocation },
            },
          ],
        }),
        ...more,
      }),
    );

  it('reports a refusal where the user relocates MSI-X', () => {
    expect(refused('bar0')).toEqual(['relocatable-device-refused']);
  });

  it('accepts a refusal without relocation', () => {
    expect(refused('off')).toEqual([]);
    expect(refused('auto')).toEqual([]);
  });
});

describe('no-abort for several devices', () => {
  const SOUND = { bars: [{ index: 0, size: '0x10000', type: 'mem32' }] };
  const BAD = {
    ...SOUND,
    msix: { vectors: 2, tableBar: 0, tableOffset: '0x2000', pbaBar: 0, pbaOffset: '0x10000' },
  };
  const RELOCATABLE = { ...BAD, options: { 'x-msix-relocation': 'bar0' } };
  /** The cold-plugged devices dev0 and dev1, which the VMM refuses with a message. */
  const refused = (
    first: object,
    second: object,
    error: string | undefined,
    more: Parameters<typeof trace>[1] = {},
  ) =>
    judge(
      noAbort,
      trace([{}], {
        outcome: 'rejected',
        error,
        scenario: scenario({
          devices: [
            { id: 'dev0', ...first },
            { id: 'dev1', ...second },
          ],
        }),
        ...more,
      }),
    );

  it('goes by the device that the message names', () => {
    expect(refused(SOUND, BAD, 'vfio dev0: no').causes).toEqual(['sound-device-refused']);
    expect(refused(SOUND, BAD, 'vfio dev1: no').causes).toEqual([]);
    expect(refused(BAD, SOUND, 'vfio dev0: no').causes).toEqual([]);
  });

  it('accepts a refusal without a name if one device gives a reason', () => {
    expect(refused(SOUND, BAD, 'no').causes).toEqual([]);
    expect(refused(BAD, SOUND, undefined).causes).toEqual([]);
    expect(refused(BAD, RELOCATABLE, 'no').causes).toEqual([]);
    // The name is followed by a colon.
    expect(refused(SOUND, BAD, 'no device dev1 or dev0').causes).toEqual([]);
  });

  it('names all devices that may be meant, by ids of four digits', () => {
    const words = (...of: Parameters<typeof refused>) =>
      refused(...of).violations.map(({ message: text }) => text);
    const ids = { vendor: '0x12', device: '0x3' };
    expect(words({ ...SOUND, ...ids }, { ...SOUND, ...ids }, undefined)).toEqual([
      'the VMM refuses a device that obeys the PCI specification, dev0 (0012:0003, without MSI-X) or ' +
        'dev1 (0012:0003, without MSI-X): it prints no message',
    ]);
    const msix = 'MSI-X table at [0x2000, 0x201f] of BAR 0, PBA at [0x10000, 0x10007] of BAR 0';
    const both = refused({ ...RELOCATABLE, ...ids }, { ...RELOCATABLE, ...ids }, 'no');
    expect(both.causes).toEqual(['relocatable-device-refused']);
    expect(both.violations[0]!.message).toBe(
      'the VMM refuses a device that the relocation of MSI-X would have put right, ' +
        `dev0 (0012:0003, ${msix}) or dev1 (0012:0003, ${msix}): no`,
    );
    expect(words({ ...RELOCATABLE, ...ids }, { ...RELOCATABLE, ...ids }, undefined)[0]).toMatch(
      /: it prints no message$/,
    );
  });

  it('accepts that cloud-hypervisor does not relocate MSI-X', () => {
    expect(refused(RELOCATABLE, RELOCATABLE, 'no', { revision: 'cloud-hypervisor-53.0' }).causes).toEqual([]);
    expect(refused(SOUND, SOUND, 'no', { revision: 'cloud-hypervisor-53.0' }).causes).toEqual([
      'sound-device-refused',
    ]);
  });

  it('goes by the device that is plugged', () => {
    const plugging = (first: object, second: object) => {
      const made = trace([{}, {}], {
        outcome: 'rejected',
        error: 'no',
        scenario: scenario({
          devices: [
            { id: 'dev0', ...first },
            { id: 'dev1', ...second },
          ],
          operations: [{ op: 'hotplug', device: 'dev1' }],
        }),
      });
      const plug = { op: 'hotplug', device: 'dev1' } as const;
      return judge(noAbort, { ...made, steps: [made.steps[0]!, { ...made.steps[1]!, operation: plug }] });
    };
    expect(plugging(BAD, SOUND).causes).toEqual(['sound-device-refused']);
    expect(plugging(BAD, SOUND).violations[0]!.message).toMatch(/specification, dev1 \([^)]*\): no$/);
    expect(plugging(SOUND, BAD).causes).toEqual([]);
  });

  it('says nothing of a machine that cannot start, and of a run without a step', () => {
    expect(
      refused(SOUND, SOUND, 'Address space limit 0xfffffffff < 0x1, phys-bits too low (36)').causes,
    ).toEqual([]);
    const empty = trace([], {
      outcome: 'rejected',
      error: 'no',
      scenario: scenario({ devices: [{ id: 'dev0', ...SOUND }] }),
    });
    expect(causes(noAbort, empty)).toEqual([]);
  });

  it('names RAM over HyperTransport as the reason for the refusal', () => {
    const of = (error: string | undefined) =>
      judge(
        noAbort,
        trace([{ events: [mapEvent(0xfd_0000_0000n, PAGE, { errno: Errno.EINVAL })] }], {
          outcome: 'rejected',
          error,
          scenario: scenario({ machine: { type: 'q35', cpu: { vendor: 'amd', physBits: 48 } } }),
        }),
      ).violations;
    expect(of('no')).toMatchObject([
      {
        cause: 'ram-over-hyper-transport',
        message: 'the VMM puts RAM where the IOMMU of AMD allows none, and refuses a device: no',
        at: { start: 0xfd_0000_0000n, end: 0xfd_0000_1000n },
      },
    ]);
    expect(of(undefined)[0]!.message).toMatch(/: it prints no message$/);
  });
});

describe('no-abort for a memslot that KVM refuses', () => {
  const machine = { type: 'q35', cpu: { vendor: 'intel', physBits: 39 } };
  const of = (at: bigint, size: bigint, errno: Errno = Errno.EINVAL, more: object = {}) =>
    causes(
      noAbort,
      trace([{}, { events: [memslotEvent(memslot(at, size, more), errno)] }], {
        outcome: 'aborted',
        abortSite: 'memslot',
        scenario: scenario({ machine }),
      }),
    );

  it.each<readonly [string, Parameters<typeof of>]>([
    ['memslot-EEXIST', [0x800n, PAGE, Errno.EEXIST]],
    ['memslot-EINVAL-off-page', [0x800n, PAGE]],
    ['memslot-EINVAL-off-page', [0n, 0x800n]],
    ['memslot-EINVAL-host-address-off-page', [0n, PAGE, Errno.EINVAL, { hostAddress: 0x7f00_0000_0800n }]],
    ['memslot-EINVAL-past-last-page', [(1n << 64n) - PAGE, PAGE]],
    ['memslot-EINVAL-beyond-cpu-width', [(1n << 64n) - 2n * PAGE, PAGE]],
  ])('says why: %s', (cause, args) => {
    expect(of(...args)).toEqual([cause]);
  });

  it('knows the last address that the CPU of the guest has', () => {
    const last = lastGuestAddress(scenario({ machine }));
    expect(of(last + 1n - PAGE, PAGE)).toEqual(['memslot-EINVAL']);
    expect(of(last + 1n, PAGE)).toEqual(['memslot-EINVAL-beyond-cpu-width']);
  });
});
