import { describe, expect, it } from 'vitest';
import { END_OF_SPACE, gpa, hex, hostAddress, offset } from '../address/index.ts';
import { KvmMemslots } from '../host/index.ts';
import { MemoryRegion, MemoryTopology } from '../memory/index.ts';
import { VmmAbort } from './failure.ts';
import { MemslotListener, type MemslotListenerOptions } from './memslot-listener.ts';
import type { MemslotRules } from './memslot-rules.ts';
import { P16K, P4K, P64K, eventLog, ram, ramDevice, revision, sectionOf } from './testing/fakes.ts';

const BACKING = hostAddress(0x7f00_0000_0000n);

function make(
  update: MemslotRules['update'],
  rest: Partial<Omit<MemslotListenerOptions, 'rules' | 'emit'>> = {},
  rules: Partial<MemslotRules> = {},
) {
  const log = eventLog();
  const host = rest.pages?.host ?? P4K;
  const architecture = (rest.readonlySlots ?? true) ? 'x86' : 'power';
  const kvm = rest.kvm ?? new KvmMemslots({ hostPageSize: host, architecture });
  const listener = new MemslotListener({
    rules: { ...revision('qemu-11.1').memslots, ...rules, update },
    kvm,
    pages: { host, target: P4K },
    readonlySlots: true,
    refusalIsFatal: true,
    ...rest,
    emit: log.emit,
  });
  /** The calls to KVM since the last call of this function: `set 0 0x0+0x1000`, `delete 0 0x0`. */
  const calls = (): string[] =>
    log.take().flatMap((event) => {
      if (event.type !== 'memslot') return [];
      const { slot, gpa: at, size, readonly } = event.slot;
      if (size === 0n) return [`delete ${slot} ${hex(at)}`];
      return [`set ${slot} ${hex(at)}+${hex(size)}${readonly ? ' ro' : ''}`];
    });
  return { listener, kvm, calls, log };
}

describe('the memslot listener', () => {
  it('has priority 10, so it is notified of additions after VFIO', () => {
    const { listener } = make('immediately');
    expect([listener.name, listener.priority]).toEqual(['kvm-memory', 10]);
  });

  it('changes slots at once in the revisions before 8.0, and at commit in 11.1', () => {
    for (const id of ['qemu-2.11', 'seed-v2', 'qemu-2.12', 'qemu-6.0']) {
      expect(revision(id).memslots.update).toBe('immediately');
    }
    expect(revision('qemu-11.1').memslots.update).toBe('at-commit');
  });
});

describe('a memslot is made (vfio fact 9.1)', () => {
  const slotOf = (region: MemoryRegion, rest = {}) => {
    const { listener, kvm } = make('immediately', rest);
    listener.regionAdd(sectionOf(region, 0n, P64K));
    return kvm.slots().map(({ readonly }) => (readonly ? 'ro' : 'rw'));
  };

  it('for RAM and device memory', () => {
    expect(slotOf(ram())).toEqual(['rw']);
    expect(slotOf(ramDevice())).toEqual(['rw']);
  });

  it('read-only for ROM and for a ROM device in romd_mode', () => {
    expect(slotOf(MemoryRegion.rom('rom', P64K, { hostAddress: BACKING }))).toEqual(['ro']);
    expect(slotOf(MemoryRegion.romDevice('flash', P64K, { hostAddress: BACKING }))).toEqual(['ro']);
  });

  it('writable for ROM and not for a ROM device, if KVM has no read-only slots', () => {
    const without = { readonlySlots: false };
    expect(slotOf(MemoryRegion.rom('rom', P64K, { hostAddress: BACKING }), without)).toEqual(['rw']);
    expect(slotOf(MemoryRegion.romDevice('flash', P64K, { hostAddress: BACKING }), without)).toEqual([]);
  });

  it('for no other kind of region', () => {
    for (const region of [
      MemoryRegion.io('io', P64K),
      MemoryRegion.container('container', P64K),
      MemoryRegion.iommu('iommu', P64K),
      MemoryRegion.io('write-protected', P64K, { readonly: true }),
    ]) {
      expect(slotOf(region)).toEqual([]);
    }
  });

  it('again for a ROM device that returns to romd_mode', () => {
    const topology = new MemoryTopology();
    const system = MemoryRegion.container('system', END_OF_SPACE);
    const space = topology.createAddressSpace('memory', system);
    const flash = MemoryRegion.romDevice('flash', P64K, { hostAddress: BACKING });
    topology.addSubregion(system, flash, 0n as never);
    for (const update of ['immediately', 'at-commit'] as const) {
      const { listener, calls } = make(update);
      topology.registerListener(listener, space);
      topology.setRomdMode(flash, false);
      topology.setRomdMode(flash, true);
      expect(calls()).toEqual(['set 0 0x0+0x10000 ro', 'delete 0 0x0', 'set 0 0x0+0x10000 ro']);
      topology.unregisterListener(listener, space);
    }
  });

  it('writable for a read-only alias of RAM: the flag of the region counts (vfio fact 9.3)', () => {
    const { listener, kvm } = make('immediately');
    listener.regionAdd(sectionOf(ram(), 0n, P64K, 0n, true));
    expect(kvm.slots()[0]!.readonly).toBe(false);
  });
});

