import { describe, expect, it } from 'vitest';
import { hostAddress } from '../address/index.ts';
import { Errno, SpaprTceContainer, type SpaprTceOptions } from '../host/index.ts';
import { MemoryRegion } from '../memory/index.ts';
import { VmmAbort } from './failure.ts';
import type { ContainerRules } from './container-rules.ts';
import { SpaprMemoryListener } from './spapr-memory-listener.ts';
import { P4K, P64K, eventLog, ram, ramDevice, sectionOf } from './testing/fakes.ts';
import { NEWEST } from './revisions/index.ts';

function make(options: Partial<SpaprTceOptions> = {}, rules: Partial<ContainerRules> = {}) {
  const log = eventLog();
  const iommu = new SpaprTceContainer({ hostPageSize: P64K, ...options });
  const listener = new SpaprMemoryListener({
    container: 'container',
    iommu,
    hostPageSize: P64K,
    emit: log.emit,
    rules: { ...NEWEST.container, ...rules },
  });
  return { listener, iommu, log };
}

describe('the listener that registers guest RAM with sPAPR (vfio fact 7.1)', () => {
  it('has QEMU’s name and the priority of the DMA listener', () => {
    const { listener } = make();
    expect([listener.name, listener.priority]).toEqual(['vfio-spapr-prereg', 0]);
  });

  it('registers RAM and ROM by their host address', () => {
    for (const region of [
      ram(),
      MemoryRegion.rom('rom', 1n << 40n, { hostAddress: hostAddress(0x7f00_0000_0000n) }),
    ]) {
      const { listener, log } = make();
      const section = sectionOf(region, 0x10_0000n, 0x4_0000n, 0x2_0000n);
      listener.regionAdd(section);
      listener.regionDel(section);
      const what = { container: 'container', hostAddress: 0x7f00_0002_0000n, size: 0x4_0000n, errno: 0 };
      expect(log.events).toEqual([
        { type: 'register-memory', ...what },
        { type: 'unregister-memory', ...what },
      ]);
    }
  });

  it('takes a region without a host address as one at 0', () => {
    const { listener, log } = make();
    listener.regionAdd(sectionOf(MemoryRegion.ram('bare', P64K), 0n, P64K));
    expect(log.events).toMatchObject([{ hostAddress: 0n }]);
  });

  it('registers neither device memory nor other regions', () => {
    const { listener, log } = make();
    for (const region of [
      ramDevice(),
      MemoryRegion.io('io', 1n << 40n),
      MemoryRegion.iommu('iommu', 1n << 40n),
      MemoryRegion.romDevice('flash', 1n << 40n),
    ]) {
      listener.regionAdd(sectionOf(region, 0n, P64K));
      listener.regionDel(sectionOf(region, 0n, P64K));
    }
    expect(log.events).toEqual([]);
  });

  it.each([
    ['address', P4K, P64K, 0n],
    ['size', 0n, P64K + P4K, 0n],
    ['offset', 0n, P64K, P4K],
  ])('leaves a section out whole whose %s is no multiple of the host page', (_, start, size, at) => {
    const { listener, log } = make();
    listener.regionAdd(sectionOf(ram(), start, size, at));
    listener.regionDel(sectionOf(ram(), start, size, at));
    expect(log.events).toEqual([]);
  });

  it('keeps the first refusal while the container is set up', () => {
    const { listener, log } = make({ lockLimit: 0n });
    listener.regionAdd(sectionOf(ram('a'), 0n, P64K));
    listener.regionAdd(sectionOf(ram('b'), P64K, P64K));
    expect(listener.initialError).toBe(
      'vfio: Memory registering failed, unable to continue: ENOMEM (region a)',
    );
    expect(log.events).toMatchObject([{ errno: Errno.ENOMEM }, { errno: Errno.ENOMEM }]);
  });

  it('ends the VMM when the host refuses later', () => {
    const { listener } = make({ lockLimit: 0n });
    listener.initialized = true;
    let thrown: unknown;
    try {
      listener.regionAdd(sectionOf(ram('a'), 0n, P64K));
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(VmmAbort);
    expect(thrown).toEqual({
      site: 'memory-registration',
      message: 'vfio: Memory registering failed, unable to continue: ENOMEM (region a)',
    });
    expect(listener.initialError).toBeUndefined();
  });

  it('only emits an event when the host refuses to unregister', () => {
    const { listener, log } = make();
    listener.initialized = true;
    listener.regionDel(sectionOf(ram(), 0n, P64K));
    // Nothing was registered before (host fact R3.6.5).
    expect(log.events).toMatchObject([{ type: 'unregister-memory', errno: Errno.EPERM }]);
  });
});

describe('a rule of registrations that a patch changes', () => {
  it('registers RAM off the pages of the host, which the kernel refuses', () => {
    const { listener, log } = make({}, { unalignedRam: 'registered' });
    listener.regionAdd(sectionOf(ram(), 0n, 0x1000n));
    expect(log.events).toMatchObject([{ type: 'register-memory', size: 0x1000n, errno: Errno.EINVAL }]);
    expect(listener.initialError).toContain('EINVAL');
  });

  it('leaves what goes registered', () => {
    const { listener, log } = make({}, { unregistersRam: false });
    listener.regionAdd(sectionOf(ram(), 0n, P64K));
    listener.regionDel(sectionOf(ram(), 0n, P64K));
    expect(log.events).toMatchObject([{ type: 'register-memory', errno: 0 }]);
  });
});
