import { describe, expect, it } from 'vitest';
import { hostAddress, iova, offset } from '../address/index.ts';
import { Errno } from './errno.ts';
import type { DmaMapRequest } from './iommu-container.ts';
import type { RequestHeader } from './request-header.ts';
import {
  requestSpaprCreate,
  requestSpaprMap,
  requestSpaprRegister,
  requestSpaprRemove,
  requestSpaprUnmap,
  requestSpaprUnregister,
} from './spapr-requests.ts';
import { SpaprTceContainer } from './spapr-tce.ts';
import { failed, SUCCESS } from './system-call-answer.ts';

const P = 0x1_0000n;
const IOMMU_PAGE = 0x1000n;
const RAM = hostAddress(0x7f00_0000_0000n);
const SECOND_WINDOW = 1n << 59n;
const [READ, WRITE, VADDR] = [1, 2, 4];

const block = { hostAddress: RAM, size: 16n * P };
const window = { pageSize: P, size: 1n << 30n };
const mapRequest: DmaMapRequest = {
  iova: iova(0n),
  size: IOMMU_PAGE,
  hostAddress: RAM,
  readonly: false,
  deviceMemory: false,
  backing: { region: 'ram', owner: undefined, offset: offset(0n) },
};

const fresh = (): SpaprTceContainer => new SpaprTceContainer({ hostPageSize: P });

/** A container with registered memory, of which one page is mapped. */
function inUse(): SpaprTceContainer {
  const tce = fresh();
  expect(requestSpaprRegister(tce, block, { flags: 0 })).toEqual(SUCCESS);
  expect(requestSpaprMap(tce, mapRequest, { flags: READ | WRITE })).toEqual(SUCCESS);
  return tce;
}

/** The error of each request with this header, 0 for success, on a container where the request is right otherwise. */
const REQUESTS: Readonly<Record<string, { bytes: number; errno: (header: RequestHeader) => Errno }>> = {
  UNMAP_DMA: {
    bytes: 24,
    errno: (header) => requestSpaprUnmap(inUse(), { iova: iova(0n), size: IOMMU_PAGE }, header).errno,
  },
  SPAPR_REGISTER_MEMORY: { bytes: 24, errno: (header) => requestSpaprRegister(fresh(), block, header).errno },
  SPAPR_UNREGISTER_MEMORY: {
    bytes: 24,
    errno: (header) => requestSpaprUnregister(inUse(), { start: RAM, size: block.size }, header),
  },
  SPAPR_TCE_CREATE: { bytes: 40, errno: (header) => requestSpaprCreate(inUse(), window, header).errno },
  SPAPR_TCE_REMOVE: { bytes: 16, errno: (header) => requestSpaprRemove(inUse(), iova(0n), header) },
};

describe.each(Object.entries(REQUESTS))(
  'VFIO_IOMMU_%s (host facts G1, C2 and 3.5)',
  (_, { bytes, errno }) => {
    it.each([
      ['argsz 0', { argsz: 0, flags: 0 }, Errno.EINVAL],
      ['one byte less than the structure has', { argsz: bytes - 1, flags: 0 }, Errno.EINVAL],
      ['the size of the structure', { argsz: bytes, flags: 0 }, 0],
      ['one byte more', { argsz: bytes + 1, flags: 0 }, 0],
      ['no argsz, which stands for the size of the structure', { flags: 0 }, 0],
      ['the lowest flag', { flags: 1 }, Errno.EINVAL],
      ['the highest flag', { flags: 0x8000_0000 }, Errno.EINVAL],
      ['too few bytes and a flag', { argsz: bytes - 1, flags: 1 }, Errno.EINVAL],
    ] as const)('answers %s', (__, header, expected) => {
      expect(errno(header)).toBe(expected);
    });
  },
);

describe('VFIO_IOMMU_MAP_DMA of sPAPR', () => {
  it.each([
    ['argsz 31 (host fact T2)', { argsz: 31, flags: READ }, failed(Errno.EINVAL)],
    ['argsz 32, which is the size of the structure (host fact T2)', { argsz: 32, flags: READ }, SUCCESS],
    ['READ', { flags: READ }, SUCCESS],
    ['WRITE', { flags: WRITE }, SUCCESS],
    ['VADDR, which only type1 has (host fact T2)', { flags: VADDR | READ }, failed(Errno.EINVAL)],
    ['a flag that does not exist (host fact T2)', { flags: 8 | READ }, failed(Errno.EINVAL)],
    ['neither READ nor WRITE (host fact T6)', { flags: 0 }, failed(Errno.EINVAL)],
  ] as const)('answers %s', (_, header, answer) => {
    const tce = fresh();
    expect(requestSpaprRegister(tce, block, { flags: 0 })).toEqual(SUCCESS);
    expect(requestSpaprMap(tce, mapRequest, header)).toEqual(answer);
    expect(tce.mappings()).toHaveLength(answer.errno === 0 ? 1 : 0);
  });

  it('looks for READ and WRITE after the window, and before the IOVA’s alignment (host facts T4, T6 and D4)', () => {
    const neither = (at: bigint) => requestSpaprMap(inUse(), { ...mapRequest, iova: iova(at) }, { flags: 0 });
    expect(neither(1n << 31n)).toEqual(failed(Errno.ENXIO));
    expect(neither(0x800n)).toEqual(failed(Errno.EINVAL));
  });
});

