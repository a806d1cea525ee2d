import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { hex } from '../address/index.ts';
import * as abi from '../host/abi/index.ts';
import { Errno } from '../host/index.ts';
import { decodeScenario } from '../scenario/index.ts';
import { AnsweringKernel } from './answering-kernel.ts';
import { HostState } from './host-state.ts';
import { FakeProcess, vfio } from './testing/fake-process.ts';
import { offerDevice } from './testing/offer-device.ts';

const root = mkdtempSync(join(tmpdir(), 'iommufd-file-'));
afterAll(() => rmSync(root, { recursive: true }));

const iommufd = (name: Parameters<typeof abi.iommufdRequest>[0]): number =>
  abi.iommufdRequest(name, abi.GENERIC_IOCTLS);

const APERTURES = [
  { start: 0n, end: 0xfedf_ffffn },
  { start: 0xfef0_0000n, end: 0xffff_ffff_ffffn },
];

/** A process with iommufd, an address space, and the cdev of a device whose BAR lies at 0x7f0000000000. */
function open(kernel: string) {
  const scenario = decodeScenario({
    version: 1,
    machine: { type: 'q35', ram: '0x10000000' },
    host: {
      kernel,
      iommu: {
        type: 'iommufd',
        pageSizes: ['0x1000'],
        apertures: APERTURES.map(({ start, end }) => ({ start: hex(start), end: hex(end) })),
      },
    },
    devices: [{ id: 'dev0', bars: [{ index: 0, size: '0x10000', type: 'mem32' }] }],
    operations: [],
  });
  const folder = mkdtempSync(join(root, 'one-'));
  const state = new HostState(scenario, { folder, ramName: 'pc.ram' });
  state.addDevice(offerDevice(scenario, folder, 0));
  const process = new FakeProcess(new AnsweringKernel(state));
  const device = process.open('/dev/vfio/devices/vfio0');
  const file = process.open('/dev/iommu');
  const bound = process.ask(device, vfio('DEVICE_BIND_IOMMUFD'), abi.BIND_IOMMUFD, { iommufd: file });
  expect(bound.errno).toBe(0);
  const ioas = process.ask(file, iommufd('IOAS_ALLOC'), abi.IOAS_ALLOC, { size: 12 }).after.out_ioas_id;
  expect(ioas).not.toBe(bound.after.out_devid);
  process.call('mapped', { file: device, first: 0n, second: 0x1_0000n, third: 0x7f00_0000_0000n });
  return { state, process, device, file, ioas };
}

const WRITEABLE = abi.IOAS_MAP_FLAGS.FIXED_IOVA | abi.IOAS_MAP_FLAGS.WRITEABLE | abi.IOAS_MAP_FLAGS.READABLE;

