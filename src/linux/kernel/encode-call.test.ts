import { describe, expect, it } from 'vitest';
import {
  concatenate,
  DMA_MAP,
  encodeRegionChain,
  GENERIC_IOCTLS,
  POWERPC_IOCTLS,
  REGION_INFO,
  TCE_CREATE,
} from '../../host/abi/index.ts';
import { decodeSession } from '../session/decode-session.ts';
import type { HostCall } from '../session/host-call.ts';
import type { HostSession } from '../session/host-session.ts';
import { barAddress, DEFAULT_AREAS, SessionMemory } from '../session/memory-areas.ts';
import { encodeCall } from './encode-call.ts';
import type { EncodedCall } from './encoded-call.ts';
import { withOwnMemory } from './prepare-session.ts';
import { whyNotSent } from './harmful-calls.ts';
import { parseIomem, parseResources } from './plugged-device.ts';

const context = {
  ...{ container: 5, device: 6, machine: 7, ioctls: GENERIC_IOCTLS },
  memory: new SessionMemory(DEFAULT_AREAS),
};
const encode = (call: HostCall): EncodedCall => encodeCall(call, context) as EncodedCall;
const returned = (result: number, errno = 0, data: Uint8Array = new Uint8Array()) =>
  ({ kind: 'returned', result, errno, data }) as const;
const place = (area: string, offset = 0n) => ({ area, offset });

describe('encodeCall', () => {
  it('encodes map as VFIO_IOMMU_MAP_DMA with the address of its place', () => {
    const call: HostCall = {
      call: 'map',
      iova: 0x1000n,
      size: 0x2000n,
      vaddr: place('ram', 0x10n),
      flags: 3,
    };
    expect(encode(call).commands).toEqual([
      'ioctl 5 15217 2000000003000000100000000010000000100000000000000020000000000000',
    ]);
    expect(encode(call).decode(returned(-1, 17))).toEqual({ ret: -1, errno: 17, returned: {} });
  });

  it('decodes the size field that the kernel returns from an unmap', () => {
    const { commands, decode } = encode({ call: 'unmap', iova: 0n, size: 0x1000n, flags: 0, argsz: 20 });
    expect(commands).toEqual(['ioctl 5 15218 140000000000000000000000000000000010000000000000']);
    const data = new Uint8Array(24).fill(1, 17, 18);
    expect(decode(returned(0, 0, data))).toEqual({ ret: 0, errno: 0, returned: { unmapped: 0x100n } });
  });

  it('encodes memslot as KVM_SET_USER_MEMORY_REGION', () => {
    const call: HostCall = {
      call: 'memslot',
      slot: 1,
      flags: 2,
      gpa: 0n,
      size: 0x1000n,
      uaddr: place('abs', 8n),
    };
    expect(encode(call).commands).toEqual([
      'ioctl 7 1075883590 0100000002000000000000000000000000100000000000000800000000000000',
    ]);
  });

  it('decodes the structure and the capabilities of region-info', () => {
    const head = REGION_INFO.encode({
      argsz: 40,
      flags: 15,
      index: 0,
      cap_offset: 32,
      size: 0x1000n,
      offset: 0n,
    });
    const data = concatenate(head, encodeRegionChain([{ id: 3 }], REGION_INFO.bytes));
    const { decode } = encode({ call: 'region-info', index: 0, argsz: 40 });
    expect(decode(returned(0, 0, data)).returned).toEqual({
      ...{ argszOut: 40, infoFlags: 15, size: 0x1000n, offset: 0n, capOffset: 32 },
      caps: [{ 'msix-mappable': 1 }],
    });
    expect(decode(returned(-1, 22, data)).returned).toEqual({});
  });

  it('undoes an mmap at once, and returns 0 instead of its address', () => {
    const call: HostCall = { call: 'mmap', bar: 2, offset: 0x1000n, size: 0x1000n, prot: 3, shared: true };
    const { commands, decode } = encode(call);
    expect(commands).toEqual(['mmap 35184372088832 4096 3 1 6 2199023259648', 'munmap 35184372088832 4096']);
    expect(decode(returned(0x2000_0000_0000)).ret).toBe(0);
  });

  it('encodes a place in a BAR that has no mmap as an address where nothing is', () => {
    const call: HostCall = { call: 'map', iova: 0n, size: 1n, vaddr: place('bar3', 0x10n), flags: 3 };
    const vaddr = barAddress(3) + 0x10n;
    const bytes = DMA_MAP.encode({ argsz: DMA_MAP.bytes, flags: 3, vaddr, iova: 0n, size: 1n });
    expect(encode(call).commands).toEqual([`ioctl 5 15217 ${Buffer.from(bytes).toString('hex')}`]);
  });
});

describe('encodeCall for sPAPR TCE', () => {
  const powerpc = { ...context, ioctls: POWERPC_IOCTLS };
  const encoded = (call: HostCall): EncodedCall => encodeCall(call, powerpc) as EncodedCall;

  it('encodes register and unregister with the numbers of powerpc', () => {
    const block = { vaddr: place('ram', 0x10000n), size: 0x20000n, flags: 1 };
    const [register] = encoded({ call: 'register', ...block }).commands;
    expect(register).toContain(`ioctl 5 ${0x2000_3b75} 1800000001000000`);
    const [unregister] = encoded({ call: 'unregister', ...block, argsz: 8 }).commands;
    expect(unregister).toContain(`ioctl 5 ${0x2000_3b76} 08000000`);
  });

  it('decodes where a window starts, after success alone', () => {
    const call: HostCall = { call: 'create-window', pageShift: 16, size: 1n << 30n, levels: 1, flags: 0 };
    const { commands, decode } = encoded(call);
    expect(commands[0]).toContain(`ioctl 5 ${0x2000_3b77} 28000000`);
    const data = TCE_CREATE.encode({ argsz: TCE_CREATE.bytes, start_addr: 1n << 59n });
    expect(decode(returned(0, 0, data)).returned).toEqual({ start: 1n << 59n });
    expect(decode(returned(-1, 28, data)).returned).toEqual({});
    const remove = encoded({ call: 'remove-window', start: 1n << 59n, flags: 0 });
    expect(remove.commands).toEqual([`ioctl 5 ${0x2000_3b78} 10000000000000000000000000000008`]);
  });
});

