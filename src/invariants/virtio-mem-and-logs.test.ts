import { describe, expect, it } from 'vitest';
import { runOnModel } from '../model/index.ts';
import { NEWEST, type Revision } from '../vfio/index.ts';
import { scenario } from './testing/index.ts';
import { violationsOf } from './index.ts';

type Rules = { readonly [Group in 'memory' | 'listener' | 'memslots' | 'device']?: Partial<Revision[Group]> };

/** The causes that a run breaks under the newest release with other rules. */
function causesOf(
  operations: readonly object[],
  rules: Rules = {},
  devices: readonly object[] = [],
): string[] {
  const revision = {
    ...NEWEST,
    memory: { ...NEWEST.memory, ...rules.memory },
    listener: { ...NEWEST.listener, ...rules.listener },
    memslots: { ...NEWEST.memslots, ...rules.memslots },
    device: { ...NEWEST.device, ...rules.device },
  };
  const judged = scenario({ operations, devices: [{ id: 'dev0', bars: [] }, ...devices] });
  const found = violationsOf(runOnModel(judged, revision));
  return [...new Set(found.map(({ invariant, cause }) => `${invariant}/${cause}`))];
}

const MEMORY = {
  op: 'add-region',
  name: 'mem',
  kind: 'virtio-mem',
  address: '0x140000000',
  size: '0x800000',
};
const plug = (offset: string, size = '0x200000') => ({ op: 'plug-blocks', name: 'mem', offset, size });
const unplug = (offset: string, size = '0x200000') => ({ op: 'unplug-blocks', name: 'mem', offset, size });

describe('virtio-mem is mapped for devices where it is plugged, and nowhere else', () => {
  it('in the newest release, through plugs, unplugs, a reset and a removal', () => {
    const steps = [
      MEMORY,
      plug('0x0', '0x600000'),
      unplug('0x200000'),
      plug('0x200000'),
      { op: 'reset' },
      plug('0x600000'),
    ];
    expect(causesOf(steps)).toEqual([]);
    expect(causesOf([...steps, { op: 'remove-region', name: 'mem' }])).toEqual([]);
  });

  it('or more than the plugged blocks is mapped', () => {
    expect(causesOf([MEMORY], { listener: { followsDiscards: () => false } })).toContain(
      'map-matches-view/not-plugged',
    );
    const stays = { listener: { discardSpan: () => undefined } };
    expect(causesOf([MEMORY, plug('0x0'), unplug('0x0')], stays)).toContain('map-matches-view/not-plugged');
    expect(causesOf([MEMORY, plug('0x0', '0x400000'), unplug('0x0')], stays)).toContain(
      'map-matches-view/not-plugged',
    );
  });

  it('or less is', () => {
    const partly = { listener: { populateUnit: () => 0x1000n, discardSpan: () => undefined } };
    expect(causesOf([MEMORY, plug('0x0')], partly)).not.toContain('ram-reachable/plugged-not-mapped');
    const replays = { memory: { replayed: () => [] } };
    const steps = [MEMORY, plug('0x0'), { op: 'unplug', device: 'dev0' }, { op: 'hotplug', device: 'dev0' }];
    expect(causesOf(steps, replays)).toContain('ram-reachable/plugged-not-mapped');
  });

  it('and blocks that one request maps cannot be unmapped one by one', () => {
    const together = { listener: { populateUnit: () => 0x400000n } };
    expect(causesOf([MEMORY, plug('0x0', '0x400000'), unplug('0x0')], together)).toContain(
      'map-unmap-symmetric/split-mapping',
    );
  });
});

const [START, STOP] = [{ op: 'start-dirty-log' }, { op: 'stop-dirty-log' }];
const OVERLAY = {
  op: 'add-region',
  name: 'over',
  kind: 'io',
  address: '0x100000',
  size: '0x1000',
  priority: 1,
};

