import { describe, expect, it } from 'vitest';
import { NEWEST, REVISIONS, findRevision } from './index.ts';
import { P4K, P64K, ram, revision, sectionOf } from '../testing/fakes.ts';

describe('the revisions', () => {
  it('are listed, oldest first', () => {
    expect(REVISIONS.map(({ id }) => id)).toEqual([
      'qemu-2.11',
      'seed-v2',
      'seed-v2+skip-as-posted',
      'seed-v2+skip-corrected',
      'seed-v2+iommu-page-skip',
      'seed-v2+ram-device-skip',
      'seed-v2+machine-property',
      'seed-v2+device-property',
      'seed-v2+machine-class-method',
      'seed-v2+skip-in-msix-init',
      'seed-v2+table-beyond-bar',
      'seed-v2+reserved-bir',
      'seed-v2+phb-mmio-alias',
      'seed-v2+no-mmio-dma-map',
      'qemu-2.12',
      'qemu-6.0',
      'qemu-11.1',
    ]);
    expect(NEWEST.id).toBe('qemu-11.1');
  });

  it('are found by their id', () => {
    for (const one of REVISIONS) expect(findRevision(one.id)).toBe(one);
    for (const id of ['qemu-12', '', '__proto__', 'constructor']) expect(findRevision(id)).toBeUndefined();
  });

  it('have a title and a source of one line each', () => {
    expect(new Set(REVISIONS.map(({ title }) => title)).size).toBe(REVISIONS.length);
    for (const { title, source } of REVISIONS) {
      expect(title).toMatch(/^\S.*\S$/);
      expect(source).toMatch(/^\S.*\S$/);
    }
  });

  it('have iommufd and vfio-user containers in 11.1 alone', () => {
    for (const { id, iommus } of REVISIONS) {
      const added = id === 'qemu-11.1' ? ['iommufd', 'vfio-user'] : [];
      expect(iommus.toSorted()).toEqual(['spapr-tce-v2', 'type1', ...added].toSorted());
    }
  });
});

describe('differences between releases (vfio fact 6.12)', () => {
  /** Each rule has changed once between these releases: the first one with the newer rule. */
  const SINCE = {
    hostPage: 'qemu-6.0',
    testsDeviceMemory: 'qemu-2.12',
    reportsDeviceMemory: 'qemu-2.12',
    honoursMsixMappable: 'seed-v2',
    wrapper: 'qemu-2.12',
    relocation: 'qemu-2.12',
    unmapsWhenUnregistered: 'qemu-2.12',
  } as const;
  const RELEASES = ['qemu-2.11', 'seed-v2', 'qemu-2.12', 'qemu-6.0', 'qemu-11.1'] as const;

  it.each(RELEASES)('%s has its column of the table', (id) => {
    const has = (rule: keyof typeof SINCE) => RELEASES.indexOf(id) >= RELEASES.indexOf(SINCE[rule]);
    const { listener, device } = revision(id);
    const pages = { host: P64K, target: P4K, iommu: P64K };
    expect(listener.alignment(pages)).toBe(has('hostPage') ? P64K : P4K);
    expect(listener.mapsDeviceMemory(P4K, P64K, pages)).toBe(!has('testsDeviceMemory'));
    expect(listener.mapsDeviceMemory(P64K, P4K, pages)).toBe(!has('testsDeviceMemory'));
    expect(listener.mapsDeviceMemory(P64K, P64K, pages)).toBe(true);
    expect(listener.deviceMemoryFailure).toBe(has('reportsDeviceMemory') ? 'reported' : 'fatal');
    expect(listener.whenUnregistered).toBe(has('unmapsWhenUnregistered') ? 'unmap' : 'nothing');
    expect(device.honoursMsixMappable).toBe(has('honoursMsixMappable'));
    expect(device.baseRegion).toBe(has('wrapper'));
    expect(device.relocation).toBe(has('relocation'));
  });

  it('only 11.1 crashes after a refused hot-plug of vfio-user and at a reset of pseries, and only 2.12 to 8.0 for MSI-X', () => {
    for (const { id, device, machine } of REVISIONS) {
      expect(device.hotplugRefusal).toBe(id === 'qemu-11.1' ? 'crash' : 'reported');
      const dies = /^qemu-(?:2\.12|6\.0)/.test(id);
      expect(device.hotplugMsixRefusal).toBe(dies ? 'crash' : 'reported');
      expect(machine.phbResetNeedsKernelContainer).toBe(id === 'qemu-11.1');
    }
  });

  it('machines have XIVE since 3.1, and another name for the CPU’s address space since 2.12', () => {
    for (const { id, machine } of REVISIONS) {
      const [since212, since60] = [/^qemu-(?!2\.11)/.test(id), /^qemu-(?!2)/.test(id)];
      expect(machine.xive).toBe(since60);
      expect(machine.cpuSpaceName).toBe(since212 ? 'cpu-memory-0' : 'cpu-memory');
      expect(machine.mmioInPhbDmaSpace).toBe(/phb-mmio-alias|no-mmio-dma-map/.test(id));
    }
  });

  it('every revision skips a section that starts at 2^63', () => {
    const context = {
      pages: { host: P4K, target: P4K, iommu: P4K },
      iommuType: 'type1',
      change: 'add',
      initialized: true,
    } as const;
    for (const { listener } of REVISIONS) {
      expect(listener.skip(sectionOf(ram(), 1n << 63n, 0x800n, 0n), context)).toBe('top-half');
    }
  });

  it('every revision makes memslots of the whole host pages of a section', () => {
    const pages = { host: P64K, target: P4K };
    const { span } = revision('qemu-2.11').memslots;
    expect(span(sectionOf(ram(), 0x8000n, 0x2_0000n), pages, 'add')).toEqual({ start: P64K, size: P64K });
    expect(span(sectionOf(ram(), 0x8000n, 0x1_0000n), pages, 'add')).toBeUndefined();
    for (const { memslots } of REVISIONS) expect(memslots.span).toBe(span);
  });

  it('follow virtio-mem, and refuse more than the host can track, in 11.1 alone', () => {
    for (const { id, hasVirtioMem, listener } of REVISIONS) {
      const isNewest = id === 'qemu-11.1';
      expect(hasVirtioMem).toBe(isNewest);
      expect(listener.discardLimit).toBe(isNewest ? 'refused' : 'warned');
    }
  });

  it('look at AMD’s reserved addresses and the CPU’s width in 11.1 alone', () => {
    for (const { id, machine } of REVISIONS) {
      const isNewest = id === 'qemu-11.1';
      expect([machine.avoidsHyperTransport, machine.checksPhysBits]).toEqual([isNewest, isNewest]);
    }
  });

  it('know dma-bufs and read-only BARs, and die at an unplug with MSI-X, in 11.1 alone', () => {
    for (const { id, hasReadonlyBars, device, dmaMapFunction } of REVISIONS) {
      const isNewest = id === 'qemu-11.1';
      expect([device.exportsDmaBuf, hasReadonlyBars]).toEqual([isNewest, isNewest]);
      expect(device.msixUnplug).toBe(isNewest ? 'crash' : 'done');
      expect(dmaMapFunction).toBe(isNewest ? 'vfio_container_dma_map' : 'vfio_dma_map');
    }
  });
});