describe('withOwnMemory', () => {
  it('moves the areas of sPAPR sessions alone, and never the address 0', () => {
    const session = (container: string) =>
      decodeSession({ container, arch: 'ppc64le', pageSize: '0x10000', iommu: 'spapr', calls: [] });
    const spapr = session('spapr-tce-v2');
    const moved = withOwnMemory(spapr, 2).areas;
    expect(moved.map(({ address }, index) => address - spapr.areas[index]!.address)).toEqual(
      spapr.areas.map(({ name }) => (name === 'abs' ? 0n : 0x200_0000n)),
    );
    const type1 = session('type1v2');
    expect(withOwnMemory(type1, 2)).toBe(type1);
  });
});

describe('whyNotSent', () => {
  const reasons = (session: HostSession): (string | undefined)[] =>
    session.steps.map(({ call }, index) => whyNotSent(session)(call, index));

  it('gives a reason only for a map up to 2^64 on an AMD host before Linux 6.18', () => {
    const toEnd = (size: string) => ({
      ...{ call: 'map', iova: '0xfffffffffffff000', size, vaddr: 'ram+0x0', flags: 3 },
    });
    const host = (iommu: string, kernel: string, size = '0x1000') =>
      reasons(decodeSession({ container: 'type1v2', iommu, kernel, calls: [toEnd(size)] }))[0];
    expect(host('amd-v1', '6.12.1')).toContain('host fact D12');
    expect(host('amd-v1', '6.17')).toContain('host fact D12');
    expect(host('amd-v1', '6.18')).toBeUndefined();
    expect(host('amd-v1', '7.2.12')).toBeUndefined();
    expect(host('intel-aw48', '6.12.1')).toBeUndefined();
    expect(host('amd-v1', '6.12.1', '0x2000')).toBeUndefined();
  });

  it('gives a reason for a block of sPAPR whose list of pages may use up the memory', () => {
    const sizes = ['0x40000000000', '0x40000010000', '0x7ffffff0000', '0x80000000000'];
    const session = decodeSession({
      ...{ container: 'spapr-tce-v2', arch: 'ppc64le', pageSize: '0x10000', iommu: 'spapr' },
      calls: sizes.map((size) => ({ call: 'register', vaddr: 'ram+0x0', size, flags: 0 })),
    });
    const reason = expect.stringContaining('host fact R3.6.6');
    expect(reasons(session)).toEqual([undefined, reason, reason, undefined]);
  });

  it('gives a reason for a map behind a window of sPAPR, and from a window on that the hypervisor refuses', () => {
    const map = (iova: string, size: string) => ({ call: 'map', iova, size, vaddr: 'ram+0x0', flags: 3 });
    const create = { call: 'create-window', pageShift: 16, size: '0x10000000', levels: 1, flags: 0 };
    const session = decodeSession({
      ...{ container: 'spapr-tce-v2', arch: 'ppc64le', pageSize: '0x10000', iommu: 'spapr' },
      calls: [
        map('0xffff000', '0x1000'),
        map('0xffff000', '0x2000'),
        map('0x800000000ff0000', '0xf020000'),
        map('0xffff000', '0x0'),
        { call: 'remove-window', start: '0x0', flags: 0 },
        create,
        create,
        map('0x0', '0x1000'),
      ],
    });
    expect(reasons(session)).toEqual([
      ...[undefined, expect.stringContaining('D6'), expect.stringContaining('D6')],
      ...[undefined, undefined, undefined],
      ...[expect.stringContaining('D19'), expect.stringContaining('D19')],
    ]);
  });
});

describe('parseIomem', () => {
  it('reads ranges at any depth and ignores other lines', () => {
    expect(
      parseIomem('fe000000-fe000fff : 0000:01:00.0\n  fe000800-fe000fff : vfio sub-page reserved\nx\n'),
    ).toEqual([
      { first: 0xfe000000n, last: 0xfe000fffn, name: '0000:01:00.0' },
      { first: 0xfe000800n, last: 0xfe000fffn, name: 'vfio sub-page reserved' },
    ]);
  });
});

describe('parseResources', () => {
  it('reads the size, type and address of each BAR', () => {
    const lines = [
      '0x0000008000000000 0x0000008000003fff 0x0000000000140204',
      '0x0000000000000000 0x0000000000000000 0x0000000000000000',
      '0x0000000010000000 0x00000000100007ff 0x0000000000040200',
      '0x0000000000001000 0x000000000000101f 0x0000000000040101',
      '0x0000008000010000 0x000000800001ffff 0x000000000014220c',
    ];
    expect(parseResources(lines.join('\n'))).toMatchObject([
      { index: 0, size: 0x4000n, type: 'mem64', prefetch: false, start: 0x8000000000n },
      { index: 2, size: 0x800n, type: 'mem32' },
      { index: 3, size: 0x20n, type: 'io' },
      { index: 4, size: 0x10000n, type: 'mem64', prefetch: true },
    ]);
  });
});
