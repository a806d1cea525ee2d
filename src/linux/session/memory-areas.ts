import type { ProcessAddress } from './host-call.ts';
import type { Area, SessionDevice } from './host-session.ts';

/** The address of the first memory area in the calling process. The other areas follow it. */
export const FIRST_AREA = 0x1000_0000_0000n;

const MiB = 1n << 20n;

/** The areas of a session that names none. `hole` is no memory; `noaccess` is memory without permissions. */
export const DEFAULT_AREAS: readonly Area[] = [
  { name: 'ram', address: FIRST_AREA, size: 4n * MiB },
  { name: 'readonly', address: FIRST_AREA + 4n * MiB, size: MiB },
  { name: 'hole', address: FIRST_AREA + 5n * MiB, size: MiB },
  { name: 'noaccess', address: FIRST_AREA + 6n * MiB, size: MiB },
  { name: 'abs', address: 0n, size: 0n },
];

const AREA_NAMES = /^(?:ram|readonly|hole|noaccess|abs|bar[0-5])$/;

/** Whether an area may have this name. */
export const isAreaName = (name: string): boolean => AREA_NAMES.test(name);

/** The memory at a range of addresses of the calling process. */
export interface MemoryAt {
  readonly readable: boolean;
  readonly writable: boolean;
  /** The index of the BAR, if the whole range is an mmap of one BAR. */
  readonly bar: number | undefined;
}

const NOTHING: MemoryAt = { readable: false, writable: false, bar: undefined };

/** The memory of the process that makes a session's calls. */
export class SessionMemory {
  readonly #areas: readonly Area[];

  constructor(areas: readonly Area[]) {
    this.#areas = areas;
  }

  /** The address that a place names. Nothing is there for a BAR that could not be mmapped. */
  address({ area: name, offset }: ProcessAddress): bigint {
    const area = this.#areas.find((one) => one.name === name);
    return BigInt.asUintN(64, (area?.address ?? addressWithoutArea(name)) + offset);
  }

  /**
   * The permissions that all of `[address, address + size)` has.
   *
   * @param size at least 1
   * @param barsAccessible whether the device's memory decode is on; if it is off, a BAR's mmap cannot be accessed
   */
  at(address: bigint, size: bigint, barsAccessible: boolean): MemoryAt {
    const end = address + size;
    let memory: MemoryAt | undefined;
    for (let reached = address; reached < end;) {
      const area = this.#areas.find((one) => one.address <= reached && reached < one.address + one.size);
      if (area === undefined) return NOTHING;
      const part = permissions(area, barsAccessible);
      memory = memory === undefined ? part : both(memory, part);
      reached = area.address + area.size;
    }
    return memory ?? NOTHING;
  }

  /** How many bytes from `address` on, and at most `limit`, are ordinary memory that can be written. */
  writableBytes(address: bigint, limit: bigint): bigint {
    let reached = address;
    while (reached < address + limit) {
      const area = this.#areas.find((one) => one.address <= reached && reached < one.address + one.size);
      if (area?.name !== 'ram') break;
      reached = area.address + area.size;
    }
    return reached < address + limit ? reached - address : limit;
  }

  /** Whether any byte of `[address, address + size)` lies in an mmap of a BAR. */
  meetsBar(address: bigint, size: bigint): boolean {
    return this.#areas.some(
      (area) =>
        area.name.startsWith('bar') && area.address < address + size && address < area.address + area.size,
    );
  }
}

function permissions({ name }: Area, barsAccessible: boolean): MemoryAt {
  if (name === 'ram') return { readable: true, writable: true, bar: undefined };
  if (name === 'readonly') return { readable: true, writable: false, bar: undefined };
  if (!name.startsWith('bar')) return NOTHING;
  return { readable: barsAccessible, writable: barsAccessible, bar: Number(name.slice(3)) };
}

const both = (a: MemoryAt, b: MemoryAt): MemoryAt => ({
  readable: a.readable && b.readable,
  writable: a.writable && b.writable,
  bar: a.bar === b.bar ? a.bar : undefined,
});

/** The areas of an open device's memory BARs, each an mmap of the whole BAR. */
export const barAreas = (device: SessionDevice, pageSize: bigint): Area[] =>
  device.open
    ? device.bars
        .filter(({ type, mmapFlag }) => type !== 'io' && mmapFlag !== false)
        .map(({ index, size }) => ({
          name: `bar${index}`,
          address: barAddress(index),
          size: size < pageSize ? pageSize : size,
        }))
    : [];

/** The address of a BAR's mmap. The mmaps are 1 TiB apart, so that they do not overlap. */
export const barAddress = (index: number): bigint => FIRST_AREA + (BigInt(index + 1) << 40n);

/** Where an area begins of which the session has none. `abs` is address 0. */
const addressWithoutArea = (name: string): bigint =>
  name.startsWith('bar') ? barAddress(Number(name.slice(3))) : 0n;
