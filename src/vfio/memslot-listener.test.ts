import { describe, expect, it } from 'vitest';
import { END_OF_SPACE, gpa, hex, hostAddress } from '../address/index.ts';
import { Errno, KvmMemslots } from '../host/index.ts';
import { MemoryRegion, MemoryTopology } from '../memory/index.ts';
import { VmmAbort } from './failure.ts';
import { MemslotListener, type MemslotListenerOptions } from './memslot-listener.ts';
import type { MemslotRules } from './memslot-rules.ts';
import { P16K, P4K, P64K, eventLog, ram, ramDevice, revision, sectionOf } from './testing/fakes.ts';

const BACKING = hostAddress(0x7f00_0000_0000n);

function make(
  update: MemslotRules['update'],
  rest: Partial<Omit<MemslotListenerOptions, 'rules' | 'emit'>> = {},
) {
  const log = eventLog();
  const host = rest.pages?.host ?? P4K;
  const supportsReadonly = rest.readonlySlots ?? true;
  const kvm = rest.kvm ?? new KvmMemslots({ hostPageSize: host, supportsReadonly });
  const listener = new MemslotListener({
    rules: { ...revision('qemu-11.1').memslots, update },
    kvm,
    pages: { host, target: P4K },
    readonlySlots: true,
    refusalIsFatal: true,
    ...rest,
    emit: log.emit,
  });
  /** The calls to KVM since the last time: `set 0 0x0+0x1000`, `delete 0 0x0`. */
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
  it('hears of additions after VFIO', () => {
    const { listener } = make('immediately');
    expect([listener.name, listener.priority]).toEqual(['kvm-memory', 10]);
  });

  it('is told to act at once up to 7.2, and at commit since 8.0', () => {
    for (const id of ['qemu-2.11', 'seed-v2', 'qemu-2.12', 'qemu-6.0']) {
      expect(revision(id).memslots.update).toBe('immediately');
    }
    expect(revision('qemu-11.1').memslots.update).toBe('at-commit');
  });
});