describe('iommufd', () => {
  it('attaches a device to an address space or its page table, and to nothing else', () => {
    const { process, device, file, ioas } = open('6.12');
    const table = process.ask(file, iommufd('HWPT_ALLOC'), abi.HWPT_ALLOC, { pt_id: ioas });
    expect(table.errno).toBe(0);
    const attach = (id: number) =>
      process.ask(device, vfio('DEVICE_ATTACH_IOMMUFD_PT'), abi.ATTACH_IOMMUFD_PT, { pt_id: id }).errno;
    expect([attach(ioas), attach(table.after.out_hwpt_id), attach(99)]).toEqual([0, 0, Errno.ENOENT]);
  });

  it('keeps the container while the page table goes, until the address space goes', () => {
    const { process, state, file, ioas } = open('6.12');
    const table = process.ask(file, iommufd('HWPT_ALLOC'), abi.HWPT_ALLOC, { pt_id: ioas }).after.out_hwpt_id;
    const destroy = (id: number) => process.ask(file, iommufd('DESTROY'), abi.DESTROY, { size: 8, id });
    destroy(table);
    expect(state.containers.map(({ name }) => name)).toEqual(['container']);
    destroy(ioas);
    expect(state.containers).toEqual([]);
  });

  it('tells the number of ranges where there is no room for them, and then the ranges', () => {
    const { process, file, ioas } = open('6.12');
    const ask = (count: number) =>
      process.call('ioctl', {
        file,
        first: BigInt(iommufd('IOAS_IOVA_RANGES')),
        second: 0x1000n,
        data: abi.IOAS_IOVA_RANGES.encode({ ioas_id: ioas, num_iovas: count, allowed_iovas: 0x9000n }),
      });
    const short = ask(0);
    expect(short.errno).toBe(Errno.EMSGSIZE);
    expect(abi.IOAS_IOVA_RANGES.decode(short.writes[0]!.bytes)).toMatchObject({
      num_iovas: 2,
      out_iova_alignment: 0x1000n,
    });
    const { errno, writes } = ask(2);
    expect([errno, writes[1]!.address]).toEqual([0, 0x9000n]);
    expect([0, 16].map((at) => abi.RANGE.decode(writes[1]!.bytes, at))).toEqual(
      APERTURES.map(({ start, end }) => ({ first: start, second: end })),
    );
  });

  it.each([
    ['6.12', Errno.ENOTTY, Errno.EFAULT],
    ['6.19', 0, 0],
  ])('on Linux %s exports a BAR with %i and maps it with %i', (kernel, exported, mapped) => {
    const { process, state, device, file, ioas } = open(kernel);
    const feature = Buffer.concat([
      abi.DEVICE_FEATURE.encode({ flags: abi.DEVICE_FEATURES.GET | abi.DEVICE_FEATURES.DMA_BUF }),
      abi.DMA_BUF_FEATURE.encode({ region_index: 0, nr_ranges: 1 }),
      abi.RANGE.encode({ first: 0n, second: 0x1_0000n }),
    ]);
    const answer = process.call('ioctl', {
      file: device,
      spare: 77,
      first: BigInt(vfio('DEVICE_FEATURE')),
      second: 0x1000n,
      data: feature,
    });
    expect(answer.errno).toBe(exported);
    const fields = { flags: WRITEABLE, ioas_id: ioas, length: 0x1_0000n, iova: 0xe000_0000n };
    const errno =
      exported === 0
        ? process.ask(file, iommufd('IOAS_MAP_FILE'), abi.IOAS_MAP_FILE, { ...fields, fd: 77 }).errno
        : process.ask(file, iommufd('IOAS_MAP'), abi.IOAS_MAP, { ...fields, user_va: 0x7f00_0000_0000n })
            .errno;
    expect(errno).toBe(mapped);
    expect(state.events.take([], [])).toMatchObject([
      { type: 'dma-map', deviceMemory: true, backing: { owner: 'dev0', offset: 0n }, errno: mapped },
    ]);
  });

  it('unmaps, and tells how much it unmapped', () => {
    const { process, file, ioas } = open('6.12');
    const map = { flags: WRITEABLE, ioas_id: ioas, user_va: 0x10_0000n, length: 0x2000n, iova: 0n };
    expect(process.ask(file, iommufd('IOAS_MAP'), abi.IOAS_MAP, map).errno).toBe(0);
    const unmap = () =>
      process.ask(file, iommufd('IOAS_UNMAP'), abi.IOAS_UNMAP, { ioas_id: ioas, iova: 0n, length: 0x4000n });
    expect(unmap()).toMatchObject({ errno: 0, after: { length: 0x2000n } });
    expect(unmap().errno).toBe(Errno.ENOENT);
  });

  it.each([
    ['6.12', Errno.ENOTTY],
    ['6.13', 0],
    ['7.2', 0],
    ['msix-mappable', 0],
  ])(
    'lets another process take over pinned memory since 6.13: %s answers %i (host fact R2.6.1)',
    (kernel, errno) => {
      const { process, file } = open(kernel);
      const request = () =>
        process.ask(file, iommufd('IOAS_CHANGE_PROCESS'), abi.DESTROY, { size: 8, id: 0 });
      expect(request().errno).toBe(errno);
    },
  );

  it('lets none take over memory that an address of the process names, until that is unmapped (host fact R2.6.1)', () => {
    const { process, file, ioas } = open('6.13');
    const change = () =>
      process.ask(file, iommufd('IOAS_CHANGE_PROCESS'), abi.DESTROY, { size: 8, id: 0 }).errno;
    const map = { flags: WRITEABLE, ioas_id: ioas, user_va: 0x10_0000n, length: 0x2000n, iova: 0n };
    expect(process.ask(file, iommufd('IOAS_MAP'), abi.IOAS_MAP, map).errno).toBe(0);
    expect(change()).toBe(Errno.EINVAL);
    const range = { ioas_id: ioas, iova: 0n, length: 0x2000n };
    expect(process.ask(file, iommufd('IOAS_UNMAP'), abi.IOAS_UNMAP, range).errno).toBe(0);
    expect(change()).toBe(0);
  });

  it('refuses flags that QEMU never sets, and an unknown address space', () => {
    const { process, file, ioas } = open('6.12');
    const map = (values: object) =>
      process.ask(file, iommufd('IOAS_MAP'), abi.IOAS_MAP, {
        ...{ flags: WRITEABLE, ioas_id: ioas, user_va: 0x10_0000n, length: 0x1000n, iova: 0n },
        ...values,
      }).errno;
    expect(map({ flags: WRITEABLE & ~abi.IOAS_MAP_FLAGS.FIXED_IOVA })).toBe(Errno.EOPNOTSUPP);
    expect(map({ flags: abi.IOAS_MAP_FLAGS.FIXED_IOVA })).toBe(Errno.EOPNOTSUPP);
    expect(map({ ioas_id: 99 })).toBe(Errno.ENOENT);
    expect(map({})).toBe(0);
  });
});
