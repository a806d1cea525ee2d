import { describe, expect, it } from 'vitest';
import { END_OF_SPACE } from '../address/index.ts';
import { Errno, SpaprTceContainer, Type1Container, type IommuContainer } from '../host/index.ts';
import { MemoryRegion, MemoryTopology } from '../memory/index.ts';
import { DeviceRefused, VmmAbort } from './failure.ts';
import type { Revision } from './revision.ts';
import { P4K, P64K, RecordingIommu, eventLog, ram, revision } from './testing/fakes.ts';
import { VfioContainer, type ContainerOptions } from './vfio-container.ts';

/** A machine with RAM at 0 in `memory`, and an IOMMU region in a separate address space for DMA. */
function machine() {
  const topology = new MemoryTopology();
  const system = MemoryRegion.container('system', END_OF_SPACE);
  const memory = topology.createAddressSpace('memory', system);
  topology.addSubregion(system, ram('ram', 2n * P64K), 0n as never);
  const root = MemoryRegion.container('iommu-root', END_OF_SPACE);
  const window = MemoryRegion.iommu('tce', 1n << 30n);
  topology.addSubregion(root, window, 0n as never);
  const dmaSpace = topology.createAddressSpace('pci', root);
  return { topology, system, memory, dmaSpace, root, window };
}

function connect(iommu: IommuContainer, rest: Partial<ContainerOptions> = {}, built = machine()) {
  const log = eventLog();
  const container = new VfioContainer({
    name: 'container',
    revision: revision('qemu-11.1'),
    iommuType: 'type1',
    iommu,
    topology: built.topology,
    dmaSpace: built.memory,
    memory: built.memory,
    hostPageSize: P4K,
    targetPageSize: P4K,
    emit: log.emit,
    ...rest,
  });
  return { container, ...built, log };
}

describe('connecting a container', () => {
  it('maps the flat view of its address space and follows changes', () => {
    const iommu = new RecordingIommu();
    const { container, topology, system } = connect(iommu);
    expect([container.name, container.iommuType, container.iommu]).toEqual(['container', 'type1', iommu]);
    expect(iommu.take()).toEqual(['map 0x0 0x20000 rw']);
    topology.addSubregion(system, ram('more', P4K), 0x10_0000n as never);
    expect(iommu.take()).toEqual(['map 0x100000 0x1000 rw']);
  });

  it('refuses the device when the host refuses RAM, and leaves no listener behind', () => {
    const iommu = new RecordingIommu();
    iommu.answer = () => Errno.ENOMEM;
    const built = machine();
    let refusal: unknown;
    try {
      connect(iommu, {}, built);
    } catch (error) {
      refusal = error;
    }
    expect(refusal).toBeInstanceOf(DeviceRefused);
    expect(refusal).toEqual({
      message:
        'memory listener initialization failed for container: Region ram: vfio_dma_map(0x0, 0x20000) = -12 (ENOMEM)',
    });
    expect(built.memory.listeners).toEqual([]);
  });

  it('survives a later refusal of device memory, but not of RAM', () => {
    const iommu = new RecordingIommu();
    const { topology, system } = connect(iommu);
    iommu.answer = () => Errno.ENOMEM;
    const bar = MemoryRegion.ramDevice('bar', P64K);
    expect(() => topology.addSubregion(system, bar, 0x10_0000n as never)).not.toThrow();
    expect(() => topology.addSubregion(system, ram('more', P4K), 0x20_0000n as never)).toThrow(
      expect.objectContaining({ site: 'dma-map-ram' }) as Error,
    );
  });

  it('refuses the device for device memory too, in 2.11', () => {
    const iommu = new RecordingIommu();
    const built = machine();
    built.topology.addSubregion(built.system, MemoryRegion.ramDevice('bar', P64K), 0x10_0000n as never);
    iommu.answer = ({ deviceMemory }) => (deviceMemory ? Errno.EINVAL : 0);
    expect(() => connect(iommu, { revision: revision('qemu-2.11') }, built)).toThrow(
      expect.objectContaining({
        message: expect.stringContaining('memory listener initialization failed') as string,
      }) as Error,
    );
    expect(() => connect(iommu, { revision: revision('qemu-2.12') }, built)).not.toThrow();
  });
});