describe('the slots of RAM log dirty pages while a migration runs, and at no other time', () => {
  it('in the newest release, also for slots that come and go', () => {
    const steps = [START, OVERLAY, { op: 'remove-region', name: 'over' }, STOP, OVERLAY];
    expect(causesOf(steps.with(4, { ...OVERLAY, name: 'later' }))).toEqual([]);
  });

  it.each<[string, Rules, readonly object[], string]>([
    ['never log', { memslots: { logsDirtyPages: () => false } }, [START], 'not-logged'],
    [
      'log only where they exist already',
      { memslots: { logsDirtyPages: (_, on, change) => on && change === 'new-flags' } },
      [START, OVERLAY],
      'not-logged',
    ],
    [
      'go on to log',
      { memory: { notifiesLogging: (change) => change === 'start' } },
      [START, STOP],
      'logged-in-vain',
    ],
    [
      'log from the start',
      { memslots: { logsDirtyPages: ({ region }) => region.kind === 'ram' } },
      [],
      'logged-in-vain',
    ],
    ['are deleted without their log', { memslots: { fetchesDirtyLog: false } }, [START, OVERLAY], 'log-lost'],
  ])('or they %s', (_, rules, steps, cause) => {
    expect(causesOf(steps, rules)).toContain(`memslot-aligned-disjoint/${cause}`);
  });

  it('while those of devices never log', () => {
    const rules = { memslots: { logsDirtyPages: (_: unknown, on: boolean) => on } };
    const device = { id: 'dev1', bars: [{ index: 0, size: '0x1000', type: 'mem32' }] };
    const steps = [
      START,
      { op: 'set-bar', device: 'dev1', bar: 0, address: '0x80000000' },
      { op: 'enable-memory', device: 'dev1' },
    ];
    expect(causesOf(steps, rules, [device])).toEqual(['memslot-aligned-disjoint/device-memory-logged']);
    expect(causesOf(steps, {}, [device])).toEqual([]);
  });

  it('and a slot that is deleted for its flags alone is replaced without need', () => {
    expect(causesOf([START], { memslots: { deletesForFlags: () => true } })).toContain(
      'no-needless-change/slot-replaced',
    );
  });
});

describe('a BAR that the host offers read-only', () => {
  const device = { id: 'dev1', bars: [{ index: 0, size: '0x1000', type: 'mem32', writable: false }] };
  const steps = [
    { op: 'set-bar', device: 'dev1', bar: 0, address: '0x80000000' },
    { op: 'enable-memory', device: 'dev1' },
  ];

  it('may be written in the newest release, and the kernel refuses its mapping', () => {
    expect(causesOf(steps, {}, [device])).toEqual([
      'map-unmap-symmetric/unmap-after-refused-device-memory',
      'memslot-aligned-disjoint/read-only-bar-writable',
    ]);
  });

  it('is read alone where the rules honour the flag', () => {
    expect(causesOf(steps, { device: { honoursWriteFlag: true } }, [device])).toEqual([]);
  });

  it('may not be written where the VMM alone mmaps it read-only', () => {
    const offered = { ...device, bars: [{ ...device.bars[0]!, writable: true }] };
    expect(causesOf(steps, { device: { mmapsWritable: () => false } }, [offered])).toEqual([
      'memslot-aligned-disjoint/read-only-bar-writable',
    ]);
    expect(causesOf(steps, {}, [offered])).toEqual([]);
  });

  it('gives no mmap that is to be written', () => {
    expect(causesOf(steps, { device: { mmapsWritable: () => true } }, [device])).toEqual([
      'mmap-inside-bar/not-writable',
    ]);
  });
});

describe('a table that stays where its BAR was first', () => {
  it('leaves the table of the moved BAR to the guest', () => {
    const device = {
      id: 'dev1',
      bars: [{ index: 0, size: '0x10000', type: 'mem32' }],
      msix: { vectors: 4, tableBar: 0, tableOffset: '0x2000', pbaBar: 0, pbaOffset: '0x3000' },
    };
    const at = (address: string) => ({ op: 'set-bar', device: 'dev1', bar: 0, address });
    const enable = { op: 'enable-memory', device: 'dev1' };
    const rules = { device: { tableFollowsBar: false } };
    expect(causesOf([at('0x80000000'), enable], rules, [device])).toEqual([]);
    expect(causesOf([at('0x80000000'), enable, at('0x90000000')], rules, [device])).toContain(
      'msix-trapped/direct-in-flat-view',
    );
    const back = [at('0x80000000'), enable, at('0x90000000'), at('0x80000000')];
    const cases = causesOf(back, rules, [device]);
    expect(cases).toContain('msix-trapped/direct-in-flat-view');
  });
});