describe('the span of a memslot (vfio fact 9.2)', () => {
  it.each([
    [P4K, 0n, 0x1000n, '0x0+0x1000'],
    [P4K, 0x800n, 0x2000n, '0x1000+0x1000'],
    [P4K, 0x800n, 0xfffn, undefined],
    [P4K, 0x1000n, 0xfffn, undefined],
    [P16K, 0x1000n, 0x8000n, '0x4000+0x4000'],
    [P64K, 0x1000n, 0x1_f000n, '0x10000+0x10000'],
    [P64K, 0x1000n, 0x1_efffn, undefined],
    [P64K, 0n, 0xffffn, undefined],
  ])('on host pages of %i bytes, for a section at %i of %i bytes: %s', (host, start, size, expected) => {
    const { listener, calls } = make('immediately', { pages: { host, target: P4K } });
    listener.regionAdd(sectionOf(ram(), start, size));
    expect(calls()).toEqual(expected === undefined ? [] : [`set 0 ${expected}`]);
    listener.regionDel(sectionOf(ram(), start, size));
    expect(calls()).toEqual(expected === undefined ? [] : [`delete 0 ${expected.split('+')[0]}`]);
  });

  it('is backed by the bytes at its own start, not at the start of the section', () => {
    const { listener, kvm } = make('immediately');
    listener.regionAdd(sectionOf(ramDevice('bar'), 0x1_0800n, 0x4000n, 0x800n));
    expect(kvm.slots()).toEqual([
      {
        slot: 0,
        gpa: 0x1_1000n,
        size: 0x3000n,
        hostAddress: 0x7f00_0000_1000n,
        readonly: false,
        logDirtyPages: false,
        backing: { region: 'bar', owner: 'dev0', offset: 0x1000n },
      },
    ]);
  });
});