describe('in every release of QEMU', () => {
  const RELEASES = REVISIONS.filter(({ id }) => id.startsWith('qemu-'));

  it('all devices share one container, which unmaps and closes with the last of them (vfio fact 6.11)', () => {
    for (const { container } of RELEASES) {
      expect(container).toMatchObject({
        shared: 'all-devices',
        closes: 'with-last-device',
        registrationFailure: 'device-refused',
        teardown: 'unregister-first',
      });
    }
  });

  it('QEMU dies of RAM that the host does not map, and of a window that it misses (vfio facts 6.8 and 7.4)', () => {
    for (const { listener } of RELEASES)
      expect(listener).toMatchObject({ ramFailure: 'fatal', missingWindow: 'fatal', whenMapped: 'failure' });
  });

  it('the guest sees no resizable BAR, and a reset restores the state after power-on (vfio facts 5.20 and 10.5)', () => {
    for (const { device } of RELEASES)
      expect(device).toMatchObject({ resizableBar: 'hidden', resetRestores: 'power-on' });
  });

  it('BARs leave the bus before their mmaps go, and an mmap that fails leaves the BAR without any (vfio fact 5.3)', () => {
    for (const { device } of RELEASES)
      expect(device).toMatchObject({ unplugOrder: 'bars-first', mmapFailure: 'no-area' });
  });

  it('mmaps of a BAR that can only be read are writable for the guest, and lie in "BAR n" (vfio facts 5.3 and 5.21)', () => {
    const [bar, base] = [ram('BAR 0'), ram('base BAR 0')];
    for (const { device } of RELEASES) {
      expect(device.honoursWriteFlag).toBe(false);
      expect(device.mmapParent({ bar, base } as never)).toBe(bar);
    }
  });

  it('relocation of MSI-X that a device lacks is ignored (vfio fact 5.10)', () => {
    for (const { device } of RELEASES) expect(device.relocationWithoutMsix).toBe('ignored');
  });

  it('KVM switches the dirty log of a slot in place (vfio fact 9.7)', () => {
    const slot = { slot: 0, size: P4K, readonly: false, logDirtyPages: true } as never;
    for (const { memslots } of RELEASES) expect(memslots.deletesForFlags(slot)).toBe(false);
  });

  it('the host answers as its kernel does', () => {
    const info = { size: P4K, flags: { read: true, write: true, mmap: true }, capabilities: [] };
    for (const { host } of RELEASES) {
      expect(host.pageSizes(P4K | P64K, { hostPageSize: P4K, iommuType: 'type1' })).toBe(P4K | P64K);
      expect(host.regionInfo(info, 0)).toBe(info);
      expect([0, 12].map((errno) => host.mmap(errno as 12, 0, {} as never))).toEqual([0, 12]);
      expect(host.refusesMap({} as never, {} as never)).toBe(0);
      expect(host.checksApertures).toBe(true);
    }
  });
});