describe('what gets a slot (vfio fact 9.1)', () => {
  const slotOf = (region: MemoryRegion, rest = {}) => {
    const { listener, kvm } = make('immediately', rest);
    listener.regionAdd(sectionOf(region, 0n, P64K));
    return kvm.slots().map(({ readonly }) => (readonly ? 'ro' : 'rw'));
  };

  it('RAM and device memory', () => {
    expect(slotOf(ram())).toEqual(['rw']);
    expect(slotOf(ramDevice())).toEqual(['rw']);
  });

  it('ROM and a ROM device that shows its contents, both read-only', () => {
    expect(slotOf(MemoryRegion.rom('rom', P64K, { hostAddress: BACKING }))).toEqual(['ro']);
    expect(slotOf(MemoryRegion.romDevice('flash', P64K, { hostAddress: BACKING }))).toEqual(['ro']);
  });

  it('without read-only slots, ROM as RAM and no ROM device', () => {
    const without = { readonlySlots: false };
    expect(slotOf(MemoryRegion.rom('rom', P64K, { hostAddress: BACKING }), without)).toEqual(['rw']);
    expect(slotOf(MemoryRegion.romDevice('flash', P64K, { hostAddress: BACKING }), without)).toEqual([]);
  });

  it('nothing else', () => {
    for (const region of [
      MemoryRegion.io('io', P64K),
      MemoryRegion.container('container', P64K),
      MemoryRegion.iommu('iommu', P64K),
      MemoryRegion.io('write-protected', P64K, { readonly: true }),
    ]) {
      expect(slotOf(region)).toEqual([]);
    }
  });

  it('a ROM device in register mode loses its slot, and gets it back', () => {
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

  it('a read-only alias of RAM, writable: the flag is the region’s own (vfio fact 9.3)', () => {
    const { listener, kvm } = make('immediately');
    listener.regionAdd(sectionOf(ram(), 0n, P64K, 0n, true));
    expect(kvm.slots()[0]!.readonly).toBe(false);
  });
});

describe('the span of a slot (vfio fact 9.2)', () => {
  it.each([
    [P4K, 0n, 0x1000n, '0x0+0x1000'],
    [P4K, 0x800n, 0x2000n, '0x1000+0x1000'],
    [P4K, 0x800n, 0xfffn, undefined],
    [P4K, 0x1000n, 0xfffn, undefined],
    [P16K, 0x1000n, 0x8000n, '0x4000+0x4000'],
    [P64K, 0x1000n, 0x1_f000n, '0x10000+0x10000'],
    [P64K, 0x1000n, 0x1_efffn, undefined],
    [P64K, 0n, 0xffffn, undefined],
  ])('on host pages of %i, [%i, +%i): %s', (host, start, size, expected) => {
    const { listener, calls } = make('immediately', { pages: { host, target: P4K } });
    listener.regionAdd(sectionOf(ram(), start, size));
    expect(calls()).toEqual(expected === undefined ? [] : [`set 0 ${expected}`]);
    listener.regionDel(sectionOf(ram(), start, size));
    expect(calls()).toEqual(expected === undefined ? [] : [`delete 0 ${expected.split('+')[0]}`]);
  });

  it('begins in the VMM as far in as in the section', () => {
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

describe('slots change', () => {
  const [a, b] = [sectionOf(ram('a'), 0n, P64K), sectionOf(ram('b'), P64K, P64K)];
  const both = sectionOf(ram('both'), 0n, 2n * P64K);

  it('in each callback, immediately', () => {
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

  it('or at commit, removals first', () => {
    const { listener, calls } = make('at-commit');
    listener.regionAdd(a);
    listener.regionAdd(b);
    expect(calls()).toEqual([]);
    listener.commit();
    expect(calls()).toEqual(['set 0 0x0+0x10000', 'set 1 0x10000+0x10000']);
    // In QEMU's order removals come first anyway; the listener does not depend on it.
    listener.regionAdd(both);
    listener.regionDel(a);
    listener.regionDel(b);
    expect(calls()).toEqual([]);
    listener.commit();
    expect(calls()).toEqual(['delete 0 0x0', 'delete 1 0x10000', 'set 1 0x0+0x20000']);
    listener.commit();
    expect(calls()).toEqual([]);
  });

  it('with the numbers that are free, the last freed first', () => {
    const { listener, calls } = make('immediately');
    for (const section of [a, b]) listener.regionAdd(section);
    for (const section of [a, b]) listener.regionDel(section);
    for (const section of [a, b]) listener.regionAdd(section);
    expect(calls().slice(4)).toEqual(['set 1 0x0+0x10000', 'set 0 0x10000+0x10000']);
  });

  it('but not for a section that has none', () => {
    const { listener, calls } = make('immediately');
    listener.regionDel(a);
    expect(calls()).toEqual([]);
  });

  it('in the two orders with the same result', () => {
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

describe('a slot that KVM refuses', () => {
  /** Address and offset that differ within the page: KVM gets a host address that begins no page. */
  const crooked = sectionOf(ram('crooked'), 0n, P64K, 0x800n);

  it('ends the VMM', () => {
    const { listener, log } = make('immediately');
    let thrown: unknown;
    try {
      listener.regionAdd(crooked);
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

  it('ends it at the commit', () => {
    const { listener } = make('at-commit');
    expect(() => listener.regionAdd(crooked)).not.toThrow();
    expect(() => listener.commit()).toThrow(expect.objectContaining({ site: 'memslot' }) as Error);
  });

  it('or is written down only, where there is no KVM', () => {
    const { listener, kvm, log } = make('immediately', { refusalIsFatal: false });
    listener.regionAdd(crooked);
    expect(log.events).toMatchObject([{ type: 'memslot', slot: { gpa: 0n }, errno: 22 }]);
    expect(kvm.slots()).toEqual([]);
  });

  it('may also be one too many, or beyond what the CPU can address', () => {
    const none = new KvmMemslots({ hostPageSize: P4K, slotLimit: 0 });
    const small = new KvmMemslots({ hostPageSize: P4K, lastGpa: gpa(0xfffn), aboveLastGpa: Errno.EFAULT });
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

  it('gets a region without a place in the VMM at address 0', () => {
    const { listener, kvm } = make('immediately');
    listener.regionAdd(sectionOf(MemoryRegion.ram('bare', P64K), 0n, P64K));
    expect(kvm.slots()[0]!.hostAddress).toBe(0n);
  });
});
