import { describe, expect, it } from 'vitest';
import { hostAddress } from '../address/index.ts';
import { Errno, SpaprTceContainer, type SpaprTceOptions } from '../host/index.ts';
import { MemoryRegion } from '../memory/index.ts';
import { VmmAbort } from './failure.ts';
import { SpaprMemoryListener } from './spapr-memory-listener.ts';
import { P4K, P64K, eventLog, ram, ramDevice, sectionOf } from './testing/fakes.ts';

function make(options: Partial<SpaprTceOptions> = {}) {
  const log = eventLog();
  const iommu = new SpaprTceContainer({ hostPageSize: P64K, ...options });
  const listener = new SpaprMemoryListener('container', iommu, P64K, log.emit);
  return { listener, iommu, log };
}

describe('guest RAM is registered before it is mapped (vfio fact 7.1)', () => {
  it('by a listener that comes with the one for DMA', () => {
    const { listener } = make();
    expect([listener.name, listener.priority]).toEqual(['vfio-spapr-prereg', 0]);
  });

  it('RAM and ROM, with what backs them', () => {
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

  it('a region without a place in the VMM as if it began at 0', () => {
    const { listener, log } = make();
    listener.regionAdd(sectionOf(MemoryRegion.ram('bare', P64K), 0n, P64K));
    expect(log.events).toMatchObject([{ hostAddress: 0n }]);
  });

  it('nothing else', () => {
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
  ])(
    'nothing of a section whose %s is no multiple of the host page: it is not trimmed',
    (_, start, size, at) => {
      const { listener, log } = make();
      listener.regionAdd(sectionOf(ram(), start, size, at));
      listener.regionDel(sectionOf(ram(), start, size, at));
      expect(log.events).toEqual([]);
    },
  );

  it('a refusal at the start is kept, the first of them', () => {
    const { listener, log } = make({ lockLimit: 0n });
    listener.regionAdd(sectionOf(ram('a'), 0n, P64K));
    listener.regionAdd(sectionOf(ram('b'), P64K, P64K));
    expect(listener.initialError).toBe(
      'vfio: Memory registering failed, unable to continue: ENOMEM (region a)',
    );
    expect(log.events).toMatchObject([{ errno: Errno.ENOMEM }, { errno: Errno.ENOMEM }]);
  });

  it('a refusal later ends the VMM', () => {
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

  it('a refusal to let go of it is written down only', () => {
    const { listener, log } = make();
    listener.initialized = true;
    listener.regionDel(sectionOf(ram(), 0n, P64K));
    expect(log.events).toMatchObject([{ type: 'unregister-memory', errno: Errno.ENOENT }]);
  });
});