describe('disconnecting a container', () => {
  it.each(['qemu-2.12', 'qemu-6.0', 'qemu-11.1'])('unmaps every section in %s', (id) => {
    const iommu = new RecordingIommu();
    const { container, topology, system, memory } = connect(iommu, { revision: revision(id) });
    topology.addSubregion(system, ram('more', P4K), 0x10_0000n as never);
    iommu.take();
    container.disconnect();
    expect(iommu.take()).toEqual(['unmap 0x0 0x20000', 'unmap 0x100000 0x1000']);
    expect(memory.listeners).toEqual([]);
    topology.addSubregion(system, ram('yet more', P4K), 0x20_0000n as never);
    container.disconnect();
    expect(iommu.take()).toEqual([]);
  });

  it.each(['qemu-2.11', 'seed-v2'])('leaves the mappings to the host in %s', (id) => {
    const iommu = new Type1Container({ hostPageSize: P4K, domainPageSizes: P4K });
    const { container, topology, system, memory } = connect(iommu, { revision: revision(id) });
    container.disconnect();
    expect(iommu.mappings()).toHaveLength(1);
    expect(memory.listeners).toEqual([]);
    topology.addSubregion(system, ram('more', P4K), 0x10_0000n as never);
    expect(iommu.mappings()).toHaveLength(1);
  });
});

describe('a detached container', () => {
  it('maps the current flat view and does not follow changes', () => {
    const iommu = new RecordingIommu();
    const { container, topology, system, memory } = connect(iommu, { detached: true });
    expect(iommu.take()).toEqual(['map 0x0 0x20000 rw']);
    expect(memory.listeners).toEqual([]);
    topology.addSubregion(system, ram('more', P4K), 0x10_0000n as never);
    container.disconnect();
    expect(iommu.take()).toEqual([]);
  });

  it('refuses the device when the host refuses RAM', () => {
    const iommu = new RecordingIommu();
    iommu.answer = () => Errno.ENOMEM;
    expect(() => connect(iommu, { detached: true })).toThrow(
      expect.objectContaining({ message: expect.stringContaining('-12 (ENOMEM)') as string }) as Error,
    );
  });
});