describe('memslots change', () => {
  const [a, b] = [sectionOf(ram('a'), 0n, P64K), sectionOf(ram('b'), P64K, P64K)];
  const both = sectionOf(ram('both'), 0n, 2n * P64K);

  it('in each callback with the rule `immediately`', () => {
    const { listener, calls } = make('immediately');
    listener.regionAdd(a);
    expect(calls()).toEqual(['set 0 0x0+0x10000']);
    listener.regionAdd(b);
    expect(calls()).toEqual(['set 1 0x10000+0x10000']);
    listener.regionDel(a);
    expect(calls()).toEqual(['delete 0 0x0']);
    listener.commit();
    expect(calls()).toEqual([]);
  });

  it('at commit, deletions first, with the rule `at-commit`', () => {
    const { listener, calls } = make('at-commit');
    listener.regionAdd(a);
    listener.regionAdd(b);
    expect(calls()).toEqual([]);
    listener.commit();
    expect(calls()).toEqual(['set 0 0x0+0x10000', 'set 1 0x10000+0x10000']);
    // QEMU announces removals first in any case; the listener does not depend on that order.
    listener.regionAdd(both);
    listener.regionDel(a);
    listener.regionDel(b);
    expect(calls()).toEqual([]);
    listener.commit();
    expect(calls()).toEqual(['delete 0 0x0', 'delete 1 0x10000', 'set 1 0x0+0x20000']);
    listener.commit();
    expect(calls()).toEqual([]);
  });

  it('and take the free numbers, the last freed first', () => {
    const { listener, calls } = make('immediately');
    for (const section of [a, b]) listener.regionAdd(section);
    for (const section of [a, b]) listener.regionDel(section);
    for (const section of [a, b]) listener.regionAdd(section);
    expect(calls().slice(4)).toEqual(['set 1 0x0+0x10000', 'set 0 0x10000+0x10000']);
  });

  it('not at all when a section without a slot is removed', () => {
    const { listener, calls } = make('immediately');
    listener.regionDel(a);
    expect(calls()).toEqual([]);
  });

  it('to the same slots with either rule', () => {
    const views = (['immediately', 'at-commit'] as const).map((update) => {
      const topology = new MemoryTopology();
      const system = MemoryRegion.container('system', END_OF_SPACE);
      const space = topology.createAddressSpace('memory', system);
      const { listener, kvm } = make(update);
      topology.registerListener(listener, space);
      const low = ram('low', 4n * P64K);
      topology.addSubregion(system, low, 0n as never);
      const bar = ramDevice('bar', P64K);
      topology.addSubregion(system, bar, P64K as never, 1);
      topology.setSize(low, 8n * P64K);
      topology.removeSubregion(bar);
      topology.addSubregion(system, bar, (2n * P64K) as never, 1);
      return kvm.slots().map(({ gpa: at, size, backing }) => [at, size, backing.region, backing.offset]);
    });
    expect(views[0]).toEqual([
      [0n, 2n * P64K, 'low', 0n],
      [2n * P64K, P64K, 'bar', 0n],
      [3n * P64K, 5n * P64K, 'low', 3n * P64K],
    ]);
    expect(views[1]).toEqual(views[0]);
  });
});

