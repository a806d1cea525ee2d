import { mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import * as abi from '../host/abi/index.ts';
import { Errno } from '../host/index.ts';
import { decodeScenario, type Scenario } from '../scenario/index.ts';
import { AnsweringKernel } from './answering-kernel.ts';
import { HostState } from './host-state.ts';
import { FakeProcess, vfio } from './testing/fake-process.ts';
import { offerDevice } from './testing/offer-device.ts';

const root = mkdtempSync(join(tmpdir(), 'host-kernel-'));
afterAll(() => rmSync(root, { recursive: true }));

const scenario = (host: object, machine: object = {}): Scenario =>
  decodeScenario({
    version: 1,
    machine: { type: 'q35', ram: '0x10000000', ...machine },
    host: { kernel: '6.12', ...host },
    devices: [
      {
        id: 'dev0',
        name: '0000:01:00.0',
        vendor: '0x15b3',
        device: '0x1013',
        bars: [{ index: 0, size: '0x10000', type: 'mem64p' }],
        msix: { vectors: 32, tableBar: 0, tableOffset: '0x8000', pbaBar: 0, pbaOffset: '0x9000' },
      },
    ],
    operations: [],
  });

const type1 = { iommu: { type: 'type1', pageSizes: ['0x1000', '0x200000'] } };
const CONFIG = 7n << 40n;

/** The kernel of a host with one device in group 3, and a process. */
function open(host: object = type1, machine: object = {}) {
  const spec = scenario(host, machine);
  const folder = mkdtempSync(join(root, 'one-'));
  const state = new HostState(spec, { folder, ramName: 'pc.ram' });
  const device = offerDevice(spec, folder, 3);
  state.addDevice(device);
  return { folder, state, device, process: new FakeProcess(new AnsweringKernel(state)) };
}

/** A process that has gone the way of QEMU's legacy container up to the device. */
function openDevice(host: object = type1, machine: object = {}) {
  const opened = open(host, machine);
  const { process } = opened;
  const group = process.open('/dev/vfio/3');
  const container = process.open('/dev/vfio/vfio');
  expect(process.openBy(group, vfio('GROUP_SET_CONTAINER'), container)).toBe(0);
  const kind = opened.state.scenario.host.iommu.type === 'type1' ? 3n : 7n;
  expect(process.ioctl(container, vfio('SET_IOMMU'), kind).errno).toBe(0);
  const file = process.openBy(group, vfio('GROUP_GET_DEVICE_FD'), 'host-device:c0');
  expect(file).toBeGreaterThan(0);
  return { ...opened, group, container, file };
}

describe('the files of the kernel', () => {
  it('are those of the devices that the host offers, and no others', () => {
    const { process } = open();
    expect(process.open('/dev/vfio/3')).toBeGreaterThan(0);
    for (const path of ['/dev/vfio/4', '/dev/vfio/devices/vfio3', '/dev/vfio', '/dev/vfio/3x'])
      expect([path, process.open(path)]).toEqual([path, -Errno.ENOENT]);
  });

  it('have cdevs and /dev/iommu where the kernel has iommufd', () => {
    const { process } = open({ iommu: { type: 'iommufd' } });
    expect(process.open('/dev/vfio/devices/vfio3')).toBeGreaterThan(0);
    expect(process.open('/dev/iommu')).toBeGreaterThan(0);
    expect(open({ ...type1, kernel: '5.15' }).process.open('/dev/iommu')).toBe(-Errno.ENOENT);
  });

  it('open a group once at a time', () => {
    const { process } = open();
    const file = process.open('/dev/vfio/3');
    expect(process.open('/dev/vfio/3')).toBe(-Errno.EBUSY);
    process.call('close', { file });
    expect(process.open('/dev/vfio/3')).toBeGreaterThan(0);
  });

  it('refuse a request that barproof does not know with ENOTTY, and name it once', () => {
    const { process, state, file, container } = openDevice();
    expect(process.ioctl(container, 0x3bff).errno).toBe(Errno.ENOTTY);
    expect(process.ioctl(container, 0x3bff).errno).toBe(Errno.ENOTTY);
    expect(process.ioctl(file, 0xaeff).errno).toBe(Errno.ENOTTY);
    expect(state.events.unknownRequests).toEqual([
      'ioctl 0x3bff on a file of the kind container',
      'ioctl 0xaeff on a file of the kind device',
    ]);
  });

  it('answer a structure that is not there with EFAULT', () => {
    const { process, container } = openDevice();
    expect(process.ioctl(container, vfio('IOMMU_MAP_DMA'), 0x1000n).errno).toBe(Errno.EFAULT);
  });
});

describe('sysfs of a device', () => {
  it('names group, bus and character device, and the device is called by its folder', () => {
    const { device, folder } = open({ ...type1, iommu: { ...type1.iommu, type: 'iommufd' } });
    expect(device.path).toBe(join(folder, 'host-device:c0'));
    expect(readlinkSync(join(device.path, 'iommu_group'))).toMatch(/\/3$/);
    expect(readlinkSync(join(device.path, 'subsystem'))).toMatch(/\/pci$/);
    expect(readFileSync(join(device.path, 'vfio-dev/vfio3/dev'), 'utf8')).toBe('1:3\n');
  });

  it('has no character device without iommufd, where QEMU does not look for it', () => {
    expect(readdirSync(open().device.path).toSorted()).toEqual(['iommu_group', 'subsystem']);
  });
});

describe('a container', () => {
  it('has the extensions of its kind of IOMMU', () => {
    const asked = [1n, 2n, 3n, 4n, 7n, 9n];
    const answers = (host: object, machine?: object) => {
      const { process } = open(host, machine);
      const container = process.open('/dev/vfio/vfio');
      return asked.map((id) => Number(process.ioctl(container, vfio('CHECK_EXTENSION'), id).result));
    };
    expect(answers(type1)).toEqual([1, 0, 1, 0, 0, 1]);
    const spapr = { iommu: { type: 'spapr-tce-v2', pageSizes: ['0x1000', '0x10000'] } };
    expect(answers(spapr, { type: 'pseries' })).toEqual([0, 1, 0, 0, 1, 0]);
    expect(answers({ iommu: { type: 'iommufd' } })).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it('takes its type from the first group, and only one', () => {
    const { process } = open();
    const container = process.open('/dev/vfio/vfio');
    const setType = (type: bigint) => process.ioctl(container, vfio('SET_IOMMU'), type).errno;
    expect(setType(3n)).toBe(Errno.EINVAL);
    process.openBy(process.open('/dev/vfio/3'), vfio('GROUP_SET_CONTAINER'), container);
    expect(setType(7n)).toBe(Errno.ENODEV);
    expect(setType(3n)).toBe(0);
    expect(setType(3n)).toBe(Errno.EINVAL);
  });

  it('loses its mappings with its last group; a later one is another container', () => {
    const { process, state, group, container } = openDevice();
    const map = { argsz: 32, flags: 3, vaddr: 0x10_0000n, iova: 0n, size: 0x1000n };
    expect(process.ask(container, vfio('IOMMU_MAP_DMA'), abi.DMA_MAP, map).errno).toBe(0);
    expect(state.containers.map(({ name, iommu }) => [name, iommu.mappings().length])).toEqual([
      ['container', 1],
    ]);
    expect(process.ioctl(group, vfio('GROUP_UNSET_CONTAINER')).errno).toBe(0);
    expect(state.containers).toEqual([]);
    process.openBy(group, vfio('GROUP_SET_CONTAINER'), container);
    process.ioctl(container, vfio('SET_IOMMU'), 3n);
    expect(state.containers.map(({ name, iommu }) => [name, iommu.mappings().length])).toEqual([
      ['container#2', 0],
    ]);
  });

  it('answers maps from the host model, and notes each request with its answer', () => {
    const { process, state, container } = openDevice();
    const map = (iova: bigint, size: bigint) =>
      process.ask(container, vfio('IOMMU_MAP_DMA'), abi.DMA_MAP, {
        ...{ argsz: 32, flags: 1, vaddr: 0x10_0000n, iova, size },
      }).errno;
    const unmap = (iova: bigint, size: bigint) =>
      process.ask(container, vfio('IOMMU_UNMAP_DMA'), abi.DMA_UNMAP, { argsz: 24, iova, size });
    expect([map(0n, 0x2000n), map(0x1000n, 0x1000n), map(0x800n, 0x1000n)]).toEqual([
      ...[0, Errno.EEXIST, Errno.EINVAL],
    ]);
    expect(unmap(0n, 0x1000n).errno).toBe(Errno.EINVAL);
    expect(unmap(0n, 0x4000n).after.size).toBe(0x2000n);
    const view = [] as const;
    expect(
      state.events.take(view, view).map((event) => [event.type, 'errno' in event ? event.errno : 0]),
    ).toEqual([
      ['dma-map', 0],
      ['dma-map', Errno.EEXIST],
      ['dma-map', Errno.EINVAL],
      ['dma-unmap', Errno.EINVAL],
      ['dma-unmap', 0],
    ]);
  });

  it('refuses flags that type1 does not know, and a structure that is too short', () => {
    const { process, state, container } = openDevice();
    const map = (values: object) =>
      process.ask(container, vfio('IOMMU_MAP_DMA'), abi.DMA_MAP, {
        ...{ argsz: 32, flags: 3, vaddr: 0x10_0000n, iova: 0n, size: 0x1000n },
        ...values,
      }).errno;
    for (const wrong of [{ flags: 0 }, { flags: 8 }, { argsz: 31 }]) expect(map(wrong)).toBe(Errno.EINVAL);
    expect(state.containers[0]!.iommu.mappings()).toEqual([]);
  });

  it('unmaps all at once, and says that it can, since Linux 5.12 (host facts 0.1 and U2)', () => {
    const UNMAP_ALL = 9n;
    const unmapAll = (kernel: string) => {
      const { process, state, container } = openDevice({ ...type1, kernel });
      const map = { argsz: 32, flags: 3, vaddr: 0x10_0000n, iova: 0x1000n, size: 0x2000n };
      expect(process.ask(container, vfio('IOMMU_MAP_DMA'), abi.DMA_MAP, map).errno).toBe(0);
      const answer = process.ask(container, vfio('IOMMU_UNMAP_DMA'), abi.DMA_UNMAP, { argsz: 24, flags: 2 });
      return {
        says: process.ioctl(container, vfio('CHECK_EXTENSION'), UNMAP_ALL).result,
        errno: answer.errno,
        left: state.containers[0]!.iommu.mappings().length,
      };
    };
    expect(unmapAll('5.11')).toEqual({ says: 0n, errno: Errno.EINVAL, left: 1 });
    expect(unmapAll('5.12')).toEqual({ says: 1n, errno: 0, left: 0 });
  });

  it('tells pages, valid IOVAs and free mappings where there is room for the capabilities', () => {
    const apertures = [{ start: 0, end: '0xfedfffff' }];
    const { process, container } = openDevice({ iommu: { ...type1.iommu, apertures } });
    const info = (argsz: number) => process.ask(container, vfio('IOMMU_GET_INFO'), abi.TYPE1_INFO, { argsz });
    const short = info(24).after;
    expect(short).toMatchObject({ flags: 3, iova_pgsizes: 0x20_1000n, cap_offset: 0 });
    const { after, bytes } = info(short.argsz);
    expect(after.cap_offset).toBe(24);
    const chain = abi.decodeChain(bytes, 24);
    expect(chain.map(({ id }) => id)).toEqual([2, 3, 1]);
    expect(abi.DMA_AVAIL.decode(chain[1]!.contents).avail).toBe(65535);
    expect(abi.decodeRanges(chain[2]!.contents)).toEqual([[0n, 0xfedf_ffffn]]);
  });
});

describe('a host with faults', () => {
  const map = { argsz: 32, flags: 3, vaddr: 0x10_0000n, iova: 0x1000n, size: 0x1000n };

  it('refuses the chosen requests, marks them, and does not carry them out', () => {
    const faults = [
      { request: 'dma-map', answer: 'ENOSPC', nth: 1 },
      { request: 'dma-unmap', answer: 'EIO', at: '0x1800' },
    ];
    const { process, state, container } = openDevice({ ...type1, faults });
    const ask = () => process.ask(container, vfio('IOMMU_MAP_DMA'), abi.DMA_MAP, map).errno;
    const unmap = { argsz: 24, iova: 0x1000n, size: 0x1000n };
    expect([ask(), ask()]).toEqual([Errno.ENOSPC, 0]);
    expect(process.ask(container, vfio('IOMMU_UNMAP_DMA'), abi.DMA_UNMAP, unmap).errno).toBe(Errno.EIO);
    expect(state.containers[0]!.iommu.mappings()).toHaveLength(1);
    const events = state.events.take([], []);
    expect(events.map((event) => 'injected' in event)).toEqual([true, false, true]);
  });

  it('lets a device into no container, resets none, and sets up no MSI-X, as the faults say', () => {
    const { process } = open({ ...type1, faults: [{ request: 'attach', answer: 'EPERM', device: 'dev0' }] });
    const group = process.open('/dev/vfio/3');
    const container = process.open('/dev/vfio/vfio');
    const joined = process.ask(group, vfio('GROUP_SET_CONTAINER'), abi.LIST_LENGTH, { count: container });
    expect(joined.errno).toBe(Errno.EPERM);
    const faults = ['reset', 'set-irqs', 'mmap'].map((request) => ({ request, answer: 'EBUSY' }));
    const { process: other, file } = openDevice({ ...type1, faults });
    const setIrqs = (index: number) =>
      other.ask(file, vfio('DEVICE_SET_IRQS'), abi.IRQ_SET, { argsz: 20, index }).errno;
    expect(other.ioctl(file, vfio('DEVICE_RESET')).errno).toBe(Errno.EBUSY);
    expect([abi.PCI_IRQS.MSIX, abi.PCI_IRQS.REQ].map(setIrqs)).toEqual([Errno.EBUSY, 0]);
    expect(other.call('mmap', { file, first: 0n, second: 0x8000n }).errno).toBe(Errno.EBUSY);
  });

  it('tells of a request that it never answers', () => {
    const unanswered: string[] = [];
    const { state, process, container } = openDevice({
      ...type1,
      faults: [{ request: 'dma-map', answer: 'never' }],
    });
    const silent = new AnsweringKernel(state, (request) => unanswered.push(request));
    const request = BigInt(vfio('IOMMU_MAP_DMA'));
    const call = {
      operation: 'ioctl',
      file: container,
      spare: 0,
      first: request,
      second: 0x1000n,
      third: 0n,
    };
    expect(silent.answer({ ...call, operation: 'ioctl', data: abi.DMA_MAP.encode(map) })).toBeUndefined();
    expect(unanswered).toEqual(['dma-map']);
    expect(() => process.ask(container, vfio('IOMMU_MAP_DMA'), abi.DMA_MAP, map)).toThrow('never answered');
  });
});

describe('a device', () => {
  it('tells its BAR with the capability of the kernel, whole where there is room', () => {
    const region = (kernel: string, argsz: number) => {
      const { process, file } = openDevice({ ...type1, kernel });
      return process.ask(file, vfio('DEVICE_GET_REGION_INFO'), abi.REGION_INFO, { argsz, index: 0 });
    };
    expect(region('6.12', 32).after).toMatchObject({ argsz: 40, flags: 15, cap_offset: 0, size: 0x1_0000n });
    const mappable = region('6.12', 40);
    expect(abi.decodeChain(mappable.bytes, mappable.after.cap_offset).map(({ id }) => id)).toEqual([3]);
    const sparse = region('4.15', 200);
    const [capability] = abi.decodeChain(sparse.bytes, sparse.after.cap_offset);
    expect(abi.decodeRanges(capability!.contents)).toEqual([
      [0n, 0x8000n],
      [0x9000n, 0x7000n],
    ]);
  });

  it('shows its configuration space, and keeps what may be written', () => {
    const { process, file } = openDevice();
    const read = (at: bigint, length: number) =>
      Buffer.from(process.call('pread', { file, first: CONFIG + at, second: BigInt(length) }).data);
    expect(read(0n, 4).readUInt32LE()).toBe(0x1013_15b3);
    expect(read(0x10n, 4).readUInt32LE()).toBe(0xc);
    process.call('pwrite', { file, first: CONFIG, data: Buffer.from([0xff, 0xff, 0xff, 0xff, 2, 0]) });
    expect([read(0n, 4).readUInt32LE(), read(4n, 2).readUInt16LE()]).toEqual([0x1013_15b3, 2]);
  });

  it('lets QEMU mmap a BAR over a file of whole pages, and names the memory afterwards', () => {
    const { process, state, file } = openDevice({ ...type1, kernel: '4.15' });
    const mmap = (start: bigint, length: bigint) =>
      process.call('mmap', { file, first: start, second: length });
    expect(mmap(0n, 0x1_0000n).errno).toBe(Errno.EINVAL);
    const answer = mmap(0x9000n, 0x7000n);
    expect([answer.errno, answer.result]).toEqual([0, 0x9000n]);
    expect(statSync(Buffer.from(answer.data)).size).toBe(0x1_0000);
    process.call('mapped', { file, first: 0x9000n, second: 0x7000n, third: 0x7f00_0000_0000n });
    expect(state.memory.at(0x7f00_0000_1234n)).toEqual({
      deviceMemory: true,
      backing: { region: '0000:01:00.0 BAR 0 mmaps[0]', owner: 'dev0', offset: 0x1234n },
    });
    expect(state.memory.addressOfBar(state.findDevice(3)!, 0, 0xa000n)).toBe(0x7f00_0000_1000n);
    process.call('unmapped', { first: 0x7f00_0000_0000n, second: 0x7000n });
    expect(state.memory.at(0x7f00_0000_1234n)).toEqual({ deviceMemory: false, backing: undefined });
  });
});