describe('an sPAPR container', () => {
  const spapr = (iommu: SpaprTceContainer, built = machine(), rest: Partial<ContainerOptions> = {}) =>
    connect(
      iommu,
      { iommuType: 'spapr-tce-v2', dmaSpace: built.dmaSpace, hostPageSize: P64K, ...rest },
      built,
    );

  it('registers RAM before it makes windows, and unregisters RAM after them', () => {
    const iommu = new SpaprTceContainer({ hostPageSize: P64K });
    const { log, container, memory, dmaSpace } = spapr(iommu);
    expect([memory.listeners.length, dmaSpace.listeners.length]).toEqual([1, 1]);
    expect(log.take().map(({ type }) => type)).toEqual(['register-memory', 'window-remove', 'window-create']);
    expect(iommu.windows()).toMatchObject([{ start: 0n, size: 1n << 30n }]);
    container.disconnect();
    expect(log.take().map(({ type }) => type)).toEqual(['dma-unmap', 'window-remove', 'unregister-memory']);
    expect([memory.listeners, dmaSpace.listeners]).toEqual([[], []]);
    expect(iommu.windows()).toEqual([]);
  });

  it('ends the VMM when the host later refuses to register RAM', () => {
    const iommu = new SpaprTceContainer({ hostPageSize: P64K, lockLimit: 2n * P64K });
    const { topology, system } = spapr(iommu);
    expect(() => topology.addSubregion(system, ram('more', P64K), 0x10_0000n as never)).toThrow(
      expect.objectContaining({ site: 'memory-registration' }) as Error,
    );
  });

  it('refuses the device when the host refuses to register RAM', () => {
    const built = machine();
    expect(() => spapr(new SpaprTceContainer({ hostPageSize: P64K, lockLimit: 0n }), built)).toThrow(
      expect.objectContaining({
        message:
          'memory listener initialization failed for container: ' +
          'vfio: Memory registering failed, unable to continue: ENOMEM (region ram)',
      }) as Error,
    );
    expect([built.memory.listeners, built.dmaSpace.listeners]).toEqual([[], []]);
  });

  const withoutSmallPages = () => new SpaprTceContainer({ hostPageSize: P64K, pageSizes: 16n << 20n });

  it('refuses the device when the host refuses the first window, in 2.11', () => {
    expect(() => spapr(withoutSmallPages(), machine(), { revision: revision('qemu-2.11') })).toThrow(
      expect.objectContaining({
        message:
          'memory listener initialization failed for container: ' +
          'Region tce: vfio_dma_map(0x0, 0x40000000) = -22 (EINVAL)',
      }) as Error,
    );
  });

  it.each(['qemu-2.12', 'qemu-11.1'])(
    'ends the VMM in %s when the host refuses the first window: QEMU removes a window that it never made',
    (id) => {
      expect(() => spapr(withoutSmallPages(), machine(), { revision: revision(id) })).toThrow(
        expect.objectContaining({ message: 'vfio: Cannot delete missing window at 0x0' }) as Error,
      );
    },
  );

  it('maps every section once more at unregistration, if `whenUnregistered` is `map`', () => {
    const iommu = new RecordingIommu();
    const base = revision('qemu-11.1');
    const wrong = { ...base, listener: { ...base.listener, whenUnregistered: 'map' as const } };
    const { container } = connect(iommu, { revision: wrong });
    iommu.take();
    container.disconnect();
    expect(iommu.take()).toEqual(['map 0x0 0x20000 rw']);
  });
});

describe('a rule of containers that a patch changes', () => {
  const withRules = (rules: Partial<Revision['container']>) => {
    const base = revision('qemu-11.1');
    return { revision: { ...base, container: { ...base.container, ...rules } } };
  };
  const refusing = (): RecordingIommu => {
    const iommu = new RecordingIommu();
    iommu.answer = () => Errno.ENOMEM;
    return iommu;
  };

  it('ignores a refusal during set-up, and follows changes', () => {
    const iommu = refusing();
    const { topology, system } = connect(iommu, withRules({ registrationFailure: 'ignored' }));
    iommu.answer = () => 0;
    iommu.take();
    topology.addSubregion(system, ram('more', P4K), 0x10_0000n as never);
    expect(iommu.take()).toEqual(['map 0x100000 0x1000 rw']);
  });

  it('ends the VMM by a refusal during set-up', () => {
    const connecting = (): unknown => connect(refusing(), withRules({ registrationFailure: 'fatal' }));
    expect(connecting).toThrow(VmmAbort);
    expect(connecting).toThrow('vfio_dma_map(0x0, 0x20000) = -12 (ENOMEM)');
    try {
      connecting();
    } catch (error) {
      expect(error).toMatchObject({ site: 'registration' });
    }
  });

  it('follows system memory in place of the space of the devices', () => {
    const iommu = new RecordingIommu();
    const built = machine();
    const empty = built.topology.createAddressSpace('empty', MemoryRegion.container('empty', END_OF_SPACE));
    connect(iommu, { ...withRules({ space: 'system-memory' }), dmaSpace: empty }, built);
    expect(iommu.take()).toEqual(['map 0x0 0x20000 rw']);
    const other = new RecordingIommu();
    connect(other, { ...withRules({ space: 'of-devices' }), dmaSpace: empty }, built);
    expect(other.take()).toEqual([]);
  });

  it('gets EINVAL for each unmap of a container that is closed first', () => {
    const iommu = new RecordingIommu();
    const { container, log } = connect(iommu, withRules({ teardown: 'close-first' }));
    iommu.take();
    log.take();
    container.disconnect();
    expect(iommu.take()).toEqual([]);
    expect(log.take()).toContainEqual(expect.objectContaining({ type: 'dma-unmap', errno: Errno.EINVAL }));
  });
});