describe('a container of sPAPR that is not enabled (host facts T1 and 3.5)', () => {
  const wrong = { argsz: 0, flags: 0xff };

  it('refuses maps and unmaps with EPERM before it looks at their header', () => {
    const range = { iova: iova(0n), size: IOMMU_PAGE };
    for (const header of [{ flags: READ }, wrong]) {
      expect(requestSpaprMap(fresh(), mapRequest, header)).toEqual(failed(Errno.EPERM));
      expect(requestSpaprUnmap(fresh(), range, header)).toEqual(failed(Errno.EPERM));
    }
    expect(requestSpaprMap(inUse(), mapRequest, wrong)).toEqual(failed(Errno.EINVAL));
    expect(requestSpaprUnmap(inUse(), range, wrong)).toMatchObject(failed(Errno.EINVAL));
  });

  it('is enabled by memory that was registered, and stays so when it is unregistered', () => {
    const tce = fresh();
    expect(tce.isEnabled).toBe(false);
    expect(requestSpaprRegister(tce, { ...block, unusable: true }, { flags: 0 })).toEqual(
      failed(Errno.EFAULT),
    );
    expect(tce.isEnabled).toBe(false);
    expect(requestSpaprRegister(tce, block, { flags: 0 })).toEqual(SUCCESS);
    expect(tce.isEnabled).toBe(true);
    expect(requestSpaprUnregister(tce, { start: RAM, size: block.size }, { flags: 0 })).toBe(0);
    expect(tce.isEnabled).toBe(true);
  });
});

describe('the process of a container of sPAPR (host fact R3.6.5)', () => {
  const unregister = (tce: SpaprTceContainer, header: RequestHeader = { flags: 0 }) =>
    requestSpaprUnregister(tce, { start: RAM, size: block.size }, header);

  it('is none at first: nothing can be unregistered, whatever the header', () => {
    expect(unregister(fresh())).toBe(Errno.EPERM);
    expect(unregister(fresh(), { argsz: 0, flags: 1 })).toBe(Errno.EPERM);
    expect(fresh().unregisterMemory(RAM, block.size)).toBe(Errno.EPERM);
  });

  it('is none after maps and unmaps, which are refused', () => {
    const tce = fresh();
    requestSpaprMap(tce, mapRequest, { flags: READ });
    requestSpaprUnmap(tce, { iova: iova(0n), size: IOMMU_PAGE }, { flags: 0 });
    expect(unregister(tce)).toBe(Errno.EPERM);
  });

  const wrong = { argsz: 0, flags: 0 };
  it.each<[string, (tce: SpaprTceContainer) => unknown]>([
    ['REGISTER_MEMORY that fails', (tce) => tce.registerMemory({ ...block, unusable: true })],
    ['REGISTER_MEMORY with a refused header', (tce) => requestSpaprRegister(tce, block, wrong)],
    ['TCE_CREATE that fails', (tce) => tce.createWindow({ ...window, pageSize: 3n })],
    ['TCE_CREATE with a refused header', (tce) => requestSpaprCreate(tce, window, wrong)],
    ['TCE_REMOVE that fails', (tce) => tce.removeWindow(iova(SECOND_WINDOW))],
    ['TCE_REMOVE with a refused header', (tce) => requestSpaprRemove(tce, iova(0n), wrong)],
  ])('is that of a caller of %s', (_, call) => {
    const tce = fresh();
    call(tce);
    expect(tce.hasProcess).toBe(true);
    expect(unregister(tce)).toBe(Errno.ENOENT);
  });
});

describe('the windows that requests of sPAPR make and remove', () => {
  it('are told to the caller of TCE_CREATE, and are none after a refused header', () => {
    expect(requestSpaprCreate(inUse(), window, { flags: 0 })).toEqual({
      errno: 0,
      window: { slot: 1, start: SECOND_WINDOW, ...window },
    });
    const tce = inUse();
    expect(requestSpaprCreate(tce, window, { flags: 1 })).toEqual({ errno: Errno.EINVAL, window: undefined });
    expect(tce.windows()).toHaveLength(1);
  });

  it('are gone with their mappings after TCE_REMOVE, and stay after a refused header', () => {
    const tce = inUse();
    expect(requestSpaprRemove(tce, iova(0n), { flags: 1 })).toBe(Errno.EINVAL);
    expect([tce.windows(), tce.mappings()]).toMatchObject([{ length: 1 }, { length: 1 }]);
    expect(requestSpaprRemove(tce, iova(0n), { flags: 0 })).toBe(0);
    expect([tce.windows(), tce.mappings()]).toEqual([[], []]);
  });
});