describe('a memslot that KVM refuses', () => {
  /** Address and offset differ within the page, so KVM gets a host address off the page. */
  const incongruent = sectionOf(ram('incongruent'), 0n, P64K, 0x800n);

  it('ends the VMM with the rule `immediately`', () => {
    const { listener, log } = make('immediately');
    let thrown: unknown;
    try {
      listener.regionAdd(incongruent);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(VmmAbort);
    expect(thrown).toEqual({
      site: 'memslot',
      message: 'kvm_set_phys_mem: error registering slot: EINVAL (start=0x0, size=0x10000)',
    });
    expect(log.events).toMatchObject([{ type: 'memslot', errno: 22 }]);
  });

  it('ends the VMM at commit with the rule `at-commit`', () => {
    const { listener } = make('at-commit');
    expect(() => listener.regionAdd(incongruent)).not.toThrow();
    expect(() => listener.commit()).toThrow(expect.objectContaining({ site: 'memslot' }) as Error);
  });

  it('only emits an event on a machine without KVM', () => {
    const { listener, kvm, log } = make('immediately', { refusalIsFatal: false });
    listener.regionAdd(incongruent);
    expect(log.events).toMatchObject([{ type: 'memslot', slot: { gpa: 0n }, errno: 22 }]);
    expect(kvm.slots()).toEqual([]);
  });

  it('may exceed KVM’s limit of slots or the CPU’s last address', () => {
    const none = new KvmMemslots({ hostPageSize: P4K, slotLimit: 0 });
    const small = new KvmMemslots({ hostPageSize: P4K, lastGpa: gpa(0xfffn), architecture: 'arm64' });
    for (const [kvm, name] of [
      [none, 'EINVAL'],
      [small, 'EFAULT'],
    ] as const) {
      const { listener } = make('immediately', { kvm });
      expect(() => listener.regionAdd(sectionOf(ram(), 0n, P64K))).toThrow(
        expect.objectContaining({ message: expect.stringContaining(name) as string }) as Error,
      );
    }
  });

  it('is not one whose region has no host address: KVM gets address 0', () => {
    const { listener, kvm } = make('immediately');
    listener.regionAdd(sectionOf(MemoryRegion.ram('bare', P64K), 0n, P64K));
    expect(kvm.slots()[0]!.hostAddress).toBe(0n);
  });
});

describe('the dirty log of a slot (vfio fact 9.7)', () => {
  const logging = (rules: Partial<MemslotRules> = {}) => {
    const state = { isOn: false };
    const log = eventLog();
    const kvm = new KvmMemslots({ hostPageSize: P4K, architecture: 'x86' });
    const listener = new MemslotListener({
      rules: { ...revision('qemu-11.1').memslots, update: 'immediately', ...rules },
      kvm,
      pages: { host: P4K, target: P4K },
      readonlySlots: true,
      isLogging: () => state.isOn,
      refusalIsFatal: true,
      emit: log.emit,
    });
    const calls = (): string[] =>
      log.take().flatMap((event) => {
        if (event.type === 'dirty-log') return [`fetch ${event.slot}`];
        if (event.type !== 'memslot') return [];
        const { slot, size, logDirtyPages } = event.slot;
        return [size === 0n ? `delete ${slot}` : `set ${slot}${logDirtyPages ? ' log' : ''}`];
      });
    return { state, listener, calls, kvm };
  };
  const section = () => sectionOf(MemoryRegion.ram('ram', P64K, { hostAddress: BACKING }), 0n, P64K);

  it('is switched in place, and only where it changes', () => {
    const { state, listener, calls } = logging();
    const shown = section();
    listener.regionAdd(shown);
    listener.logStop(shown);
    state.isOn = true;
    listener.logStart(shown);
    listener.logStart(shown);
    state.isOn = false;
    listener.logStop(shown);
    expect(calls()).toEqual(['set 0', 'set 0 log', 'set 0']);
  });

  it('is on for RAM that appears while a migration runs, and fetched before the slot is deleted', () => {
    const { state, listener, calls } = logging();
    state.isOn = true;
    const shown = section();
    listener.regionAdd(shown);
    listener.regionDel(shown);
    expect(calls()).toEqual(['set 0 log', 'fetch 0', 'delete 0']);
  });

  it('is off for the memory of devices, and sections without a slot have none', () => {
    const { state, listener, calls } = logging();
    state.isOn = true;
    const bar = sectionOf(ramDevice('bar', P64K), 0n, P64K);
    listener.logStart(section());
    listener.regionAdd(bar);
    listener.logStart(sectionOf(MemoryRegion.io('io', P64K), P64K, P64K));
    expect(calls()).toEqual(['set 0']);
  });

  it('asks the rules about a new slot and about new flags, and for the addresses as at an addition', () => {
    const asked: unknown[] = [];
    const { listener } = logging({
      span: ({ start, size }, _pages, change) => {
        asked.push(change);
        return { start, size };
      },
      logsDirtyPages: (_section, isOn, change) => {
        asked.push([isOn, change]);
        return false;
      },
    });
    listener.regionAdd(section());
    listener.logStart(section());
    expect(asked).toEqual(['add', [false, 'new-slot'], 'add', [false, 'new-flags']]);
  });

  it('is off where the machine has no migration', () => {
    const { listener, kvm } = make('immediately');
    listener.regionAdd(section());
    expect(kvm.slots().map(({ logDirtyPages }) => logDirtyPages)).toEqual([false]);
  });

  it('is switched by deleting the slot where the rules say so', () => {
    const { state, listener, calls, kvm } = logging({ deletesForFlags: () => true });
    const shown = section();
    listener.regionAdd(shown);
    state.isOn = true;
    listener.logStart(shown);
    expect(calls()).toEqual(['set 0', 'delete 0', 'set 0 log']);
    expect(kvm.slots()).toHaveLength(1);
  });
});

describe('a rule of memslots', () => {
  const section = (start: bigint, size: bigint, at = 0n) =>
    sectionOf(ram('ram', 0x10_0000n), start, size, at);

  it('largestSlot divides a section into parts, which also leave one by one', () => {
    const { listener, kvm, calls } = make('immediately', {}, { largestSlot: P64K });
    listener.regionAdd(section(0x10_0000n, 2n * P64K + P4K));
    expect(calls()).toEqual(['set 0 0x100000+0x10000', 'set 1 0x110000+0x10000', 'set 2 0x120000+0x1000']);
    expect(kvm.slots().map(({ backing }) => backing.offset)).toEqual([0n, P64K, 2n * P64K]);
    listener.regionDel(section(0x10_0000n, 2n * P64K + P4K));
    expect(calls()).toEqual(['delete 0 0x100000', 'delete 1 0x110000', 'delete 2 0x120000']);
  });

  it('largestSlot leaves a section of that size whole', () => {
    const { listener, calls } = make('immediately', {}, { largestSlot: P64K });
    listener.regionAdd(section(0n, P64K));
    expect(calls()).toEqual(['set 0 0x0+0x10000']);
  });

  it('largestSlot keeps the offset that the rule span gives', () => {
    const span: MemslotRules['span'] = ({ start, size }) => ({ start, size, offset: offset(0x5000n) });
    const { listener, kvm } = make('immediately', {}, { largestSlot: P64K, span });
    listener.regionAdd(section(0n, 2n * P64K));
    expect(kvm.slots().map(({ backing }) => backing.offset)).toEqual([0x5000n, 0x1_5000n]);
  });

  it('slotLimit leaves out what is beyond, until a slot is free', () => {
    const { listener, calls } = make('immediately', {}, { slotLimit: 2 });
    for (const page of [0n, 2n, 4n]) listener.regionAdd(section(page * P4K, P4K));
    expect(calls()).toEqual(['set 0 0x0+0x1000', 'set 1 0x2000+0x1000']);
    listener.regionDel(section(0n, P4K));
    listener.regionAdd(section(6n * P4K, P4K));
    expect(calls()).toEqual(['delete 0 0x0', 'set 0 0x6000+0x1000']);
  });

  it.each([
    ['last-freed', 'set 0 0x6000+0x1000'],
    ['never', 'set 2 0x6000+0x1000'],
  ] as const)('reuse "%s" decides on the number of the next slot', (reuse, set) => {
    const { listener, calls } = make('immediately', {}, { reuse });
    for (const page of [0n, 2n]) listener.regionAdd(section(page * P4K, P4K));
    listener.regionDel(section(0n, P4K));
    calls();
    listener.regionAdd(section(6n * P4K, P4K));
    expect(calls()).toEqual([set]);
  });

  it.each([
    ['fatal', true, true],
    ['fatal', false, false],
    ['ignored', true, false],
  ] as const)('refusal "%s" ends the VMM if refusals are fatal (%s): %s', (refusal, refusalIsFatal, ends) => {
    const kvm = new KvmMemslots({ hostPageSize: P4K, architecture: 'x86' });
    const { listener } = make('immediately', { kvm, refusalIsFatal }, { refusal, slotNumber: () => 1 << 20 });
    const add = (): void => listener.regionAdd(section(0n, P4K));
    if (ends) expect(add).toThrow(VmmAbort);
    else expect(add).not.toThrow();
  });

  it('deletes leaves the slot of a section that went', () => {
    const { listener, calls } = make('immediately', {}, { deletes: false });
    listener.regionAdd(section(0n, P4K));
    listener.regionDel(section(0n, P4K));
    expect(calls()).toEqual(['set 0 0x0+0x1000']);
  });

  it('span is asked when a section comes and when it goes', () => {
    const asked: string[] = [];
    const span: MemslotRules['span'] = ({ start, size }, _pages, change) => {
      asked.push(change);
      return { start, size };
    };
    const { listener } = make('immediately', {}, { span });
    listener.regionAdd(section(0n, P4K));
    listener.regionDel(section(0n, P4K));
    expect(asked).toEqual(['add', 'remove']);
  });

  it('isDirect decides on sections that come and that go', () => {
    const { listener, calls } = make('immediately', {}, { isDirect: ({ start }) => start > 0n });
    listener.regionAdd(section(0n, P4K));
    listener.regionAdd(section(P64K, P4K));
    listener.regionDel(section(0n, P4K));
    expect(calls()).toEqual(['set 0 0x10000+0x1000']);
  });
});
